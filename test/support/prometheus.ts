import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What Prometheus is to scrape, under a name. */
export interface Target {
  readonly instance: string
  /** Base URL of an admin listener. */
  readonly url: string
  /** What signed its certificate. */
  readonly caFile?: string
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

/** A real Prometheus that scrapes every half second, with the rules of deploy/ and none of their patience. */
export class Prometheus {
  readonly #child: ChildProcess
  readonly #url: string
  readonly #folder: string
  #said = ''

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.#url = `http://127.0.0.1:${port}`
    this.#child = spawn('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString()
      })
  }

  /** @throws when it ends instead of answering. */
  static async start(targets: readonly Target[]): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'cinderguard-prometheus-'))
    for (const name of ['rules.yaml', 'alerts.yaml']) {
      const text = readFileSync(`deploy/prometheus/${name}`, 'utf8')
      writeFileSync(join(folder, name), text.replace(/^( +for:) \w+$/gm, '$1 500ms'))
    }
    const jobs = targets.map(({ instance, url, caFile }) => ({
      job_name: instance,
      scheme: new URL(url).protocol.slice(0, -1),
      ...(caFile === undefined ? {} : { tls_config: { ca_file: caFile } }),
      static_configs: [{ targets: [new URL(url).host], labels: { job: 'cinderguard', instance } }],
    }))
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: ['rules.yaml', 'alerts.yaml'],
      scrape_configs: jobs,
    }
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
    const started = new Prometheus(folder, await freePort())
    for (;;) {
      const answer = await fetch(`${started.#url}/-/ready`).catch(() => null)
      if (answer?.status === 200) return started
      if (started.#child.exitCode !== null) throw new Error(started.#said)
      await sleep(50)
    }
  }

  async alerts(): Promise<readonly Alert[]> {
    const { alerts } = await this.#get<{ readonly alerts: readonly Alert[] }>('alerts')
    return alerts
  }

  /** @throws with what is wrong with the expression. */
  async query(expression: string): Promise<readonly Sample[]> {
    const found = await this.#get<{ readonly result: readonly Sample[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    )
    return found.result
  }

  /** Problems of rules that it evaluates, by name. */
  async ruleProblems(): Promise<readonly string[]> {
    const { groups } = await this.#get<{
      readonly groups: readonly {
        readonly rules: readonly { readonly name: string; readonly lastError?: string }[]
      }[]
    }>('rules')
    return groups.flatMap(({ rules }) =>
      rules.filter(({ lastError }) => lastError).map(({ name, lastError }) => `${name}: ${lastError}`),
    )
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await gone
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`)
    const found = (await answer.json()) as { readonly data: T; readonly error?: string }
    if (answer.status !== 200) throw new Error(`${path}: ${found.error}`)
    return found.data
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../lab/freePorts.ts'
import type { Lab } from '../lab/lab.ts'
import { excuse } from '../shared.ts'

const PROGRAM = join(import.meta.dirname, '../../../bin/cinderguard.js')

/** What a command said, and its exit code. */
export interface Said {
  readonly code: number
  readonly text: string
}

/** Cinderguard as an operator has it: a configuration of its own beside Cinder's, one process, and its commands. */
export class Installation {
  readonly url: string
  readonly admin: string
  readonly folder: string
  readonly #lab: Lab
  #process: ChildProcess | undefined
  #log = ''

  private constructor(lab: Lab, port: number, adminPort: number) {
    this.#lab = lab
    this.folder = mkdtempSync(join(tmpdir(), 'cinderguard-walkthrough-'))
    this.url = `http://127.0.0.1:${port}`
    this.admin = `http://127.0.0.1:${adminPort}`
  }

  static async prepare(lab: Lab): Promise<Installation> {
    const [port = 0, adminPort = 0] = await freePorts(2)
    return new Installation(lab, port, adminPort)
  }

  get #files(): readonly string[] {
    return [
      '--config-file',
      this.#lab.paths.cinderConf,
      '--config-file',
      join(this.folder, 'cinderguard.conf'),
    ]
  }

  /** Writes the gateway's own configuration; it counts from the next start or reload. @returns it. */
  configure(mode: 'observe' | 'enforce'): string {
    const text = [
      '[cinderguard]',
      `mode = ${mode}`,
      `bind = ${new URL(this.url).host}`,
      `upstream = ${this.#lab.urls.cinder.legacy}`,
      `admin_bind = ${new URL(this.admin).host}`,
      `audit_log = ${join(this.folder, 'decisions.log')}`,
      '',
    ].join('\n')
    writeFileSync(join(this.folder, 'cinderguard.conf'), text)
    return text
  }

  async start(): Promise<void> {
    this.#log = ''
    this.#process = spawn(PROGRAM, ['serve', ...this.#files], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString()
      })
    for (let turn = 0; turn < 400 && !this.#log.includes('cinderguard is listening'); turn += 1)
      await sleep(50)
    if (!this.#log.includes('cinderguard is listening')) throw new Error(this.#log)
  }

  /** Changes the mode as an operator does: in the file, then SIGHUP. @returns what the gateway says to that. */
  async switchTo(mode: 'observe' | 'enforce'): Promise<string> {
    this.configure(mode)
    const from = this.#log.length
    const answer = (): string | undefined =>
      /^\{.*the configuration was re-read.*\}$/m.exec(this.#log.slice(from))?.[0]
    this.#process?.kill('SIGHUP')
    for (let turn = 0; turn < 200 && answer() === undefined; turn += 1) await sleep(50)
    const line = answer()
    if (line === undefined) throw new Error(this.#log.slice(from))
    const { msg, changed } = JSON.parse(line) as { msg: string; changed: readonly string[] }
    return `${msg}; changed: ${changed.join(', ')}`
  }

  async stop(): Promise<void> {
    const running = this.#process
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const gone = once(running, 'exit')
    running.kill('SIGTERM')
    await gone
  }

  /** Runs `cinderguard WORDS --config-file … --config-file …`. */
  run(...words: readonly string[]): Promise<Said> {
    return new Promise((resolve) => {
      execFile(PROGRAM, [...words, ...this.#files], { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr })
      })
    })
  }

  async clear(): Promise<void> {
    await this.stop()
    const records = join(this.folder, 'decisions.log')
    if (existsSync(records)) excuse(records)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cloud } from '../../src/demo/cloud.ts'
import { GATEWAY_ACCOUNT } from '../../src/demo/fixture.ts'

/** `cinderguard serve` as a process of its own, in front of the stand-in cloud. */
export class GatewayProcess {
  readonly child: ChildProcess
  /** All that it wrote. */
  said = ''
  readonly #folder = mkdtempSync(join(tmpdir(), 'cinderguard-process-'))
  readonly #options: Record<string, string>

  /**
   * @param options lines of sections, by `section.name`; those of [cinderguard] without its name.
   * @param wrapper a command that becomes the one after it, such as `prlimit`.
   */
  constructor(cloud: Cloud, options: Readonly<Record<string, string>> = {}, wrapper: readonly string[] = []) {
    this.#options = {
      upstream: cloud.urls.cinder,
      bind: '127.0.0.1:0',
      admin_bind: '127.0.0.1:0',
      // Only what a test asks for comes to the cloud.
      readiness_interval: '0',
      'keystone_authtoken.auth_url': cloud.urls.keystone,
      ...GATEWAY_ACCOUNT,
      ...options,
    }
    const file = this.configure({})
    const [program = '', ...args] = [...wrapper, process.execPath, 'bin/cinderguard.js', 'serve']
    this.child = spawn(program, [...args, '--config-file', file])
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.said += chunk.toString()
      })
    this.child.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }))
  }

  /** Writes its configuration file anew, with these options changed; it is read at SIGHUP. */
  configure(options: Readonly<Record<string, string>>): string {
    Object.assign(this.#options, options)
    const file = join(this.#folder, 'cinderguard.conf')
    const lines = Object.entries(this.#options).map(([name, value]) => {
      const [section, option] = name.includes('.') ? name.split('.') : ['cinderguard', name]
      return `[${section}]\n${option} = ${value}\n`
    })
    writeFileSync(file, lines.join(''))
    return file
  }

  /** Resolves with its addresses once it listens. @throws with all that it said when it ends instead, or takes 20 s. */
  async listening(): Promise<{ readonly url: string; readonly admin: string }> {
    const limit = performance.now() + 20_000
    for (;;) {
      const line = this.said.split('\n').find((each) => each.includes('cinderguard is listening'))
      if (line !== undefined) return JSON.parse(line) as { url: string; admin: string }
      const { exitCode, signalCode } = this.child
      if (exitCode !== null || signalCode !== null || performance.now() > limit)
        throw new Error(`it does not listen (exit ${exitCode}, signal ${signalCode}): ${this.said}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** @returns its exit code. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit')
      this.child.kill(signal)
      await gone
    }
    return this.child.exitCode
  }
}

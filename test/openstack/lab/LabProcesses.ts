import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabPaths } from './LabLayout.ts'

export type LabCommand = {
  readonly name: string
  readonly argv: readonly string[]
  readonly env?: Record<string, string>
}

/** The processes of one lab: each in a process group and with a log file of its own, all ended together. */
export class LabProcesses {
  readonly #children = new Map<string, ChildProcess>()
  readonly #paths: LabPaths
  readonly #onExit = () => this.#killAll()
  readonly #onSignal = (signal: NodeJS.Signals) => {
    this.#killAll()
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }

  constructor(paths: LabPaths) {
    this.#paths = paths
    process.once('exit', this.#onExit)
    process.once('SIGINT', this.#onSignal)
    process.once('SIGTERM', this.#onSignal)
  }

  /** Starts a service in the lab's directory, with a clean environment. */
  start({ name, argv, env }: LabCommand): void {
    const log = openSync(this.logPath(name), 'a')
    const [program = '', ...args] = argv
    const child = spawn(program, args, {
      cwd: this.#paths.root,
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: this.#paths.root, ...env },
    })
    closeSync(log)
    child.on('error', () => undefined) // seen by waitFor: it has no pid
    this.#children.set(name, child)
    const pids = [...this.#children.values()].flatMap(({ pid }) => pid ?? [])
    writeFileSync(this.#paths.pids, JSON.stringify({ owner: process.pid, pids }))
  }

  /** Sends a signal to one service and its descendants. */
  signal(name: string, signal: NodeJS.Signals): void {
    const pid = this.#children.get(name)?.pid
    if (pid === undefined) throw new Error(`no service ${name}`)
    process.kill(-pid, signal)
  }

  logPath(name: string): string {
    return join(this.#paths.logs, `${name}.log`)
  }

  /** What the service has written so far. */
  log(name: string): string {
    return existsSync(this.logPath(name)) ? readFileSync(this.logPath(name), 'utf8') : ''
  }

  /** Waits until `ready` says true. Throws with the end of the log when the service ends or `seconds` pass before. */
  async waitFor(name: string, seconds: number, ready: () => boolean | Promise<boolean>): Promise<void> {
    const limit = performance.now() + seconds * 1000
    const child = this.#children.get(name)
    for (;;) {
      if (await ready()) return
      const ended = !child?.pid || child.exitCode !== null || child.signalCode !== null
      if (ended || performance.now() > limit) {
        const why = ended
          ? `ended (${child?.exitCode ?? child?.signalCode ?? 'not started'})`
          : `not ready in ${seconds} s`
        throw new Error(`OpenStack lab: ${name} ${why}; end of its log:\n${this.log(name).slice(-4000)}`)
      }
      await sleep(50)
    }
  }

  /** Ends one service or all of them, with their descendants, and waits until they are gone. */
  async stop(name?: string): Promise<void> {
    const ending = [...this.#children].filter(([key]) => name === undefined || key === name)
    for (const [key, child] of ending) {
      this.#children.delete(key)
      killGroup(child.pid)
    }
    const gone = () => ending.every(([, { pid }]) => !pid || !groupLives(pid))
    for (let turn = 0; turn < 200 && !gone(); turn++) await sleep(25)
    if (name !== undefined) return
    process.off('exit', this.#onExit)
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
  }

  #killAll(): void {
    for (const { pid } of this.#children.values()) killGroup(pid)
  }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch {
    // gone already
  }
}

function groupLives(pid: number): boolean {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}

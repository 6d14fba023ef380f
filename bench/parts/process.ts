import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'

/** A process of a measurement, pinned to cores. */
export interface Pinned {
  readonly child: ChildProcess
  /** What the process said of itself: the first line that is a JSON object. */
  readonly said: Readonly<Record<string, string>>
  stop(): Promise<void>
}

export interface StartOptions {
  /** Cores as taskset takes them. */
  readonly cores: string
  readonly env?: Readonly<Record<string, string>>
  /** Wait for this loopback port instead of a line. */
  readonly port?: number
}

/** Starts a program and waits until it listens. @throws when it ends before. */
export async function start(
  command: readonly string[],
  { cores, env = {}, port }: StartOptions,
): Promise<Pinned> {
  const child = spawn('taskset', ['-c', cores, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000)
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${command.join(' ')} ended: ${errors}`)
  })
  const said = await Promise.race([port === undefined ? firstLine(child) : listening(port), ended])
  ended.catch(() => undefined)
  child.stdout.resume()
  return {
    child,
    said,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const cut = setTimeout(() => child.kill('SIGKILL'), 3000)
      await gone
      clearTimeout(cut)
    },
  }
}

function firstLine(child: ChildProcess): Promise<Record<string, string>> {
  return new Promise((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const line = text.split('\n').find((each) => each.startsWith('{') && each.endsWith('}'))
      if (line !== undefined) resolve(JSON.parse(line) as Record<string, string>)
    })
  })
}

async function listening(port: number): Promise<Record<string, string>> {
  for (;;) {
    const socket = createConnection(port, '127.0.0.1')
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isOpen) return {}
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
  readonly cores: string
  /** Each request carries the next of so many tokens, instead of one of `headers`. */
  readonly tokens?: number
}

export interface Measured {
  readonly requests: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** As many requests as go through, by wrk with one thread. @throws when any was not answered with success. */
export async function saturate(load: Load): Promise<Measured> {
  const { url, headers, connections, seconds, cores, tokens = 0 } = load
  const script = new URL('wrk.lua', import.meta.url).pathname
  const { stdout } = await promisify(execFile)('taskset', [
    ...['-c', cores, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script],
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...[url, '--', String(tokens)],
  ])
  const line = /RESULT (\{.*\})/.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk said: ${stdout}`)
  const found = JSON.parse(line) as Record<'requests' | 'microseconds' | 'errors' | 'p50' | 'p99', number>
  if (found.errors > 0 || found.requests === 0) throw new Error(`${url}: ${line}`)
  return {
    requests: found.requests,
    perSecond: found.requests / (found.microseconds / 1e6),
    p50: found.p50 / 1000,
    p99: found.p99 / 1000,
  }
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
  readonly cores: string
}

export interface Measured {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** As many requests as go through, by wrk with one thread. @throws when any was not answered with success. */
export async function saturate({ url, headers, connections, seconds, cores }: Load): Promise<Measured> {
  const script = new URL('wrk.lua', import.meta.url).pathname
  const { stdout } = await promisify(execFile)('taskset', [
    ...['-c', cores, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script],
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    url,
  ])
  const line = /RESULT (\{.*\})/.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk said: ${stdout}`)
  const found = JSON.parse(line) as Record<'requests' | 'microseconds' | 'errors' | 'p50' | 'p99', number>
  if (found.errors > 0 || found.requests === 0) throw new Error(`${url}: ${line}`)
  return {
    perSecond: found.requests / (found.microseconds / 1e6),
    p50: found.p50 / 1000,
    p99: found.p99 / 1000,
  }
}

import { Pool } from 'undici'
import { median } from './stats.ts'

export interface Sent {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token: string
  readonly body?: string
  readonly status: number
}

/** Median milliseconds of so many requests, one after the other on one connection. @throws at another status. */
export async function sequential(url: string, count: number, sent: Sent): Promise<number> {
  const pool = new Pool(url, { connections: 1 })
  const times: number[] = []
  for (let at = 0; at < count; at += 1) {
    const began = performance.now()
    const answer = await pool.request({
      method: sent.method,
      path: sent.path,
      headers: { 'x-auth-token': sent.token, 'content-type': 'application/json' },
      body: sent.body ?? null,
    })
    const text = await answer.body.text()
    times.push(performance.now() - began)
    if (answer.statusCode !== sent.status)
      throw new Error(`${sent.method} ${url}${sent.path}: ${answer.statusCode} ${text}`)
  }
  await pool.close()
  return median(times.slice(Math.floor(count / 3)))
}

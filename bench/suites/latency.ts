import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gateway, haproxy, nginxProxy, nginxUpstream, type Peer, peer } from '../parts/proxies.ts'
import { percentile } from '../parts/stats.ts'
import { table } from '../parts/table.ts'

const PROXY = '1'
const LOAD = '0'
const RATE = 200

/** What a proxy adds to an authenticated GET at a rate that a cloud has: percentiles, from when each was due. */
export async function latency({ rounds = 4, seconds = 10 } = {}): Promise<string> {
  const upstream = await nginxUpstream(LOAD)
  const cloud = await peer('keystone', [], LOAD)
  const { keystone = '', project = '' } = cloud.said
  const first = await gateway(upstream.url, keystone, PROXY)
  const second = await gateway(upstream.url, keystone, PROXY, { forwarder: 'undici' })
  const ways: readonly (readonly [name: string, peer: Peer, cold?: boolean])[] = [
    ['direct', upstream],
    ['nginx as plain proxy', await nginxProxy(upstream.url, PROXY)],
    ['HAProxy as plain proxy', await haproxy(upstream.url, PROXY)],
    ['bare http-proxy-3, no checks', await peer('http-proxy-3', [upstream.url], PROXY)],
    ['Cinderguard, token known', first],
    ['Cinderguard, token new: Keystone is asked', first, true],
    ['Cinderguard, forwarder = undici, token known', second],
    ['Cinderguard, forwarder = undici, token new', second, true],
  ]
  const results = new Map<string, number[]>(ways.map(([name]) => [name, []]))
  let run = 0
  async function paced(url: string, time: number, isCold: boolean): Promise<readonly number[]> {
    run += 1
    const asked = { url: `${url}/v3/${project}/volumes`, rate: RATE, seconds: time, token: 'bench-warm' }
    const more = isCold ? { cold: String(run) } : {}
    const script = new URL('../parts/paced.ts', import.meta.url).pathname
    const { stdout } = await promisify(execFile)(
      'taskset',
      ['-c', LOAD, process.execPath, script, JSON.stringify({ ...asked, ...more })],
      { maxBuffer: 1 << 26 },
    )
    const found = JSON.parse(stdout) as { latencies: number[]; failed: number }
    if (found.failed > 0) throw new Error(`${url}: ${found.failed} requests failed`)
    return found.latencies
  }
  for (const [, { url }, isCold = false] of ways) await paced(url, 5, isCold)
  for (let round = 0; round < rounds; round += 1)
    for (const [name, { url }, isCold = false] of ways)
      results.get(name)?.push(...(await paced(url, seconds, isCold)))
  for (const [, each] of ways) await each.stop()
  await cloud.stop()
  const PARTS = [0.5, 0.99, 0.999]
  const of = (name: string): readonly number[] =>
    PARTS.map((part) => percentile(results.get(name) ?? [], part))
  const direct = of('direct')
  const figures = table(
    ['way', 'p50 ms', 'p99 ms', 'p99.9 ms', 'added p50', 'added p99', 'added p99.9'],
    ways.map(([name]) => [
      name,
      ...of(name).map((value) => value.toFixed(2)),
      ...of(name).map((value, at) => (name === 'direct' ? '' : (value - (direct[at] ?? 0)).toFixed(2))),
    ]),
  )
  return `${figures}

p99.9 is one request in a thousand: here it is what garbage collection and the other things that this machine does at the same time make of it, and with new tokens the two look-ups of Keystone, which runs on the core of the load.`
}

import { readFileSync } from 'node:fs'
import { plot } from '../parts/plot.ts'
import { gateway, nginxUpstream, type Peer, peer } from '../parts/proxies.ts'
import { table, thousands } from '../parts/table.ts'
import { saturate } from '../parts/wrk.ts'

const PROXY = '1'
const LOAD = '0'
const TOKENS = 100_000
const REQUESTS = 1_000_000

/** Resident memory of the gateway with 100,000 live tokens in its cache, over a million requests. */
export async function memory(): Promise<string> {
  const upstream = await nginxUpstream(LOAD)
  const cloud = await peer('keystone', [], LOAD)
  const { keystone = '', project = '' } = cloud.said
  const proxy = await gateway(upstream.url, keystone, PROXY, { token_cache_size: String(TOKENS) })
  const start = resident(proxy)
  const points: { readonly requests: number; readonly mebibytes: number }[] = []
  let sent = 0
  while (sent < REQUESTS) {
    const { requests } = await saturate({
      url: `${proxy.url}/v3/${project}/volumes`,
      headers: {},
      connections: 32,
      seconds: 6,
      cores: LOAD,
      tokens: TOKENS,
    })
    sent += requests
    points.push({ requests: sent, mebibytes: resident(proxy) })
  }
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const rest = resident(proxy)
  for (const each of [proxy, cloud, upstream]) await each.stop()
  const filled = points.filter(({ requests }) => requests >= 2 * TOKENS)
  const sizes = filled.map(({ mebibytes }) => mebibytes)
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)]
  return [
    table(
      ['after', 'resident MiB'],
      [
        ['start', start.toFixed(0)],
        [
          `${thousands(2 * TOKENS)} to ${thousands(sent)} requests, ${thousands(TOKENS)} tokens cached`,
          `${smallest.toFixed(0)} to ${largest.toFixed(0)}`,
        ],
        ['five seconds of rest', rest.toFixed(0)],
      ],
    ),
    plot(
      `Resident memory, ${thousands(TOKENS)} live tokens`,
      'thousand requests',
      'MiB',
      points.map(({ requests, mebibytes }) => [String(Math.round(requests / 1000)), mebibytes]),
    ),
  ].join('\n\n')
}

/** MiB. `taskset` replaces itself by the program, so the child is the gateway. */
function resident({ child }: Peer): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1024
}

import { gateway, nginxUpstream, peer } from '../parts/proxies.ts'
import { median, spread } from '../parts/stats.ts'
import { table, thousands } from '../parts/table.ts'
import { saturate } from '../parts/wrk.ts'

/**
 * Two workers against one. The machine has two cores, which load and upstream need as well: so everything together
 * gets one core, and then both.
 */
export async function workers({ rounds = 5, seconds = 5 } = {}): Promise<string> {
  const rows: string[][] = []
  for (const forwarder of ['http-proxy-3', 'undici']) {
    const found = await scaling(forwarder, rounds, seconds)
    const one = median(found.get('1') ?? [])
    for (const [count, rates] of found)
      rows.push([
        forwarder,
        count,
        count === '1' ? 'one' : 'two',
        thousands(median(rates)),
        `±${Math.round(spread(rates) * 100)} %`,
        (median(rates) / one).toFixed(2),
      ])
  }
  return table(
    ['forwarder', 'workers', 'cores for workers, load and upstream', 'requests/s', 'spread', 'ratio'],
    rows,
  )
}

async function scaling(forwarder: string, rounds: number, seconds: number): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>([
    ['1', []],
    ['2', []],
  ])
  for (let round = 0; round < rounds; round += 1)
    for (const [count, cores] of [
      ['1', '1'],
      ['2', '0,1'],
    ] as const) {
      const upstream = await nginxUpstream(cores)
      const cloud = await peer('cloud', [], cores)
      const { keystone = '', token = '', project = '' } = cloud.said
      const proxy = await gateway(upstream.url, keystone, cores, { forwarder, workers: count })
      const load = (time: number) =>
        saturate({
          url: `${proxy.url}/v3/${project}/volumes`,
          headers: { 'X-Auth-Token': token },
          connections: 64,
          seconds: time,
          cores,
        })
      await load(6)
      found.get(count)?.push((await load(seconds)).perSecond)
      await proxy.stop()
      await cloud.stop()
      await upstream.stop()
    }
  return found
}

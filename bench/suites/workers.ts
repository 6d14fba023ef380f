import { gateway, nginxUpstream, peer } from '../parts/proxies.ts'
import { median, spread } from '../parts/stats.ts'
import { table, thousands } from '../parts/table.ts'
import { type Target, targets } from '../parts/targets.ts'
import { saturate } from '../parts/wrk.ts'

/**
 * Two workers against one. The machine has two cores, which load and upstream need as well: so everything together
 * gets one core, and then both.
 */
export async function workers({ rounds = 5, seconds = 5 } = {}): Promise<string> {
  const rows: string[][] = []
  const aims: Target[] = []
  for (const forwarder of ['http-proxy-3', 'undici']) {
    const found = await scaling(forwarder, rounds, seconds)
    const one = median(found.get('1') ?? [])
    const measured = median(found.get('2') ?? []) / one
    aims.push({ what: `two workers beside one, ${forwarder}`, aim: 'at least', goal: 1.7, measured })
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
  const figures = table(
    ['forwarder', 'workers', 'cores for workers, load and upstream', 'requests/s', 'spread', 'ratio'],
    rows,
  )
  const limits =
    'Load and upstream need cores, too, and this machine has two: with twice of everything nearly twice is expected. It shows that workers share nothing that holds them up, not what four cores would give.'
  return `${figures}\n\n${limits}${targets(aims)}`
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

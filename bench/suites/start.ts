import { gateway, nginxUpstream, peer } from '../parts/proxies.ts'
import { median } from '../parts/stats.ts'
import { table } from '../parts/table.ts'

/** Milliseconds from the start of the command until its port takes connections. */
export async function start({ rounds = 9 } = {}): Promise<string> {
  const upstream = await nginxUpstream('0')
  const cloud = await peer('cloud', [], '0')
  const rows: string[][] = []
  for (const count of ['1', '2']) {
    const times: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now()
      const proxy = await gateway(upstream.url, cloud.said.keystone ?? '', '0,1', { workers: count })
      times.push(performance.now() - began)
      await proxy.stop()
    }
    rows.push([count, median(times).toFixed(0), Math.min(...times).toFixed(0), Math.max(...times).toFixed(0)])
  }
  await cloud.stop()
  await upstream.stop()
  return table(['workers', 'median ms', 'shortest', 'longest'], rows)
}

import { gateway, nginxUpstream, packedProgram, peer } from '../parts/proxies.ts'
import { median } from '../parts/stats.ts'
import { table } from '../parts/table.ts'

/** Milliseconds from the start of the command until its port takes connections. */
export async function start({ rounds = 9 } = {}): Promise<string> {
  const upstream = await nginxUpstream('0')
  const cloud = await peer('cloud', [], '0')
  const rows: string[][] = []
  const packed = packedProgram()
  const ways = [
    ['installed by npm', '1', packed],
    ['installed by npm', '2', packed],
    ['a checkout, whose types Node strips first', '1', undefined],
  ] as const
  for (const [name, count, program] of ways) {
    const times: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now()
      const proxy = await gateway(upstream.url, cloud.said.keystone ?? '', '0,1', { workers: count }, program)
      times.push(performance.now() - began)
      await proxy.stop()
    }
    const shown = [median(times), Math.min(...times), Math.max(...times)].map((time) => time.toFixed(0))
    rows.push([name, count, ...shown])
  }
  await cloud.stop()
  await upstream.stop()
  return table(['program', 'workers', 'median ms', 'shortest', 'longest'], rows)
}

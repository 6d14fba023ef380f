import { gateway, packedProgram, peer } from '../parts/proxies.ts'
import { median } from '../parts/stats.ts'
import { table } from '../parts/table.ts'
import { targets } from '../parts/targets.ts'

/** Milliseconds from the start of the command until its port takes connections, and until it says that it can decide. */
export async function start({ rounds = 9 } = {}): Promise<string> {
  const cloud = await peer('cloud', [], '0')
  const { keystone = '', cinder = '' } = cloud.said
  const rows: string[][] = []
  let installed = Number.NaN
  const packed = packedProgram()
  const ways = [
    ['installed by npm', '1', packed],
    ['installed by npm', '2', packed],
    ['a checkout, whose types Node strips first', '1', undefined],
  ] as const
  for (const [name, count, program] of ways) {
    const times: number[] = []
    const readies: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now()
      const proxy = await gateway(cinder, keystone, '0,1', { workers: count }, program)
      times.push(performance.now() - began)
      await untilReady(proxy.admin ?? '')
      readies.push(performance.now() - began)
      await proxy.stop()
    }
    const shown = [median(times), Math.min(...times), Math.max(...times)].map((time) => time.toFixed(0))
    rows.push([name, count, ...shown, median(readies).toFixed(0)])
    if (program !== undefined && count === '1') installed = median(times)
  }
  await cloud.stop()
  const figures = table(
    ['program', 'workers', 'median ms', 'shortest', 'longest', 'until /readyz is 200, median ms'],
    rows,
  )
  const limits =
    'The first start after an install compiles, and takes some 150 ms more; so does each by an account that may not write beside the packages. A look at /readyz asks Keystone, Nova and Cinder.'
  const aim = { what: 'start, installed, one worker, seconds', aim: 'at most', goal: 0.5 } as const
  return `${figures}\n\n${limits}${targets([{ ...aim, measured: installed / 1000 }])}`
}

async function untilReady(admin: string): Promise<void> {
  for (;;) {
    const status = await fetch(`${admin}/readyz`).then(
      ({ status: found }) => found,
      () => 0,
    )
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

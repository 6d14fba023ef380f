import { expect, test } from 'vitest'
import { soak } from '../soak/soak.ts'

/** The short form of `npm run soak`: mixed traffic and random faults; what holds then is told in soak.ts. */
// Side by side: each leaves room for the other, and waits for most of its time.
test.concurrent.each([
  ['http-proxy-3', 20261124],
  ['undici', 20261125],
] as const)('a minute of soak with forwarder %s', async (forwarder, seed) => {
  const report = await soak({ seconds: 60, seed, forwarder })
  expect(report.problems).toEqual([])
  expect(report.sent).toBeGreaterThan(1000)
  expect(report.faults).toBeGreaterThan(2)
})

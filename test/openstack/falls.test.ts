import { afterAll, beforeAll, expect, test } from 'vitest'
import { IDS, OPERATIONS, type Shape } from './cases.ts'
import { exchange } from './exchange.ts'
import { FALLS, FIXTURE, fall, Ground, LIMITS, TIMEOUTS } from './falls/falls.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/**
 * Services that fall under load: those ways that failures.test.ts has not one by one. `npm run bench -- faults` runs
 * all of them under load, and writes what clients saw as a table.
 */
const HERE = FALLS.filter(({ way, name }) => way === 'direct' || name.includes('certificate'))
let ground: Ground
beforeAll(async () => {
  ground = await Ground.prepare(await sharedLab())
})
afterAll(() => ground.clear())

test.each(HERE)(
  '$service $name: nothing guarded passes, everybody is answered in time, and it is well again by itself',
  async (how) => {
    const seen = await fall(ground, how, 1.5)
    expect(seen.executed).toBe(0)
    expect(seen.misshapen).toEqual([])
    // What was refused, or could not be decided; a 401 is what a Keystone that knows no token would mean.
    for (const status of Object.keys(seen.guarded)) expect(['409', '502', '503', '504']).toContain(status)
    // A Cinder that is killed may have begun an answer.
    const cut = how.service === 'cinder' ? ['cut'] : []
    for (const status of Object.keys(seen.reads))
      expect(['200', '502', '503', '504', ...cut]).toContain(status)
    expect(seen.slowest).toBeLessThan((LIMITS.decision + LIMITS.upstream + 2) * 1000)
    expect(seen.recovery).toBeLessThan(10_000)
  },
)

test('a Cinder that hangs longer than upstream_timeout: 504 by either forwarder, and well again afterwards', async () => {
  const { lab, gateways } = ground
  const undici = { 'cinderguard.forwarder': 'undici' }
  const other = await gatewayFor(lab, lab.urls.cinder.legacy, { ...TIMEOUTS, ...undici })
  const { token, projectId } = await lab.token('member')
  const both = (shape: Shape) =>
    Promise.all([gateways.direct, other].map(({ url }) => exchange(url, projectId, shape, { user: token })))
  const read: Shape = { method: 'GET', path: `/volumes/${IDS.volume}` }
  const statuses = async (shape: Shape) => (await both(shape)).map(({ status }) => status)
  lab.reset(FIXTURE)
  try {
    expect(await statuses(read)).toEqual([200, 200])
    lab.hang('legacy')
    const began = performance.now()
    const late = {
      status: 504,
      headers: {
        'content-type': 'application/json',
        'retry-after': '5',
        'x-openstack-request-id': 'there',
        'x-compute-request-id': 'there',
      },
      body: '{"computeFault": {"code": 504, "message": "The gateway has timed out."}}',
    }
    expect(await both(read)).toEqual([late, late])
    expect(performance.now() - began).toBeGreaterThan(LIMITS.upstream * 1000)
    lab.resume('legacy')
    expect(await statuses(read)).toEqual([200, 200])
    expect(await statuses(OPERATIONS['os-detach'] ?? read)).toEqual([409, 409])
  } finally {
    lab.resume('legacy')
    await other.stop()
  }
})

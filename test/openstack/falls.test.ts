import { afterAll, beforeAll, expect, test } from 'vitest'
import { FALLS, fall, Ground, LIMITS } from './falls/falls.ts'
import { sharedLab } from './shared.ts'

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

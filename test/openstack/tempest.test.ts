import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import type { Lab } from './lab/lab.ts'
import { tempest } from './lab/tempest.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** OpenStack's own tests of the volume API: what passes without the gateway passes with it. All: `npm run tempest`. */
const REGEX = process.env.TEMPEST_REGEX ?? 'test_volumes_get|test_volumes_list'
let lab: Lab
let gateway: Gateway
beforeAll(async () => {
  lab = await sharedLab()
  lab.reset({})
  gateway = await gatewayFor(lab, lab.urls.cinder.legacy)
})
afterAll(async () => {
  lab.pointVolumesAt(lab.urls.cinder.fixed)
  await gateway.stop()
})

test('no test that passes directly fails through the gateway', { timeout: 1_800_000 }, async () => {
  lab.pointVolumesAt(lab.urls.cinder.legacy)
  const direct = await tempest(lab, REGEX)
  lab.pointVolumesAt(gateway.url)
  const through = await tempest(lab, REGEX)
  const passed = [...direct].filter(([, result]) => result === 'ok').map(([name]) => name)
  console.log(`Tempest: ${direct.size} run, ${passed.length} pass directly`)
  const fallen = passed.filter((name) => through.get(name) !== 'ok')
  // SQLite under two Cinders is now and then locked, a stray 500: what is the gateway's fault fails again.
  const again = fallen.length === 0 ? new Map() : await tempest(lab, fallen.join('|'))
  expect(fallen.filter((name) => again.get(name) !== 'ok')).toEqual([])
  expect(passed.length).toBeGreaterThan(8)
})

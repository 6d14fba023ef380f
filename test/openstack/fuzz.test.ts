import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { fuzz } from './fuzz/fuzz.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** The short run; `npm run fuzz` is the long one. */
const SEED = 20_261_123
let lab: Lab
beforeAll(async () => {
  lab = await sharedLab()
})

describe.each([
  ['uWSGI', () => lab.urls.cinder.legacy],
  ['eventlet', () => lab.urls.eventlet],
])('spoilt requests before a legacy Cinder under %s', (_name, legacy) => {
  let gateway: Gateway
  let prefixed: Gateway
  let open: Gateway
  let openBelow: Gateway
  beforeAll(async () => {
    gateway = await gatewayFor(lab, legacy())
    const below = { 'cinderguard.public_prefix': '/volume' }
    prefixed = await gatewayFor(lab, legacy(), below)
    open = await gatewayFor(lab, legacy(), { 'cinderguard.mode': 'observe' })
    openBelow = await gatewayFor(lab, legacy(), { ...below, 'cinderguard.mode': 'observe' })
  })
  afterAll(async () => {
    await Promise.all([gateway, prefixed, open, openBelow].map((each) => each.stop()))
  })
  const run = (one: Gateway, below: Gateway, runs: number, bare: boolean, atOnce = 1) =>
    fuzz(lab, { runs, seed: SEED, gateway: one.url, prefixed: below.url, legacy: legacy(), bare, atOnce })

  test('none gets past the gateway, though many attack a bare Cinder', async () => {
    const report = await run(gateway, prefixed, 150, true)
    expect(report.bypass).toBeNull()
    expect(report.bare).toBeGreaterThan(30)
  })
  test('nor do many more', async () => {
    expect((await run(gateway, prefixed, 800, false, 12)).bypass).toBeNull()
  })
  test('with the guard switched off, the fuzzer finds it out at once, and shrinks what it found', async () => {
    const report = await run(open, openBelow, 100, false)
    expect(report.bypass).not.toBeNull()
    expect(report.runs).toBeLessThan(20)
    expect(report.bypass?.recipe).toMatchObject({ edits: [], bytes: [] })
  })
})

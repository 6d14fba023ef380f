import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { fuzz } from './fuzz/fuzz.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** The short run; `npm run fuzz` is the long one. The first forwarder, unless it is said. */
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
  let byUndici: Gateway
  let prefixedByUndici: Gateway
  let open: Gateway
  let openBelow: Gateway
  beforeAll(async () => {
    gateway = await gatewayFor(lab, legacy())
    const below = { 'cinderguard.public_prefix': '/volume' }
    prefixed = await gatewayFor(lab, legacy(), below)
    const undici = { 'cinderguard.forwarder': 'undici' }
    byUndici = await gatewayFor(lab, legacy(), undici)
    prefixedByUndici = await gatewayFor(lab, legacy(), { ...below, ...undici })
    open = await gatewayFor(lab, legacy(), { 'cinderguard.mode': 'observe' })
    openBelow = await gatewayFor(lab, legacy(), { ...below, 'cinderguard.mode': 'observe' })
  })
  afterAll(async () => {
    const all = [gateway, prefixed, byUndici, prefixedByUndici, open, openBelow]
    await Promise.all(all.map((each) => each.stop()))
  })
  const run = (one: Gateway, below: Gateway, runs: number, bare: boolean, atOnce = 1) =>
    fuzz(lab, { runs, seed: SEED, gateway: one.url, prefixed: below.url, legacy: legacy(), bare, atOnce })

  test('none gets past the gateway, though many attack a bare Cinder', async () => {
    const report = await run(gateway, prefixed, 150, true)
    expect(report.bypass).toBeNull()
    expect(report.bare).toBeGreaterThan(30)
  })
  test.each([
    ['http-proxy-3', () => [gateway, prefixed] as const],
    ['undici', () => [byUndici, prefixedByUndici] as const],
  ])('nor do many more, by %s', async (_forwarder, gateways) => {
    const [one, under] = gateways()
    expect((await run(one, under, 500, false, 12)).bypass).toBeNull()
  })
  test('with the guard switched off, the fuzzer finds it out at once, and shrinks what it found', async () => {
    const report = await run(open, openBelow, 100, false)
    expect(report.bypass).not.toBeNull()
    expect(report.runs).toBeLessThan(20)
    expect(report.bypass?.recipe).toMatchObject({ edits: [], bytes: [] })
  })
})

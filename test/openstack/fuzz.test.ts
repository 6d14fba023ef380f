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
  let open: Gateway
  beforeAll(async () => {
    gateway = await gatewayFor(lab, legacy())
    open = await gatewayFor(lab, legacy(), { 'cinderguard.mode': 'observe' })
  })
  afterAll(async () => {
    await gateway.stop()
    await open.stop()
  })
  const run = (url: string, runs: number, bare: boolean) =>
    fuzz(lab, { runs, seed: SEED, gateway: url, legacy: legacy(), bare })

  test('none gets past the gateway, though many attack a bare Cinder', async () => {
    const report = await run(gateway.url, 150, true)
    expect(report.bypass).toBeNull()
    expect(report.bare).toBeGreaterThan(30)
  })
  test('nor do many more', async () => {
    expect((await run(gateway.url, 800, false)).bypass).toBeNull()
  })
  test('with the guard switched off, the fuzzer finds it out at once, and shrinks what it found', async () => {
    const report = await run(open.url, 100, false)
    expect(report.bypass).not.toBeNull()
    expect(report.runs).toBeLessThan(20)
    expect(report.bypass?.recipe).toMatchObject({ edits: [], bytes: [] })
  })
})

import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAdmin } from '../../src/admin/admin.ts'
import {
  checkReadiness,
  GOOD_FOR,
  type Probes,
  type Readiness,
  type Watch,
  watchReadiness,
} from '../../src/admin/readiness.ts'
import { createMetrics } from '../../src/record/metrics.ts'

const well = async () => 'fine'
const away = (message: string) => async () => Promise.reject(new Error(message))
const ALL_WELL: Probes = { keystone: well, cinder: well, nova: well }

let probes: Probes
let isDraining: boolean
let stop: () => void
let url: string
beforeEach(async () => {
  probes = ALL_WELL
  isDraining = false
  const metrics = createMetrics('1.2.3')
  const readiness = () => checkReadiness(probes, metrics.ready)
  const app = createAdmin({ registry: async () => metrics.registry, readiness, isDraining: () => isDraining })
  const server = await new Promise<ReturnType<typeof app.listen>>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening))
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  stop = () => server.close()
})
afterEach(() => stop())

async function get(path: string): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(url + path)
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

test('/healthz says that the process lives, whatever else', async () => {
  isDraining = true
  probes = { ...ALL_WELL, keystone: away('away') }
  expect(await get('/healthz')).toEqual({ status: 200, type: 'text/plain; charset=utf-8', text: 'ok\n' })
})

describe('/readyz', () => {
  const rows: readonly (readonly [what: string, Partial<Probes>, status: number, services: object])[] = [
    ['all is well', {}, 200, {}],
    [
      'Keystone is away',
      { keystone: away('keystone: ECONNREFUSED') },
      503,
      { keystone: 'keystone: ECONNREFUSED' },
    ],
    [
      'Cinder is away',
      { cinder: away('cinder: no answer in time') },
      503,
      { cinder: 'cinder: no answer in time' },
    ],
    [
      'Nova is away, which stops only guarded operations',
      { nova: away('nova: failed') },
      200,
      { nova: 'nova: failed' },
    ],
    [
      'a probe throws something odd',
      { keystone: async () => Promise.reject('secret') },
      503,
      { keystone: 'failed' },
    ],
  ]
  test.each(rows)('%s', async (_what, some, status, services) => {
    probes = { ...ALL_WELL, ...some }
    const found = await get('/readyz')
    expect(found).toMatchObject({ status, type: 'application/json; charset=utf-8' })
    expect(JSON.parse(found.text)).toEqual({
      ready: status === 200,
      draining: false,
      services: { keystone: 'ok', cinder: 'ok', nova: 'ok', ...services },
    })
  })
})

test('/readyz asks nobody once shutdown has begun', async () => {
  isDraining = true
  probes = { ...ALL_WELL, keystone: () => expect.unreachable() }
  const found = await get('/readyz')
  expect([found.status, JSON.parse(found.text)]).toEqual([503, { ready: false, draining: true }])
})

test('/metrics is Prometheus text, and tells the last readiness', async () => {
  probes = { ...ALL_WELL, nova: away('away') }
  await get('/readyz')
  const found = await get('/metrics')
  expect(found).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' })
  expect(found.text).toContain('cinderguard_dependency_ready{service="nova"} 0')
  expect(found.text).toContain('cinderguard_dependency_ready{service="keystone"} 1')
})

test('anything else is not found', async () => {
  expect(await get('/')).toEqual({ status: 404, type: 'text/plain; charset=utf-8', text: 'not found\n' })
})

describe('readiness is watched', () => {
  let clock: number
  let rounds: PromiseWithResolvers<Readiness>[]
  let watch: Watch | undefined
  beforeEach(() => {
    vi.useFakeTimers()
    clock = 0
    rounds = []
  })
  afterEach(() => {
    watch?.stop()
    vi.useRealTimers()
  })
  const GOOD: Readiness = { ready: true, services: { keystone: 'ok', cinder: 'ok', nova: 'ok' } }
  const begin = (every: number): Watch => {
    watch = watchReadiness(
      () => {
        const round = Promise.withResolvers<Readiness>()
        rounds.push(round)
        return round.promise
      },
      every,
      () => clock,
    )
    return watch
  }

  test('from the start and again and again, though nobody asks', async () => {
    begin(5)
    expect(rounds).toHaveLength(1)
    rounds[0]?.resolve(GOOD)
    await vi.advanceTimersByTimeAsync(0)
    clock = 5000
    await vi.advanceTimersByTimeAsync(5000)
    expect(rounds).toHaveLength(2)
    watch?.stop()
    rounds[1]?.resolve(GOOD)
    clock = 60_000
    await vi.advanceTimersByTimeAsync(60_000)
    expect(rounds).toHaveLength(2)
  })

  test('by one round of probes for all who ask at once, and for a while after', async () => {
    const { current } = begin(0)
    expect(rounds).toHaveLength(0)
    const asked = Promise.all([current(), current(), current()])
    clock = 10_000
    const late = current()
    expect(rounds).toHaveLength(1)
    rounds[0]?.resolve(GOOD)
    expect([await asked, await late]).toEqual([[GOOD, GOOD, GOOD], GOOD])
    clock += GOOD_FOR - 1
    expect(await current()).toBe(GOOD)
    expect(rounds).toHaveLength(1)
    clock += 1
    void current()
    expect(rounds).toHaveLength(2)
  })
})

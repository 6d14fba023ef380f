import { afterEach, beforeEach, expect, test } from 'vitest'
import { memcachedStore } from '../../src/clouds/memcached.ts'
import { FakeMemcached } from '../support/memcached.ts'

let servers: FakeMemcached[]
let store: ReturnType<typeof memcachedStore>
let now: number
beforeEach(async () => {
  servers = [new FakeMemcached(), new FakeMemcached()]
  for (const server of servers) await server.start()
  now = 0
  const addresses = servers.map(({ address }) => address)
  store = memcachedStore({ servers: addresses, timeout: 1, deadRetry: 30, now: () => now })
})
afterEach(async () => {
  await store.close()
  for (const server of servers) await server.stop()
})
const NAMES = Array.from({ length: 20 }, (_, at) => `cinderguard/1/${at}`)

test('gives back what was stored, each name on one server, and nothing for other names', async () => {
  for (const name of NAMES) await store.set(name, `value of ${name}`, 60)
  for (const name of NAMES) expect(await store.get(name)).toBe(`value of ${name}`)
  expect(await store.get('cinderguard/1/other')).toBeNull()
  const sizes = servers.map(({ entries }) => entries.size)
  expect(sizes[0] ?? 0).toBeGreaterThan(3)
  expect((sizes[0] ?? 0) + (sizes[1] ?? 0)).toBe(NAMES.length)
})

test.for([
  ['that ended', (server: FakeMemcached) => server.stop()],
  [
    'that hangs',
    async (server: FakeMemcached) => {
      server.isHanging = true
    },
  ],
] as const)('a server %s fails in time, is then left alone, and is asked again later', async ([, fault]) => {
  for (const name of NAMES) await store.set(name, 'value', 60)
  const [broken] = servers
  if (broken === undefined) throw new Error('none')
  const lost = NAMES.filter((name) => broken.entries.has(name))
  await fault(broken)
  const started = performance.now()
  for (const name of lost) await expect(store.get(name)).rejects.toThrow()
  // One of them waited, the others were not asked.
  expect(performance.now() - started).toBeLessThan(1900)
  for (const name of NAMES.filter((each) => !lost.includes(each))) expect(await store.get(name)).toBe('value')
  if (broken.isHanging) broken.isHanging = false
  else await broken.start()
  now += 30_000
  expect(await store.get(lost[0] ?? '')).toBe('value')
})

test('a server that was never there', async () => {
  const [first, second] = servers
  await first?.stop()
  await second?.stop()
  await expect(store.get('a')).rejects.toThrow()
  await expect(store.set('a', 'b', 1)).rejects.toThrow()
  for (const server of servers) await server.start()
})

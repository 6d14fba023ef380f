import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { type Bundle, signBundle } from '../../src/organisation/bundle.ts'
import { type LivePolicy, startPolicy } from '../../src/organisation/live.ts'

const DETACH = 'volume_extension:volume_actions:detach'
const FORCE = 'volume_extension:volume_admin_actions:force_detach'
const OWNER = { project_id: 'p', roles: ['member'] }

let folder: string
let policy: LivePolicy | undefined
const pems = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
const keys = pems()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cinderguard-policy-'))
  writeFileSync(join(folder, 'key.pub'), keys.publicPem)
})
afterEach(() => {
  policy?.stop()
  policy = undefined
  server?.closeAllConnections()
  server?.close()
  server = undefined
  rmSync(folder, { recursive: true, force: true })
})

const events: { loaded: unknown[]; refused: (string | null)[] } = { loaded: [], refused: [] }
async function start(overrides: Record<string, string> = {}): Promise<LivePolicy | readonly string[]> {
  writeFileSync(join(folder, 'cinderguard.conf'), '')
  const loaded = loadConfig({
    files: [join(folder, 'cinderguard.conf')],
    overrides: {
      'cinderguard.upstream': 'http://127.0.0.1:1',
      'keystone_authtoken.auth_url': 'http://127.0.0.1:1/v3',
      'keystone_authtoken.username': 'u',
      'keystone_authtoken.password': 'p',
      'keystone_authtoken.project_name': 'service',
      'keystone_authtoken.user_domain_name': 'Default',
      'keystone_authtoken.project_domain_name': 'Default',
      ...overrides,
    },
  })
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  events.loaded = []
  events.refused = []
  const started = await startPolicy(loaded.config, {
    loaded: (identity) => void events.loaded.push(identity),
    refused: (problem) => void events.refused.push(problem),
  })
  if ('problems' in started) return started.problems
  policy = started
  return started
}
async function running(overrides: Record<string, string> = {}): Promise<LivePolicy> {
  const started = await start(overrides)
  if ('current' in started) return started
  throw new Error(started.join('; '))
}
const write = (text: string, name = 'policy.yaml') => writeFileSync(join(folder, name), text)
const mayDetach = (live: LivePolicy) => live.current().allows(DETACH, OWNER, { project_id: 'p' })

describe('policy files', () => {
  test('a changed file counts with the next look, and has another digest', async () => {
    const live = await running()
    const before = live.identity()
    expect(mayDetach(live)).toBe(true)
    write(`"${DETACH}": "role:nobody"`)
    await live.refresh()
    expect(mayDetach(live)).toBe(false)
    expect(live.identity().digest).not.toBe(before.digest)
    rmSync(join(folder, 'policy.yaml'))
    await live.refresh()
    expect([mayDetach(live), live.identity()]).toEqual([true, before])
  })

  test('a file that comes into a directory counts, too', async () => {
    mkdirSync(join(folder, 'policy.d'))
    const live = await running()
    write(`"${DETACH}": "!"`, 'policy.d/10-detach.yaml')
    await live.refresh()
    expect(mayDetach(live)).toBe(false)
  })

  test('by itself, at the interval', async () => {
    const live = await running({ 'policy.reload_interval': '0.1' })
    write(`"${DETACH}": "!"`)
    await expect.poll(() => mayDetach(live)).toBe(false)
  })

  test('a broken file is told with its line and column, and the last good policy stays', async () => {
    write(`"${DETACH}": "role:nobody"`)
    const live = await running()
    const before = live.identity()
    const { takenAt } = live.history()
    write(`"${DETACH}": "role:nobody"\n"${FORCE}": "role:x and"`)
    await live.refresh()
    expect(live.problem()).toMatch(
      /policy\.yaml:2:\d+: rule "volume_extension:volume_admin_actions:force_detach"/,
    )
    expect([mayDetach(live), live.identity()]).toEqual([false, before])
    expect(live.history()).toEqual({ taken: 1, refused: 1, takenAt })
    write(`"${DETACH}": "@"`)
    await live.refresh()
    expect(live.history()).toMatchObject({ taken: 2, refused: 1 })
    expect([live.problem(), mayDetach(live)]).toEqual([null, true])
  })

  test('a broken file does not start', async () => {
    write('"x": ')
    expect(await start()).toEqual([expect.stringContaining('policy.yaml:1:')])
  })

  test('a file that cannot be read does not start', async () => {
    mkdirSync(join(folder, 'policy.yaml'))
    expect(await start()).toEqual([expect.stringContaining('EISDIR')])
  })
})

let server: Server | undefined
let served: { status: number; text: string; etag?: string }
const asked: (string | undefined)[] = []
async function serve(text: string, etag?: string): Promise<Record<string, string>> {
  served = { status: 200, text, ...(etag === undefined ? {} : { etag }) }
  asked.length = 0
  const made = createServer((request, response) => {
    const condition = request.headers['if-none-match']
    asked.push(condition)
    if (condition !== undefined && condition === served.etag) return void response.writeHead(304).end()
    response.writeHead(served.status, served.etag === undefined ? {} : { etag: served.etag }).end(served.text)
  })
  server = made
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  return {
    'policy.bundle_url': `http://127.0.0.1:${(made.address() as AddressInfo).port}/bundle`,
    'policy.bundle_public_keys': join(folder, 'key.pub'),
    'policy.bundle_cache': join(folder, 'cache', 'bundle.jws'),
  }
}
const NOW = Math.floor(Date.now() / 1000)
const bundle = (over: Partial<Bundle> = {}): Bundle => ({
  version: 5,
  issuedAt: NOW,
  expiresAt: NOW + 3600,
  rules: { [DETACH]: 'role:detacher' },
  locked: [],
  ...over,
})
const signed = (over: Partial<Bundle> = {}, key = keys.privatePem) => signBundle(bundle(over), key)

describe("the organisation's bundle", () => {
  test('counts below local files, and is asked for by its ETag', async () => {
    const live = await running(await serve(await signed(), '"5"'))
    expect([mayDetach(live), live.identity().version]).toEqual([false, 5])
    expect(live.current().source(DETACH)).toMatchObject({ layer: 'bundle', check: 'role:detacher' })
    await live.refresh()
    expect(asked).toEqual([undefined, '"5"'])
    write(`"${DETACH}": "@"`)
    await live.refresh()
    expect(mayDetach(live)).toBe(true)
    expect(live.current().source(DETACH)).toMatchObject({ layer: 'local', check: '@' })
  })

  test('what it locks local files only tighten', async () => {
    write(`"${DETACH}": "@"\n"${FORCE}": "role:nobody"`)
    const rules = { [DETACH]: 'role:detacher', [FORCE]: 'role:admin' }
    const live = await running(await serve(await signed({ rules, locked: [DETACH, FORCE] })))
    expect(mayDetach(live)).toBe(false)
    expect(live.current().allows(FORCE, { roles: ['admin'] }, {})).toBe(false)
    expect(live.current().source(FORCE)).toMatchObject({
      layer: 'local',
      check: 'role:nobody',
      and: 'role:admin',
    })
  })

  test('a newer one is taken', async () => {
    const live = await running(await serve(await signed()))
    served = { status: 200, text: await signed({ version: 6, rules: { [DETACH]: '@' } }) }
    await live.refresh()
    expect([mayDetach(live), live.identity().version, live.problem()]).toEqual([true, 6, null])
  })

  const REFUSED: readonly (readonly [string, () => Promise<string>, string])[] = [
    ['an older one', () => signed({ version: 4 }), 'version 4 is older than 5, which is in force'],
    ['another of the same version', () => signed({ rules: {} }), 'version 5 is in force with other rules'],
    ['an expired one', () => signed({ version: 6, expiresAt: NOW - 1 }), 'it has expired'],
    [
      'one that another key has signed',
      () => signed({ version: 6 }, pems().privatePem),
      'none of bundle_public_keys has signed it',
    ],
    [
      'one that was changed',
      async () => (await signed({ version: 6 })).replace('.eyJ', '.eyK'),
      'none of bundle_public_keys has signed it',
    ],
    [
      'an unsigned one',
      async () =>
        `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(bundle({ version: 6 }))).toString('base64url')}.`,
      'none of bundle_public_keys',
    ],
    [
      'one with a rule that cannot be read',
      () => signed({ version: 6, rules: { [DETACH]: 'role:x and' } }),
      'bundle 6:1:1: rule "volume_extension:volume_actions:detach"',
    ],
    ['one that locks what it does not have', () => signed({ version: 6, locked: ['x'] }), 'locked names "x"'],
    ['nonsense', async () => '<html>', 'none of bundle_public_keys has signed it'],
    ['a huge one', async () => 'x'.repeat(2 ** 20 + 1), 'it is larger than'],
  ]
  test.each(REFUSED)('%s is refused, and the last good one stays', async (_name, make, problem) => {
    const live = await running(await serve(await signed()))
    served = { status: 200, text: await make() }
    await live.refresh()
    expect(live.problem()).toContain(problem)
    expect([mayDetach(live), live.identity().version]).toEqual([false, 5])
  })

  test('a server that is down or fails: the last good one stays, and all is well when it is back', async () => {
    const live = await running(await serve(await signed()))
    served = { status: 500, text: '' }
    await live.refresh()
    expect([live.problem(), mayDetach(live)]).toEqual([expect.stringContaining('status 500'), false])
    served = { status: 200, text: await signed() }
    await live.refresh()
    expect(live.problem()).toBeNull()
  })

  test('across a restart: the kept one counts while the server is down, even an expired one, and says so', async () => {
    const options = await serve(await signed({ expiresAt: NOW + 2 }))
    const first = await running(options)
    first.stop()
    server?.close()
    server?.closeAllConnections()
    server = undefined
    await expect.poll(() => Date.now() / 1000, { timeout: 4000 }).toBeGreaterThan(NOW + 2)
    const live = await running(options)
    expect([mayDetach(live), live.identity().version]).toEqual([false, 5])
    expect(live.problem()).toContain('ECONNREFUSED')
    expect(live.problem()).toContain('bundle 5 has expired')
  })

  test('a rollback is refused across a restart, too', async () => {
    const options = await serve(await signed())
    ;(await running(options)).stop()
    served = { status: 200, text: await signed({ version: 4, rules: { [DETACH]: '@' } }) }
    const live = await running(options)
    expect([mayDetach(live), live.identity().version]).toEqual([false, 5])
  })

  test('without any there is no start: nobody knows what the organisation forbids', async () => {
    const options = await serve('')
    served = { status: 404, text: '' }
    expect(await start(options)).toEqual([expect.stringContaining('status 404')])
  })

  test('a kept file that somebody changed does not count', async () => {
    const options = await serve(await signed())
    ;(await running(options)).stop()
    const cache = join(folder, 'cache', 'bundle.jws')
    writeFileSync(cache, readFileSync(cache, 'utf8').replace('.eyJ', '.eyK'))
    served = { status: 500, text: '' }
    expect(await start(options)).toEqual([
      expect.stringContaining('status 500'),
      expect.stringContaining('none of bundle_public_keys'),
    ])
  })
})

import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { type Bundle, signBundle } from '../../src/organisation/bundle.ts'
import { type LivePolicy, type Part, type PolicyEvents, startPolicy } from '../../src/organisation/live.ts'

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

const events: { loaded: unknown[]; refused: (string | null)[]; notices: readonly string[] } = {
  loaded: [],
  refused: [],
  notices: [],
}
async function start(
  overrides: Record<string, string> = {},
  part?: Part,
): Promise<LivePolicy | readonly string[]> {
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
  const hears: PolicyEvents = {
    loaded(identity, notices) {
      events.loaded.push(identity)
      events.notices = notices
    },
    refused: (problem) => void events.refused.push(problem),
  }
  const started = await startPolicy(loaded.config, hears, part)
  if ('problems' in started) return started.problems
  policy = started
  return started
}
async function running(overrides: Record<string, string> = {}, part?: Part): Promise<LivePolicy> {
  const started = await start(overrides, part)
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

  test.for<[string, () => void, string]>([
    [
      'a link to itself in a directory',
      () => {
        mkdirSync(join(folder, 'policy.d'))
        symlinkSync('loop', join(folder, 'policy.d/loop'))
      },
      'policy.d/loop:1:1: cannot be read: ELOOP',
    ],
    [
      'aliases that multiply',
      () =>
        write(
          `l0: &l0 ["a:b"]\n${Array.from({ length: 30 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n},`.repeat(9)}]`).join('\n')}`,
        ),
      'Excessive alias count',
    ],
    ['lists without end', () => write(`a: ${'['.repeat(100_000)}`), 'policy.yaml:1:'],
    ['negations without end', () => write(`a: "${'not '.repeat(100_000)}a:b"`), 'nested deeper than'],
  ])('%s: told, and the last good policy stays', async ([, make, problem]) => {
    write(`"${DETACH}": "role:nobody"`)
    const live = await running()
    make()
    await live.refresh()
    expect(live.problem()).toContain(problem)
    expect(mayDetach(live)).toBe(false)
  })

  test('a file that changes while the first policy is made is seen with the next look', async () => {
    write(`"${DETACH}": "role:nobody"`)
    const first = running()
    write(`"${DETACH}": "@"`)
    const live = await first
    await live.refresh()
    expect(mayDetach(live)).toBe(true)
  })

  test('what loads and may not be meant is noticed', async () => {
    write(
      [
        '"volume:exted": "@"',
        '"volume:get": "tenant:%(project_id)s or rule:mine"',
        '"mine": "role:x"',
        '"volume:multiattach": "!"',
      ].join('\n'),
    )
    const live = await running()
    expect(events.notices.map((each) => each.replace(`${folder}/`, ''))).toEqual([
      `policy.yaml:1:18: rule "volume:exted" is none of Cinder's, and no rule refers to it: it has no effect`,
      'policy.yaml:2:16: rule "volume:get" reads the credential "tenant", which no caller has',
      'policy.yaml:4:24: rule "volume:multiattach" is left to Cinder: the gateway cannot tell when it is asked',
    ])
    rmSync(join(folder, 'policy.yaml'))
    await live.refresh()
    expect(events.notices).toEqual([
      `${join(folder, 'policy.yaml')} is gone: the rules that it had count no longer`,
    ])
  })

  test('enforce_new_defaults is part of the digest', async () => {
    const digest = async (value: string) =>
      (await running({ 'oslo_policy.enforce_new_defaults': value })).identity().digest
    expect(await digest('true')).not.toBe(await digest('false'))
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

const TYPE = 'cinderguard-policy+jws'
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const PAYLOAD = { version: 6, iat: NOW, exp: NOW + 3600, rules: { [DETACH]: '@' }, locked: [] }
/** Signed by the right key, whatever its header says. */
function jws(header: object): Promise<string> {
  const text = `${part(header)}.${part(PAYLOAD)}`
  return Promise.resolve(`${text}.${sign(null, Buffer.from(text), keys.privatePem).toString('base64url')}`)
}
/** Signed with what everybody knows. */
function confused(): Promise<string> {
  const text = `${part({ alg: 'HS256', typ: TYPE })}.${part(PAYLOAD)}`
  return Promise.resolve(`${text}.${createHmac('sha256', keys.publicPem).update(text).digest('base64url')}`)
}

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
    [
      'one of the future',
      () => signed({ version: 6, issuedAt: NOW + 4000, expiresAt: NOW + 9000 }),
      'future',
    ],
    [
      'one whose typ is another',
      () => jws({ alg: 'EdDSA', typ: 'JWT' }),
      'typ is not cinderguard-policy+jws',
    ],
    [
      'one signed with the public key as a secret',
      () => confused(),
      'none of bundle_public_keys has signed it',
    ],
    ['one that says RS256', () => jws({ alg: 'RS256', typ: TYPE }), 'none of bundle_public_keys'],
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
    const end = Math.floor(Date.now() / 1000) + 3600
    const options = await serve(await signed({ expiresAt: end }))
    const first = await running(options)
    first.stop()
    server?.close()
    server?.closeAllConnections()
    server = undefined
    vi.useFakeTimers({ toFake: ['Date'], now: (end + 1) * 1000 })
    const live = await running(options).finally(() => vi.useRealTimers())
    expect([mayDetach(live), live.identity().version]).toEqual([false, 5])
    expect(live.problem()).toContain('ECONNREFUSED')
    vi.useFakeTimers({ toFake: ['Date'], now: (end + 1) * 1000 })
    try {
      expect(live.problem()).toContain('bundle 5 has expired')
    } finally {
      vi.useRealTimers()
    }
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

  const cacheOf = () => join(folder, 'cache', 'bundle.jws')

  test('one that cannot be kept is not in force, however often it is asked for', async () => {
    const live = await running(await serve(await signed(), '"5"'))
    rmSync(cacheOf())
    mkdirSync(join(cacheOf(), 'in-the-way'), { recursive: true })
    served = { status: 200, text: await signed({ version: 6, rules: { [DETACH]: '@' } }), etag: '"6"' }
    for (let poll = 0; poll < 2; poll += 1) {
      await live.refresh()
      expect(live.problem()).toContain(`version 6 cannot be kept in ${cacheOf()}: EISDIR`)
      expect([live.identity().version, mayDetach(live)]).toEqual([5, false])
    }
    rmSync(cacheOf(), { recursive: true })
    await live.refresh()
    expect([live.problem(), live.identity().version, mayDetach(live)]).toEqual([null, 6, true])
    expect(readdirSync(join(folder, 'cache'))).toEqual(['bundle.jws'])
  })

  test('the first one, too: a restart must find it', async () => {
    const options = { ...(await serve(await signed())), 'policy.bundle_cache': join(folder, 'key.pub/x') }
    expect(await start(options)).toEqual([
      expect.stringMatching(/version 5 cannot be kept in .*key\.pub\/x: (ENOTDIR|EEXIST)/),
      expect.stringContaining('cannot be read: ENOTDIR'),
    ])
  })

  test('a kept file that is gone is written again', async () => {
    const live = await running(await serve(await signed(), '"5"'))
    rmSync(cacheOf())
    await live.refresh()
    expect([live.problem(), readFileSync(cacheOf(), 'utf8')]).toEqual([null, served.text])
  })

  test('a rollback is refused even while the kept one does not load with the local files', async () => {
    const options = await serve(await signed({ rules: { [DETACH]: 'rule:org', org: 'role:a' } }))
    ;(await running(options)).stop()
    write(`"org": "rule:${DETACH}"`)
    served = { status: 200, text: await signed({ version: 4 }) }
    expect(await start(options)).toEqual([
      expect.stringContaining('version 4 is older than 5, which is kept in'),
      expect.stringContaining('refers to itself'),
    ])
    expect(readFileSync(cacheOf(), 'utf8')).not.toBe(served.text)
  })

  test('nor when the keys were changed since', async () => {
    const options = await serve(await signed())
    ;(await running(options)).stop()
    const others = pems()
    writeFileSync(join(folder, 'key.pub'), others.publicPem)
    served = { status: 200, text: await signed({ version: 4 }, others.privatePem) }
    expect(await start(options)).toMatchObject([
      expect.stringContaining('version 4 is older than 5'),
      expect.stringContaining('none of bundle_public_keys has signed it'),
    ])
    served = { status: 200, text: await signed({ version: 6 }, others.privatePem) }
    expect((await running(options)).identity().version).toBe(6)
  })

  test('a kept file that cannot be read is told', async () => {
    const options = await serve(await signed())
    mkdirSync(cacheOf(), { recursive: true })
    expect(await start(options)).toEqual([
      expect.stringContaining('cannot be kept'),
      expect.stringContaining(`${cacheOf()} cannot be read: EISDIR`),
    ])
  })

  test('a broken local file does not keep a stricter one out: the last good local rules count with it', async () => {
    write(`"${FORCE}": "role:local"`)
    const live = await running(await serve(await signed({ rules: { [DETACH]: '@' } })))
    write('"x": ')
    served = { status: 200, text: await signed({ version: 6, rules: { [DETACH]: '!' } }) }
    await live.refresh()
    expect([live.identity().version, mayDetach(live)]).toEqual([6, false])
    expect(live.current().source(FORCE)).toMatchObject({ layer: 'local', check: 'role:local' })
    expect(live.problem()).toContain('policy.yaml:1:')
    write(`"${DETACH}": "@"`)
    await live.refresh()
    expect([live.problem(), mayDetach(live)]).toEqual([null, true])
  })

  test('a lock is part of the digest, and an exception that it undoes is noticed', async () => {
    const rules = { [DETACH]: 'role:x' }
    const loose = (await running(await serve(await signed({ rules })))).identity().digest
    server?.close()
    const options = await serve(await signed({ version: 6, rules, locked: [DETACH] }))
    const live = await running({ ...options, 'cinderguard.mode_overrides': `${DETACH}=observe` })
    expect(live.identity().digest).not.toBe(loose)
    expect(events.notices).toEqual([
      `mode_overrides: ${DETACH}=observe has no effect, the organisation locks that rule`,
    ])
  })

  test('keys that are not there are a problem like any other', async () => {
    const options = { ...(await serve('')), 'policy.bundle_public_keys': '/nowhere.pub' }
    expect(await start(options)).toEqual([expect.stringContaining('bundle_public_keys: ENOENT')])
  })

  test('a tool that only looks writes nothing', async () => {
    const options = await serve(await signed())
    expect((await running(options, 'looks')).identity().version).toBe(5)
    expect(existsSync(join(folder, 'cache'))).toBe(false)
  })

  test('a worker follows what its primary keeps, and asks nobody', async () => {
    const options = await serve(await signed())
    const primary = await running(options)
    const worker = await running(options, 'follows')
    const before = asked.length
    served = { status: 200, text: await signed({ version: 6, rules: { [DETACH]: '@' } }) }
    await worker.refresh()
    expect([worker.identity().version, asked.length]).toEqual([5, before])
    await primary.refresh()
    await worker.refresh()
    expect([worker.identity(), worker.problem(), mayDetach(worker)]).toEqual([primary.identity(), null, true])
    primary.stop()
  })
})

import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import type { Token, TokenValidator } from '../../src/identity/identity.ts'
import { type SharedStore, sharedValidator } from '../../src/identity/shared-cache.ts'

const START = 1_000_000_000_000
const TOKEN: Token = {
  userId: 'a-user',
  userName: 'alice',
  userDomainId: 'default',
  roles: ['member'],
  scope: { kind: 'project', projectId: 'p', projectDomainId: 'default' },
  isAdminProject: true,
  expiresAt: START + 3_600_000,
  hasAccessRules: false,
}

let now: number
let entries: Map<string, string>
let asked: string[]
let isAway: boolean
let results: string[]
let kept: number
const store: SharedStore = {
  async get(name) {
    if (isAway) throw new Error('away')
    return entries.get(name) ?? null
  },
  async set(name, value) {
    kept += 1
    if (isAway) throw new Error('away')
    entries.set(name, value)
  },
}
const keystone: TokenValidator = {
  async validate(token) {
    const text = token.reveal()
    asked.push(text)
    if (text === 'bad') return 'invalid'
    return text === 'admin' ? { ...TOKEN, userId: 'superuser-root', roles: ['admin'] } : TOKEN
  },
}
const gateway = (secret = 'a shared secret key'): TokenValidator =>
  sharedValidator(keystone, {
    store,
    secret: new Secret(secret),
    time: 300,
    now: () => now,
    onResult: (result) => results.push(result),
  })
const ask = async (from: TokenValidator, token: string, allowExpired = false) => {
  const [askedBefore, keptBefore] = [asked.length, kept]
  const found = await from.validate(new Secret(token), allowExpired, 'req-1')
  const isKept =
    asked.length > askedBefore && found !== 'invalid' && !allowExpired && found.expiresAt - now > 1000
  // It is sealed and kept after the answer.
  if (isKept) await vi.waitFor(() => expect(kept).toBeGreaterThan(keptBefore))
  return found
}
beforeEach(() => {
  now = START
  entries = new Map()
  asked = []
  isAway = false
  results = []
  kept = 0
})

describe('what one gateway learned', () => {
  test('another knows, until the first one would have asked again', async () => {
    expect(await ask(gateway(), 'member')).toEqual(TOKEN)
    now += 299_000
    expect(await ask(gateway(), 'member')).toEqual({ ...TOKEN, trustedUntil: START + 300_000 })
    expect([asked, results]).toEqual([['member'], ['miss', 'hit']])
    now += 1000
    expect(await ask(gateway(), 'member')).toEqual(TOKEN)
    expect(asked).toHaveLength(2)
  })
  test('never past the end of the token, whatever the store still has', async () => {
    now = TOKEN.expiresAt - 10_000
    await ask(gateway(), 'member')
    now = TOKEN.expiresAt
    await ask(gateway(), 'member')
    expect(asked).toHaveLength(2)
  })
  test('is not shared of bad tokens, nor of look-ups that allow expired ones', async () => {
    await ask(gateway(), 'bad')
    await ask(gateway(), 'member', true)
    expect([entries.size, results]).toEqual([0, ['miss']])
    await ask(gateway(), 'member')
    await ask(gateway(), 'member', true)
    expect(asked).toEqual(['bad', 'member', 'member', 'member'])
  })
})

describe('whoever holds the store', () => {
  test('reads neither token, user nor role in it', async () => {
    await ask(gateway(), 'admin')
    const text = JSON.stringify([...entries])
    expect(entries.size).toBe(1)
    for (const secret of ['admin', 'superuser-root', 'alice']) {
      expect(text).not.toContain(secret)
      expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain(secret)
    }
  })
  test('cannot give the entry of an admin to a member', async () => {
    await ask(gateway(), 'admin')
    const [entry = ''] = entries.values()
    await ask(gateway(), 'member')
    for (const name of entries.keys()) entries.set(name, entry)
    expect(await ask(gateway(), 'member')).toEqual(TOKEN)
  })
  test.for([
    [
      'changed',
      (entry: string) => entry.replace(/.{8}$/, (end) => (end === 'AAAAAAAA' ? 'BBBBBBBB' : 'AAAAAAAA')),
    ],
    ['cut off', (entry: string) => entry.slice(0, 40)],
    ['made up', () => Buffer.from(JSON.stringify({ token: TOKEN })).toString('base64url')],
    ['of no algorithm', () => `${Buffer.from('{"alg":"none"}').toString('base64url')}..e30.e30.e30`],
    ['empty', () => ''],
  ] as const)('an entry that is %s counts as none', async ([, forge]) => {
    await ask(gateway(), 'member')
    for (const [name, entry] of entries) entries.set(name, forge(entry))
    expect(await ask(gateway(), 'member')).toEqual(TOKEN)
    expect(asked).toHaveLength(2)
  })
  test('and another key names and seals everything differently', async () => {
    await ask(gateway(), 'member')
    await ask(gateway('another secret key'), 'member')
    expect([asked.length, entries.size]).toEqual([2, 2])
  })
})

test('a store that is away costs a question to Keystone, and nothing else', async () => {
  isAway = true
  expect(await ask(gateway(), 'member')).toEqual(TOKEN)
  expect(results).toEqual(['error', 'error'])
})

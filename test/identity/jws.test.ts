import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompactSign, type CryptoKey, exportSPKI, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { type JwsKey, jwsKeysIn, jwsValidator, readJwsKeys } from '../../src/identity/jws.ts'
import { fakeValidator, tokenOf } from './identities.ts'

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA'] as const
const NOW = 1_000_000_000_000
const SECONDS = NOW / 1000

let folder: string
let keys: readonly JwsKey[]
let other: CryptoKey
const signers = new Map<string, CryptoKey>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cinderguard-jws-'))
  mkdirSync(join(folder, 'public'))
  for (const algorithm of ALGORITHMS) {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
    signers.set(algorithm, privateKey)
    writeFileSync(join(folder, 'public', `${algorithm}.pem`), await exportSPKI(publicKey))
  }
  keys = await readJwsKeys([join(folder, 'public')])
  other = (await generateKeyPair('ES256')).privateKey
})
afterAll(() => rmSync(folder, { recursive: true }))

async function sign(
  claims: unknown,
  algorithm: string = 'ES256',
  key = signers.get(algorithm),
): Promise<string> {
  if (key === undefined) throw new Error(`no key for ${algorithm}`)
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims)
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ typ: 'JWT', alg: algorithm })
    .sign(key)
}

/** What became of a token: whether Keystone was asked, and the answer's user. */
async function validate(text: string, allowExpired = false, known = keys): Promise<string> {
  const inner = fakeValidator({ [text]: tokenOf() })
  const still = { current: () => known, othersThan: async () => null }
  const found = await jwsValidator(inner, still, () => NOW).validate(new Secret(text), allowExpired, 'req-1')
  return `${inner.asked.length === 0 ? 'refused at once' : 'Keystone asked'}: ${found === 'invalid' ? found : found.userId}`
}

const REFUSED = 'refused at once: invalid'
const ASKED = 'Keystone asked: alice'
const claims = { sub: 'alice', exp: SECONDS + 1 }

const base64 = (text: string) => Buffer.from(text).toString('base64url')
const swap = (token: string, at: number, part: string) => token.split('.').with(at, part).join('.')

describe('a JWS token', () => {
  test.each(ALGORITHMS)('signed with a known key (%s) goes on to Keystone', async (algorithm) => {
    expect(await validate(await sign(claims, algorithm))).toBe(ASKED)
  })

  const rows: readonly (readonly [what: string, make: () => Promise<string>, expected: string])[] = [
    ['signed with another key', () => sign(claims, 'ES256', other), REFUSED],
    [
      'whose claims were changed',
      async () => swap(await sign(claims), 1, base64(JSON.stringify({ ...claims, sub: 'admin' }))),
      REFUSED,
    ],
    ['whose signature was changed', async () => swap(await sign(claims), 2, base64('x'.repeat(64))), REFUSED],
    ['without a signature', async () => swap(await sign(claims), 2, ''), REFUSED],
    [
      'of the algorithm none',
      async () => `${base64('{"alg":"none"}')}.${base64(JSON.stringify(claims))}.`,
      REFUSED,
    ],
    [
      'that says another algorithm',
      async () => swap(await sign(claims), 0, base64('{"alg":"HS256"}')),
      REFUSED,
    ],
    ['of three words', async () => 'a.b.c', REFUSED],
    ['that ends now', () => sign({ ...claims, exp: SECONDS }), REFUSED],
    ['without an end', () => sign({ sub: 'alice' }), REFUSED],
    ['whose end is no number', () => sign({ ...claims, exp: 'soon' }), REFUSED],
    ['whose claims are a list', () => sign([claims]), REFUSED],
    ['whose claims are not JSON', () => sign('claims'), REFUSED],
  ]
  test.each(rows)('%s', async (_what, make, expected) => {
    expect(await validate(await make())).toBe(expected)
  })

  test('past its end goes on when that is allowed, if its signature is good', async () => {
    const past = { ...claims, exp: SECONDS - 1 }
    expect(await validate(await sign(past), true)).toBe(ASKED)
    expect(await validate(await sign(past, 'ES256', other), true)).toBe(REFUSED)
  })

  test('is refused when there are no keys', async () => {
    expect(await validate(await sign(claims), false, [])).toBe(REFUSED)
  })
})

test.each(['gAAAAABlFernet-token_', 'two.parts', 'a.b.c.d'])(
  'what is no JWS goes on unlooked at: %s',
  async (text) => {
    expect(await validate(text)).toBe(ASKED)
  },
)

describe('keys', () => {
  test('are read from folders by name, each of its kind', () => {
    expect(keys.map(({ algorithm }) => algorithm)).toEqual(ALGORITHMS.toSorted())
  })

  test('are read from files in their order', async () => {
    const files = ['EdDSA', 'ES256'].map((name) => join(folder, 'public', `${name}.pem`))
    expect((await readJwsKeys(files)).map(({ algorithm }) => algorithm)).toEqual(['EdDSA', 'ES256'])
  })

  test('that are none name their file', async () => {
    const file = join(folder, 'none.pem')
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    await expect(readJwsKeys([file])).rejects.toThrow(
      `${file} is not a PEM public key for any of ES256, ES384, ES512, EdDSA`,
    )
  })

  test('that are missing are a fault', async () => {
    await expect(readJwsKeys([join(folder, 'missing.pem')])).rejects.toThrow('ENOENT')
  })

  test('are read anew when a token fits none of them, but not for each forged one', async () => {
    const rotated = join(folder, 'rotated')
    mkdirSync(rotated)
    const old = await generateKeyPair('ES256', { extractable: true })
    const fresh = await generateKeyPair('ES256', { extractable: true })
    writeFileSync(join(rotated, '0.pem'), await exportSPKI(old.publicKey))
    const clock = { now: NOW }
    const known = await jwsKeysIn([rotated], () => clock.now)
    const token = await sign(claims, 'ES256', fresh.privateKey)
    const inner = fakeValidator({ [token]: tokenOf() })
    const ask = async () =>
      (await jwsValidator(inner, known, () => NOW).validate(new Secret(token), false, 'req-1')) !== 'invalid'
    expect(await ask()).toBe(false)
    writeFileSync(join(rotated, '1.pem'), await exportSPKI(fresh.publicKey))
    clock.now += 9999
    expect(await ask()).toBe(false)
    clock.now += 1
    expect(await Promise.all([ask(), ask()])).toEqual([true, true])

    rmSync(join(rotated, '1.pem'))
    writeFileSync(join(rotated, '2.pem'), 'half written')
    clock.now += 10_000
    expect(await known.othersThan(known.current())).toBeNull()
    expect(await ask()).toBe(true)
  })
})

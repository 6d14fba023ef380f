import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type CryptoKey, compactVerify, importSPKI } from 'jose'
import type { TokenValidator } from './identity.ts'

/** Keystone's JWS provider signs with one of these (`[jwt_tokens] jws_algorithm`); ES256 was the only one until 2025. */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA'] as const

export interface JwsKey {
  readonly algorithm: (typeof ALGORITHMS)[number]
  readonly key: CryptoKey
}

/**
 * Reads Keystone's public keys: PEM files, or folders of them (`/etc/keystone/jws-keys/public`).
 * @throws when a file is not a public key of a fitting kind.
 */
export async function readJwsKeys(paths: readonly string[]): Promise<readonly JwsKey[]> {
  const files = paths.flatMap((path) =>
    statSync(path).isDirectory()
      ? readdirSync(path)
          .sort()
          .map((name) => join(path, name))
      : [path],
  )
  return Promise.all(files.map((file) => readKey(file)))
}

async function readKey(file: string): Promise<JwsKey> {
  const pem = readFileSync(file, 'utf8')
  for (const algorithm of ALGORITHMS) {
    try {
      return { algorithm, key: await importSPKI(pem, algorithm) }
    } catch {
      // not of this kind; the next one
    }
  }
  throw new Error(`${file} is not a PEM public key for any of ${ALGORITHMS.join(', ')}`)
}

/** The keys in force. */
export interface JwsKeys {
  current(): readonly JwsKey[]
  /** Others than these, in force by now or read anew if that was not done lately; null: there are none. */
  othersThan(tried: readonly JwsKey[]): Promise<readonly JwsKey[] | null>
}

/** Milliseconds: forged tokens must not keep the gateway reading files. */
const PAUSE = 10_000

/**
 * The keys in these files: Keystone's are rotated. Files that cannot be read when that is noticed change nothing.
 * @throws when they cannot be read at first.
 */
export async function jwsKeysIn(paths: readonly string[], now: () => number): Promise<JwsKeys> {
  let keys = await readJwsKeys(paths)
  let read = now()
  let reading: Promise<void> | null = null
  const readAgain = async (): Promise<void> => {
    read = now()
    keys = await readJwsKeys(paths).catch(() => keys)
    reading = null
  }
  return {
    current: () => keys,
    async othersThan(tried) {
      if (reading === null && keys === tried && now() - read >= PAUSE) reading = readAgain()
      await reading
      return keys === tried ? null : keys
    },
  }
}

/**
 * Refuses forged and expired JWS tokens before Keystone is asked. A signature proves user and scope only; roles
 * and revocation are Keystone's to tell, so a token that passes here still goes to `inner`. Tokens that are not
 * JWS at all (Fernet) go to `inner` unlooked at.
 *
 * @param now milliseconds since the epoch.
 */
export function jwsValidator(inner: TokenValidator, keys: JwsKeys, now: () => number): TokenValidator {
  return {
    async validate(token, allowExpired, requestId, headers) {
      const text = token.reveal()
      if (text.split('.').length === 3) {
        const at = allowExpired ? null : now()
        const tried = keys.current()
        let found = await judge(text, tried, at)
        const others = found === 'unknown' ? await keys.othersThan(tried) : null
        if (others !== null) found = await judge(text, others, at)
        if (found !== 'plausible') return 'invalid'
      }
      return inner.validate(token, allowExpired, requestId, headers)
    },
  }
}

/** `unknown`: signed with none of these keys. */
async function judge(
  text: string,
  keys: readonly JwsKey[],
  now: number | null,
): Promise<'plausible' | 'expired' | 'unknown'> {
  for (const { algorithm, key } of keys) {
    try {
      const { payload } = await compactVerify(text, key, { algorithms: [algorithm] })
      const claims: unknown = JSON.parse(new TextDecoder().decode(payload))
      if (now === null) return 'plausible'
      const isLive =
        typeof claims === 'object' && claims !== null && 'exp' in claims && Number(claims.exp) * 1000 > now
      return isLive ? 'plausible' : 'expired'
    } catch {
      // not signed with this key (Keystone names none, so all are tried)
    }
  }
  return 'unknown'
}

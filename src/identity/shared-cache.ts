import { createHmac, hkdfSync } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import type { Secret } from '../config/secret.ts'
import type { Token, TokenValidator } from './identity.ts'

/** A store that several gateways share. Whoever runs it is trusted with nothing. */
export interface SharedStore {
  /** @throws when the store does not answer in time. */
  get(name: string): Promise<string | null>
  /** @param seconds until the entry may go. */
  set(name: string, value: string, seconds: number): Promise<void>
}

export interface SharedCacheOptions {
  readonly store: SharedStore
  /** `[keystone_authtoken] memcache_secret_key`. */
  readonly secret: Secret
  /** Seconds; `[keystone_authtoken] token_cache_time`. */
  readonly time: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onResult?: (result: 'hit' | 'miss' | 'error') => void
}

/**
 * A validator that asks the store of all gateways before Keystone. Names are digests under a key, entries are sealed
 * (JWE, A256GCM) together with their name and their end: whoever holds the store can neither read a token or a role,
 * nor make an entry, nor give one to another token, nor keep one alive. Only good tokens are stored, of look-ups that
 * allow no expired ones. A store that fails is as good as empty.
 */
export function sharedValidator(inner: TokenValidator, options: SharedCacheOptions): TokenValidator {
  const { store, time, now, onResult } = options
  const keyFor = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', options.secret.reveal(), '', `cinderguard tokens ${use}`, 32))
  const [naming, sealing] = [keyFor('name'), keyFor('seal')]
  const nameOf = (token: Secret): string =>
    `cinderguard/1/${createHmac('sha256', naming).update(token.reveal()).digest('base64url')}`

  async function stored(name: string): Promise<Token | null> {
    try {
      const sealed = await store.get(name)
      const token = sealed === null ? null : await open(sealed, name, sealing, now())
      onResult?.(token === null ? 'miss' : 'hit')
      return token
    } catch {
      onResult?.('error')
      return null
    }
  }

  async function keep(name: string, token: Token): Promise<void> {
    const until = Math.min(now() + time * 1000, token.expiresAt)
    const seconds = Math.floor((until - now()) / 1000)
    if (seconds < 1) return
    try {
      await store.set(name, await seal({ name, until, token }, sealing), seconds)
    } catch {
      onResult?.('error')
    }
  }

  return {
    async validate(token, allowExpired, requestId, headers) {
      if (allowExpired) return inner.validate(token, allowExpired, requestId, headers)
      const name = nameOf(token)
      const known = await stored(name)
      if (known !== null) return known
      const found = await inner.validate(token, allowExpired, requestId, headers)
      if (found !== 'invalid') void keep(name, found)
      return found
    },
  }
}

interface Entry {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly until: number
  readonly token: Token
}

async function seal(entry: Entry, key: Uint8Array): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(entry)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(key)
}

/** @returns null for an entry that is over, of another name, or not sealed by us. */
async function open(sealed: string, name: string, key: Uint8Array, now: number): Promise<Token | null> {
  const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }
  const opened = await compactDecrypt(sealed, key, options).catch(() => null)
  if (opened === null) return null
  const entry = JSON.parse(new TextDecoder().decode(opened.plaintext)) as Entry
  if (entry.name !== name || entry.until <= now || entry.token.expiresAt <= now) return null
  return { ...entry.token, trustedUntil: entry.until }
}

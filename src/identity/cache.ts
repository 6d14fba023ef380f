import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Token, TokenValidator } from './identity.ts'

export interface TokenCacheOptions {
  /** Seconds; `[keystone_authtoken] token_cache_time`; negative or 0 turns the cache off. */
  readonly time: number
  /** Seconds for which a refused token is remembered. */
  readonly negativeTime: number
  /** Entries. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onLookup?: (result: 'hit' | 'miss' | 'joined') => void
}

/**
 * A validator that remembers. Keys are digests under a key that never leaves this process, so a dump of the cache
 * names no token. An entry never outlives its token, unless the look-up allowed that; refusals are not shared
 * between look-ups that allow expired tokens and those that do not.
 */
export function cachedValidator(inner: TokenValidator, options: TokenCacheOptions): TokenValidator {
  const key = randomBytes(32).toString('base64')
  const good = storeOf<Token>(options.size)
  const refused = storeOf<'invalid'>(Math.ceil(options.size / REFUSED))
  const inFlight = new Map<string, Promise<Token | 'invalid'>>()

  function remember(name: string, token: Token | 'invalid', allowExpired: boolean): void {
    const limit = 1000 * (token === 'invalid' ? options.negativeTime : options.time)
    const now = options.now()
    const left = token === 'invalid' || allowExpired ? limit : token.expiresAt - now
    const trust = token === 'invalid' ? limit : (token.trustedUntil ?? Number.POSITIVE_INFINITY) - now
    const ttl = Math.min(limit, left, trust)
    if (ttl <= 0) return
    if (token === 'invalid') refused?.set(name, { token }, { ttl })
    else good?.set(name, { token }, { ttl })
  }

  return {
    validate(token, allowExpired, requestId, headers) {
      const name = `${allowExpired ? 'e' : 'n'}${token.digest(key)}`
      const hit = good?.get(name) ?? refused?.get(name)
      if (hit !== undefined && isLive(hit.token, allowExpired, options.now())) {
        options.onLookup?.('hit')
        return hit.token
      }
      const joined = inFlight.get(name)
      if (joined !== undefined) {
        options.onLookup?.('joined')
        return joined
      }
      options.onLookup?.('miss')
      const lookup = (async () => {
        try {
          const found = await inner.validate(token, allowExpired, requestId, headers)
          remember(name, found, allowExpired)
          return found
        } finally {
          inFlight.delete(name)
        }
      })()
      inFlight.set(name, lookup)
      return lookup
    },
  }
}

/** One in so many entries may be a refused token; they have a place of their own, so that garbage drives out nobody. */
const REFUSED = 10

function storeOf<T extends Token | 'invalid'>(max: number): LRUCache<string, { readonly token: T }> | null {
  // Without a size lru-cache keeps everything.
  return max > 0 ? new LRUCache({ max, ttlAutopurge: false, ttl: 1, ttlResolution: 10 }) : null
}

/** The clock may have been set since: the end of the token counts, not only the entry's age. */
function isLive(token: Token | 'invalid', allowExpired: boolean, now: number): boolean {
  return token === 'invalid' || allowExpired || token.expiresAt > now
}

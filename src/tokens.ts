import type { Send } from './clouds/client.ts'
import { keystoneValidator } from './clouds/keystone.ts'
import { memcachedStore } from './clouds/memcached.ts'
import { type createSession, identityUrlOf } from './clouds/session.ts'
import type { Config } from './config/options.ts'
import { cachedValidator } from './identity/cache.ts'
import type { TokenValidator } from './identity/identity.ts'
import { jwsKeysIn, jwsValidator } from './identity/jws.ts'
import { sharedValidator } from './identity/shared-cache.ts'
import type { Metrics } from './record/metrics.ts'

/** Who says whether a token is good: this process, the signature, the other gateways, Keystone; asked in that order. */
export interface Tokens {
  readonly validator: TokenValidator
  /** Keystone itself. */
  readonly keystone: TokenValidator
  close(): Promise<void>
}

/** @throws when a key file cannot be used. */
export async function createTokens(
  config: Config,
  send: Send,
  session: ReturnType<typeof createSession>,
  metrics: Metrics,
): Promise<Tokens> {
  const { token_cache_time: time } = config.keystone_authtoken
  const identityUrl = identityUrlOf(config.credentials.keystone_authtoken.authUrl)
  const keystone = keystoneValidator(send, identityUrl, session)
  const shared = sharedCacheOf(config, metrics)
  const asked = shared === null ? keystone : sharedValidator(keystone, shared)
  const keys = await jwsKeysIn(config.cinderguard.jws_public_keys, Date.now)
  const looked = keys.current().length === 0 ? asked : jwsValidator(asked, keys, Date.now)
  const validator = cachedValidator(looked, {
    time,
    negativeTime: config.cinderguard.token_negative_cache_time,
    size: config.cinderguard.token_cache_size,
    now: Date.now,
    onLookup: metrics.tokenLookup,
  })
  return { validator, keystone, close: async () => shared?.store.close() }
}

/** The memcached that all gateways share, where there is one with a key to seal by. */
function sharedCacheOf({ keystone_authtoken: options }: Config, metrics: Metrics) {
  const { memcached_servers: servers, memcache_secret_key: secret, token_cache_time: time } = options
  if (servers.length === 0 || secret === undefined || time <= 0) return null
  const store = memcachedStore({
    servers,
    timeout: options.memcache_pool_socket_timeout,
    deadRetry: options.memcache_pool_dead_retry,
    now: () => performance.now(),
  })
  return { store, secret, time, now: Date.now, onResult: metrics.sharedLookup }
}

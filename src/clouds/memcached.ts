import { Memcache } from 'memcache'
import type { SharedStore } from '../identity/shared-cache.ts'

export interface MemcachedOptions {
  /** HOST:PORT each; `[keystone_authtoken] memcached_servers`. */
  readonly servers: readonly string[]
  /** Seconds for one answer; `memcache_pool_socket_timeout`. */
  readonly timeout: number
  /** Seconds for which a server that failed is left alone; `memcache_pool_dead_retry`. */
  readonly deadRetry: number
  /** Milliseconds, never going back. */
  readonly now: () => number
}

/**
 * memcached servers, each name on one of them. A server that fails is left alone for a while: its entries are missed,
 * and nobody waits for it.
 */
export function memcachedStore(options: MemcachedOptions): SharedStore & { close: () => Promise<void> } {
  const servers = options.servers.map((address) => new Server(address, options))
  const serverOf = (name: string): Server | undefined =>
    servers[Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) % 65_521, 0) % servers.length]
  return {
    get: async (name) => (await serverOf(name)?.ask((client) => client.get(name))) ?? null,
    async set(name, value, seconds) {
      await serverOf(name)?.ask((client) => client.set(name, value, seconds))
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()))
    },
  }
}

class Server {
  readonly #address: string
  readonly #options: MemcachedOptions
  #client: Memcache | null = null
  #deadUntil = Number.NEGATIVE_INFINITY

  constructor(address: string, options: MemcachedOptions) {
    this.#address = address
    this.#options = options
  }

  /** @throws when the server does not answer in time, or lately did not. */
  async ask<T>(work: (client: Memcache) => Promise<T>): Promise<T> {
    const { now, timeout } = this.#options
    if (now() < this.#deadUntil) throw new Error('the server is left alone')
    const client = this.#connected()
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error('no answer in time')), timeout * 1000)
    try {
      const answer = await Promise.race([work(client), promise])
      // The library answers `undefined` for what it could not ask, and tells of the fault on its own.
      if (this.#client !== client) throw new Error('the server failed')
      return answer
    } catch (error) {
      this.#bury()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  #connected(): Memcache {
    if (this.#client !== null) return this.#client
    const timeout = this.#options.timeout * 1000
    const client = new Memcache({ nodes: [this.#address], timeout, retries: 0, lazyConnect: true })
    client.on('error', () => this.#bury())
    // The library closes what was idle for long: no fault, but for whoever is asking just then.
    for (const event of ['timeout', 'close']) client.on(event, () => void this.#drop(client))
    this.#client = client
    return client
  }

  #bury(): void {
    this.#deadUntil = this.#options.now() + this.#options.deadRetry * 1000
    void this.close()
  }

  async #drop(client: Memcache): Promise<void> {
    if (this.#client === client) this.#client = null
    await client.disconnect().catch(() => undefined)
  }

  async close(): Promise<void> {
    if (this.#client !== null) await this.#drop(this.#client)
  }
}

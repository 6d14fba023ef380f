import type { JwsKey } from '../identity/jws.ts'
import { type Bundle, BundleError, claimedVersion, openBundle } from './bundle.ts'
import { fetchBundle } from './fetch-bundle.ts'
import { keepBundle, readKept } from './kept.ts'

export interface KeeperOptions {
  readonly url: URL
  readonly keys: readonly JwsKey[]
  /** Where the last good bundle is kept. */
  readonly cache: string
  /** Whether this process may write there: not a tool that only looks. */
  readonly keeps: boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether the policy would stand with it. @returns what puts it in force, or what is wrong. */
  readonly tries: (bundle: Bundle) => (() => void) | { readonly problem: string }
}

export type Refreshed = 'changed' | 'same' | { readonly problem: string }

/** Seconds by which the signer's clock may be ahead. */
const SKEW = 300

/**
 * Fetches the organisation's policy, keeps the last good one, also across restarts, and takes none that is unsigned,
 * expired, of the future, or older than any it has had. A new one is in force only once it is kept.
 */
export class BundleKeeper {
  #bundle: Bundle | null = null
  #text = ''
  #etag: string | null = null
  /** The newest that was ever kept here, whether or not it can count now. */
  #newest: { readonly version: number; readonly content: string | null } | null = null
  readonly #options: KeeperOptions

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** The bundle in force. */
  get current(): Bundle | null {
    return this.#bundle
  }

  /** The bundle in force has passed its expiry: it stays, but somebody should know. */
  get isExpired(): boolean {
    return this.#bundle !== null && this.#bundle.expiresAt * 1000 <= this.#options.now()
  }

  /**
   * Takes the kept bundle up, at the start, or again when another process has kept a newer one. Its expiry does not
   * matter: it was good.
   */
  async restore(): Promise<Refreshed> {
    const { cache, keys } = this.#options
    try {
      const text = readKept(cache)
      if (text === null || text === this.#text) return 'same'
      const bundle = await openBundle(text, keys).catch((error: unknown) => {
        this.#remember(claimedVersion(text), null)
        throw error
      })
      this.#refuseOlder(bundle)
      this.#remember(bundle.version, contentOf(bundle))
      this.#adopt(this.#tried(bundle), bundle, text)
      return 'changed'
    } catch (error) {
      const problem = textOf(error)
      return { problem: problem.includes(cache) ? problem : `${cache}: ${problem}` }
    }
  }

  /** Asks for a newer one. @returns also what is wrong: then the one in force stays. */
  async refresh(): Promise<Refreshed> {
    try {
      const fetched = await fetchBundle(this.#options.url, this.#etag)
      if (fetched === null || (this.#bundle !== null && fetched.text === this.#text)) {
        this.#keep(this.#text)
        this.#etag = fetched?.etag ?? this.#etag
        return 'same'
      }
      const bundle = await openBundle(fetched.text, this.#options.keys)
      this.#refuseOlder(bundle)
      this.#refuseUntimely(bundle)
      const take = this.#tried(bundle)
      this.#keep(fetched.text, `version ${bundle.version} `)
      this.#remember(bundle.version, contentOf(bundle))
      this.#adopt(take, bundle, fetched.text)
      this.#etag = fetched.etag
      return 'changed'
    } catch (error) {
      return { problem: `bundle: ${textOf(error)}` }
    }
  }

  #refuseOlder(bundle: Bundle): void {
    const newest = this.#newest
    if (newest === null) return
    if (bundle.version < newest.version) {
      const where = newest.version === this.#bundle?.version ? 'in force' : `kept in ${this.#options.cache}`
      throw new BundleError(`version ${bundle.version} is older than ${newest.version}, which is ${where}`)
    }
    if (bundle.version === newest.version && newest.content !== null && contentOf(bundle) !== newest.content)
      throw new BundleError(`version ${bundle.version} is in force with other rules`)
  }

  #refuseUntimely({ issuedAt, expiresAt }: Bundle): void {
    const now = this.#options.now() / 1000
    if (expiresAt <= now) throw new BundleError('it has expired')
    if (issuedAt > now + SKEW) throw new BundleError('it is issued in the future; a clock is wrong')
  }

  #tried(bundle: Bundle): () => void {
    const tried = this.#options.tries(bundle)
    if (typeof tried === 'object') throw new BundleError(tried.problem)
    return tried
  }

  /** Also when it is still the same, in case that the file is gone. */
  #keep(text: string, what = 'it '): void {
    const { cache, keeps } = this.#options
    if (!keeps) return
    try {
      if (text !== this.#text || readKept(cache) === null) keepBundle(cache, text)
    } catch (error) {
      throw new BundleError(`${what}${textOf(error)}`)
    }
  }

  #remember(version: number | null, content: string | null): void {
    if (version !== null && version >= (this.#newest?.version ?? 0)) this.#newest = { version, content }
  }

  #adopt(take: () => void, bundle: Bundle, text: string): void {
    take()
    this.#bundle = bundle
    this.#text = text
  }
}

const contentOf = ({ rules, locked }: Bundle): string => JSON.stringify([rules, locked])

const textOf = (error: unknown): string =>
  error instanceof BundleError ? error.message : 'it cannot be read'

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { JwsKey } from '../identity/jws.ts'
import { type Bundle, BundleError, openBundle } from './bundle.ts'

export interface KeeperOptions {
  readonly url: URL | string
  readonly keys: readonly JwsKey[]
  /** Where the last good bundle is kept. */
  readonly cache: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether the policy would stand with it; false refuses the bundle. @returns what is wrong, or null. */
  readonly tries: (bundle: Bundle) => string | null
}

/** Answers larger than this are no policy. */
const MAX_BYTES = 1024 * 1024
const TIMEOUT = 10_000

/**
 * Fetches the organisation's policy, keeps the last good one, also across restarts, and takes none that is unsigned,
 * expired or older than what it has.
 */
export class BundleKeeper {
  #bundle: Bundle | null = null
  #text = ''
  #etag: string | null = null
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

  /** Takes the kept bundle up again, whose expiry does not matter: it was good. @returns what is wrong with it, or null. */
  async restore(): Promise<string | null> {
    let text: string
    try {
      text = readFileSync(this.#options.cache, 'utf8')
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      return isMissing ? null : `${this.#options.cache} cannot be read`
    }
    try {
      this.#adopt(await openBundle(text, this.#options.keys), text)
      return null
    } catch (error) {
      return `${this.#options.cache}: ${textOf(error)}`
    }
  }

  /** Asks for a newer one. @returns `changed`, `same`, or what is wrong: then the one in force stays. */
  async refresh(): Promise<'changed' | 'same' | { readonly problem: string }> {
    try {
      const answer = await fetch(this.#options.url, {
        headers: this.#etag === null ? {} : { 'if-none-match': this.#etag },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT),
      })
      if (answer.status === 304 && this.#bundle !== null) return 'same'
      if (answer.status !== 200) throw new BundleError(`status ${answer.status}`)
      const text = await limited(answer)
      const isNew = text !== this.#text && this.#take(await openBundle(text, this.#options.keys), text)
      this.#etag = answer.headers.get('etag')
      return isNew ? 'changed' : 'same'
    } catch (error) {
      return { problem: `${String(this.#options.url)}: ${textOf(error)}` }
    }
  }

  #take(bundle: Bundle, text: string): boolean {
    const newest = this.#bundle
    if (newest !== null && bundle.version < newest.version)
      throw new BundleError(`version ${bundle.version} is older than ${newest.version}, which is in force`)
    if (newest !== null && bundle.version === newest.version && !isSame(bundle, newest))
      throw new BundleError(`version ${bundle.version} is in force with other rules`)
    if (bundle.expiresAt * 1000 <= this.#options.now()) throw new BundleError('it has expired')
    this.#adopt(bundle, text)
    mkdirSync(dirname(this.#options.cache), { recursive: true })
    const fresh = `${this.#options.cache}.new`
    writeFileSync(fresh, text, { mode: 0o600 })
    renameSync(fresh, this.#options.cache)
    return true
  }

  #adopt(bundle: Bundle, text: string): void {
    const problem = this.#options.tries(bundle)
    if (problem !== null) throw new BundleError(problem)
    this.#bundle = bundle
    this.#text = text
  }
}

const isSame = (a: Bundle, b: Bundle): boolean =>
  JSON.stringify([a.rules, a.locked]) === JSON.stringify([b.rules, b.locked])

async function limited(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    size += chunk.length
    if (size > MAX_BYTES) throw new BundleError(`it is larger than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function textOf(error: unknown): string {
  if (error instanceof BundleError) return error.message
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'it cannot be fetched'
}

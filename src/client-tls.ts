import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { expiryOf, watchFiles } from './tls.ts'

/** Paths of PEM files, as the sections of the configuration name them. */
export interface ClientTlsFiles {
  /** Whom the server's certificate must be signed by; Node's own authorities unless given. */
  readonly ca?: string | undefined
  /** What the gateway shows of itself, and its key; both, or a `cert` file that holds both. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** The same as PEM texts. */
export interface ClientTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** What a client of a TLS server goes by, which may change while it runs. */
export interface ClientTlsSource {
  /** The same object until a file was replaced: connections made by another are not to be used again. */
  current(): ClientTls
  close(): void
}

export interface ClientTlsEvents {
  /** Replaced files cannot be used; those before stay in use. */
  readonly onProblem?: undefined | ((problem: string) => void)
  /** A client certificate is in use from now on. @param expires milliseconds since the epoch. */
  readonly onUse?: undefined | ((expires: number) => void)
}

/** Without TLS, and for servers that Node's own authorities vouch for. */
export const NO_TLS: ClientTlsSource = { current: () => NONE, close: () => undefined }
const NONE: ClientTls = {}

/**
 * Reads the files, and reads them anew when one was replaced; what cannot be used then does not count.
 *
 * @param every milliseconds between looks
 * @throws when a file cannot be used at the start.
 */
export function openClientTls(
  files: ClientTlsFiles,
  { onProblem, onUse }: ClientTlsEvents = {},
  every?: number,
): ClientTlsSource {
  const paths = [files.ca, files.cert, files.key].filter((path) => path !== undefined)
  if (paths.length === 0) return NO_TLS
  let inUse = readClientTls(files)
  const tell = (): void => {
    if (inUse.cert !== undefined) onUse?.(expiryOf(inUse.cert))
  }
  tell()
  const unwatch = watchFiles(
    paths,
    () => {
      inUse = readClientTls(files)
      tell()
    },
    (problem) => onProblem?.(problem),
    every,
  )
  return { current: () => inUse, close: unwatch }
}

/** Reads the files and tries them out. @throws with the name of the file that cannot be used. */
export function readClientTls({ ca, cert, key }: ClientTlsFiles): ClientTls {
  const tls: ClientTls = {
    ...(ca === undefined ? {} : { ca: readAuthorities(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert, 'utf8') }),
    ...(key === undefined ? {} : { key: readFileSync(key, 'utf8') }),
  }
  try {
    createSecureContext(tls)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unusable'
    throw new Error(`${cert} and ${key} are not a certificate and its key: ${why}`)
  }
  return tls
}

/** What holds no certificate trusts nobody, which OpenSSL does not mind. @throws with the file's name. */
export function readAuthorities(file: string): string {
  const pem = readFileSync(file, 'utf8')
  if (!/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(pem))
    throw new Error(`${file} holds no PEM certificate`)
  try {
    expiryOf(pem)
  } catch {
    throw new Error(`${file} holds a broken certificate`)
  }
  return pem
}

/** What keeps connections: made anew when the TLS files were replaced, after which requests under way end on the old. */
export class Renewed<T> {
  readonly #tls: ClientTlsSource
  readonly #make: (tls: ClientTls) => T
  readonly #retire: (old: T) => void
  #madeBy: ClientTls
  #made: T

  /** @param retire ends what is idle, and lets go of the rest when it is done. */
  constructor(tls: ClientTlsSource, make: (tls: ClientTls) => T, retire: (old: T) => void) {
    this.#tls = tls
    this.#make = make
    this.#retire = retire
    this.#madeBy = tls.current()
    this.#made = make(this.#madeBy)
  }

  current(): T {
    const now = this.#tls.current()
    if (now !== this.#madeBy) {
      this.#retire(this.#made)
      this.#madeBy = now
      this.#made = this.#make(now)
    }
    return this.#made
  }
}

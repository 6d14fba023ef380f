import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { stateOf } from './file-state.ts'

/** Files of a TLS listener. */
export interface TlsFiles {
  /** PEM, the certificate and what it was signed by. */
  readonly certFile: string
  readonly keyFile: string
  /** PEM; with it every client must show a certificate signed by one of these. */
  readonly clientCaFile: string | undefined
}

/** What becomes of a listener's files. */
export interface TlsEvents {
  /** Replaced files cannot be used; those before stay in use. */
  readonly onProblem: (problem: string) => void
  /** A certificate is in use from now on. @param expires milliseconds since the epoch. */
  readonly onUse?: (expires: number) => void
}

export type ListenerTls = SecureContextOptions & {
  readonly cert: Buffer
  readonly requestCert: boolean
  readonly rejectUnauthorized: boolean
}

/** Reads the files and tries them out. @throws with the file's name when one cannot be used. */
export function readTls({ certFile, keyFile, clientCaFile }: TlsFiles): ListenerTls {
  const options = {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    minVersion: 'TLSv1.2' as const,
    ...(clientCaFile === undefined ? {} : { ca: readFileSync(clientCaFile) }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unusable'
    throw new Error(`${certFile} and ${keyFile} are not a certificate and its key: ${why}`)
  }
  const isMutual = clientCaFile !== undefined
  return { ...options, requestCert: isMutual, rejectUnauthorized: isMutual }
}

/** How often replaced files are looked for, in milliseconds. */
const LOOK = 1000

/**
 * Looks time and again whether a file was replaced, and has all read anew when one was.
 *
 * @param adopt takes what the files hold now; when it throws, that is reported, and what was before stays in use
 * @param every milliseconds
 * @returns ends the watch
 */
export function watchFiles(
  paths: readonly string[],
  adopt: () => void,
  onProblem: (problem: string) => void,
  every: number = LOOK,
): () => void {
  const look = () => paths.map(stateOf).join('\n')
  let seen = look()
  const timer = setInterval(() => {
    const now = look()
    if (now === seen) return
    seen = now
    try {
      adopt()
    } catch (error) {
      onProblem(error instanceof Error ? error.message : 'unusable')
    }
  }, every).unref()
  return () => clearInterval(timer)
}

/** {@link watchFiles} of a listener. */
export function watchTls(
  files: TlsFiles,
  onChange: (tls: ListenerTls) => void,
  onProblem: (problem: string) => void,
  every?: number,
): () => void {
  const { certFile, keyFile, clientCaFile } = files
  const paths = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])]
  return watchFiles(paths, () => onChange(readTls(files)), onProblem, every)
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** When the first of the certificates in a file (PEM) ends, in milliseconds since the epoch. @throws on no PEM. */
export function expiryOf(pem: Buffer | string): number {
  const ends = (pem.toString().match(CERTIFICATE) ?? []).map((each) =>
    new X509Certificate(each).validToDate.getTime(),
  )
  return Math.min(...ends)
}

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import type { Config } from '../../config/options.ts'
import { problemOf } from '../../file-problem.ts'
import { readJwsKeys } from '../../identity/jws.ts'
import { openBundle } from '../../organisation/bundle.ts'
import type { Certificate } from '../survey.ts'

/** The certificates of those the gateway calls. @param urls by whose they are; those without TLS are left out */
export async function servedCertificates(
  urls: Readonly<Record<string, string>>,
): Promise<readonly Certificate[]> {
  const found = await Promise.all(
    Object.entries(urls)
      .filter(([, url]) => url.startsWith('https:'))
      .map(([of, url]) => servedBy(of, new URL(url))),
  )
  return found.filter((certificate) => certificate !== null)
}

/** Read whether or not it is trusted: its end is what is asked. */
function servedBy(of: string, { hostname, port }: URL): Promise<Certificate | null> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connect({
      host,
      port: Number(port || 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: false,
      timeout: 3000,
    })
    const end = (certificate: Certificate | null) => {
      socket.destroy()
      resolve(certificate)
    }
    socket.once('secureConnect', () =>
      end({
        of: `the certificate of ${of}`,
        where: `${hostname}:${port || 443}`,
        validTo: Date.parse(socket.getPeerCertificate().valid_to),
      }),
    )
    socket.once('error', () => end(null)).once('timeout', () => end(null))
  })
}

/** The certificates in files that the configuration names. */
export function filedCertificates({ cinderguard, keystone_authtoken, nova }: Config): readonly Certificate[] {
  const own: readonly (readonly [string, string | undefined])[] = [
    ["the gateway's own certificate", cinderguard.tls_cert_file],
    ['the certificate shown to Cinder', cinderguard.upstream_certfile],
  ]
  const authorities: readonly (readonly [string, string | undefined])[] = [
    ["the authority of clients' certificates", cinderguard.tls_client_ca_file],
    ["the authority of Cinder's certificate", cinderguard.upstream_cafile],
    ["the authority of Keystone's certificate", keystone_authtoken.cafile],
    ["the authority of Nova's certificate", nova.cafile],
  ]
  return [
    // A chain ends with its first; a collection of authorities is of use as long as one of them is.
    ...own.flatMap(([of, file]) => inFile(of, file, Math.min)),
    ...authorities.flatMap(([of, file]) => inFile(of, file, Math.max)),
  ]
}

function inFile(
  of: string,
  file: string | undefined,
  which: (...ends: number[]) => number,
): readonly Certificate[] {
  if (file === undefined) return []
  try {
    const pems = readFileSync(file, 'utf8').match(
      /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
    )
    if (pems === null) return [{ of, where: file, validTo: { problem: 'the file holds no PEM certificate' } }]
    const ends = pems.map((pem) => Date.parse(new X509Certificate(pem).validTo))
    return [{ of, where: file, validTo: which(...ends) }]
  } catch (error) {
    return [{ of, where: file, validTo: { problem: codeOf(error) } }]
  }
}

/** The organisation's policy bundle, as it was last fetched. */
export async function bundleExpiry({ policy }: Config): Promise<readonly Certificate[]> {
  if (policy.bundle_url === undefined) return []
  const about = { of: 'the policy bundle', where: policy.bundle_cache }
  try {
    const keys = await readJwsKeys(policy.bundle_public_keys)
    const { expiresAt } = await openBundle(readFileSync(policy.bundle_cache, 'utf8'), keys)
    return [{ ...about, validTo: expiresAt * 1000 }]
  } catch (error) {
    return [{ ...about, validTo: { problem: codeOf(error) } }]
  }
}

function codeOf(error: unknown): string {
  return problemOf(error, 'cannot be read')
}

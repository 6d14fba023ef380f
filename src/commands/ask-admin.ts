import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { PeerCertificate } from 'node:tls'
import type { Address } from '../config/option.ts'
import type { Config } from '../config/options.ts'

/** Where a gateway's admin listener is, and its certificate if it has one. */
export type AdminAddress = Pick<Config['cinderguard'], 'admin_bind' | 'admin_tls_cert_file'>

/** A gateway's admin listener cannot be asked, or says no; the message is a sentence for the operator. */
export class AdminError extends Error {
  /** Of its answer; null when none came. */
  readonly status: number | null

  constructor(message: string, status: number | null) {
    super(message)
    this.name = 'AdminError'
    this.status = status
  }
}

/** Reads JSON from a running gateway's admin listener. @throws AdminError */
export async function askAdmin(
  { admin_bind: address, admin_tls_cert_file: certificate }: AdminAddress,
  path: string,
  token: string | undefined,
): Promise<unknown> {
  const asked = get(address, path, token, certificate)
  const { status, text } = await asked.catch((error: NodeJS.ErrnoException) => {
    const why = error.code ?? error.message
    throw new AdminError(`no gateway answers on admin_bind ${nameOf(address)} (${why})`, null)
  })
  const answer = parse(text)
  if (status === 200) return answer
  const reason =
    typeof answer === 'object' && answer !== null && 'error' in answer
      ? String(answer.error)
      : `status ${status}`
  throw new AdminError(`the gateway on ${nameOf(address)} answers: ${reason}`, status)
}

/** It is the first certificate of the file that is expected, whatever name it bears and whoever signed it. */
function pinned(pem: Buffer) {
  const { fingerprint256 } = new X509Certificate(pem)
  return {
    ca: pem,
    allowPartialTrustChain: true,
    checkServerIdentity: (_host: string, shown: PeerCertificate) =>
      shown.fingerprint256 === fingerprint256
        ? undefined
        : new Error('another certificate than that of the gateway'),
  }
}

async function get(
  address: Address,
  path: string,
  token: string | undefined,
  certificate: string | undefined,
): Promise<{ status: number; text: string }> {
  const tls = certificate === undefined ? {} : pinned(readFileSync(certificate))
  const request = certificate === undefined ? http.request : https.request
  const where =
    address.kind === 'unix'
      ? { socketPath: address.path, host: 'localhost' }
      : { host: unspecified(address.host), port: address.port }
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { 'x-auth-token': token }
    const asked = request({ ...where, ...tls, path, headers, timeout: 10_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
    asked.on('error', reject)
    asked.end()
  })
}

/** A gateway bound to every address is reached on this machine's own. */
function unspecified(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function nameOf(address: Address): string {
  return address.kind === 'unix' ? `unix:${address.path}` : `${address.host}:${address.port}`
}

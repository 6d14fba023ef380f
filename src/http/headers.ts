import { type Rejection, reject } from './rejection.ts'

/** Lower-case name to value; repeated fields that may repeat are joined by `, `. */
export type HeaderMap = ReadonlyMap<string, string>

/** Headers that decide something: exactly one of each, or a refusal. */
const SINGLE: ReadonlySet<string> = new Set([
  'x-auth-token',
  'x-service-token',
  'x-storage-token',
  'content-type',
  'content-length',
  'transfer-encoding',
  'openstack-api-version',
  'host',
  'x-openstack-request-id',
  'accept',
  'expect',
])

/** A name or address with a port, or nothing; what else servers make of a Host header differs. */
const HOST = /^(?:[\w.-]*|\[[0-9a-fA-F:.]+\])(?::[0-9]*)?$/

/** Meant for the next hop only (RFC 9110, 7.6.1), or for a forwarder that frames anew. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
  'content-length',
])

/** What only keystonemiddleware may set, plus what changes the mount that access rules are matched on. */
const IDENTITY: ReadonlySet<string> = new Set([
  'x-service-catalog',
  'x-identity-status',
  'x-service-identity-status',
  'x-is-admin-project',
  'x-role',
  'x-user',
  'x-tenant-id',
  'x-tenant-name',
  'x-tenant',
  'openstack-system-scope',
  'x-forwarded-prefix',
  'x-roles',
  'x-service-roles',
  ...['x-', 'x-service-'].flatMap((prefix) =>
    [
      'domain-id',
      'domain-name',
      'project-id',
      'project-name',
      'project-domain-id',
      'project-domain-name',
      'user-id',
      'user-name',
      'user-domain-id',
      'user-domain-name',
    ].map((name) => prefix + name),
  ),
])

/**
 * The headers that may be judged and forwarded, or a refusal where they can be read in two ways.
 * Names with `_` are dropped: WSGI servers fold `X_Auth_Token` and `X-Auth-Token` into one variable.
 *
 * @param limit header fields, above which the answer is 431. Node itself must be told not to cut the list.
 */
export function readHeaders(
  rawHeaders: readonly string[],
  httpVersion: string,
  limit: number,
): HeaderMap | Rejection {
  if (rawHeaders.length / 2 > limit) return reject('headers_too_large', { limit: String(limit) })
  const all = new Map<string, string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = rawHeaders[index + 1] ?? ''
    if (name.includes('_')) continue
    const before = all.get(name)
    if (SINGLE.has(name)) {
      if (before !== undefined) return refuse(`repeated ${name}`)
      if (!/^[\x20-\x7e\t]*$/.test(value)) return refuse(`odd bytes in ${name}`)
    }
    all.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  const problem = framingProblem(all, httpVersion)
  if (problem !== null) return refuse(problem)
  const host = all.get('host')
  if (host !== undefined && !HOST.test(host)) return refuse('a Host that is no name or address')
  const expected = all.get('expect')
  if (expected !== undefined && expected.toLowerCase() !== '100-continue')
    return reject('unknown_expectation')
  const dropped = connectionNames(all)
  for (const name of dropped) if (SINGLE.has(name)) return refuse(`Connection names ${name}`)
  for (const name of all.keys()) if (HOP_BY_HOP.has(name) || IDENTITY.has(name)) all.delete(name)
  for (const name of dropped) all.delete(name)
  return all
}

/** The last field of a name, without Node's reading of all of them, which costs more than the rest of a request. */
export function rawHeader(rawHeaders: readonly string[], name: string): string | undefined {
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    const each = rawHeaders[index] ?? ''
    if (each.length === name.length && each.toLowerCase() === name) return rawHeaders[index + 1]
  }
  return undefined
}

function framingProblem(all: HeaderMap, httpVersion: string): string | null {
  const encoding = all.get('transfer-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked')
    return 'a Transfer-Encoding other than chunked'
  if (encoding !== undefined && httpVersion === '1.0') return 'Transfer-Encoding in HTTP/1.0'
  const length = all.get('content-length')
  if (encoding !== undefined && length !== undefined) return 'both Content-Length and Transfer-Encoding'
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) return 'an odd Content-Length'
  return null
}

function connectionNames(all: HeaderMap): readonly string[] {
  const connection = all.get('connection')
  if (connection === undefined) return []
  const names = connection.split(',').map((name) => name.trim().toLowerCase())
  return names.filter(
    (name) => name !== '' && name !== 'close' && name !== 'keep-alive' && name !== 'upgrade',
  )
}

function refuse(problem: string): Rejection {
  return reject('bad_request_framing', { problem })
}

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Networks } from '../config/networks.ts'
import { Secret } from '../config/secret.ts'
import { readTarget, type Target } from '../operation/target.ts'
import { readBody } from './body.ts'
import { clientAddressOf } from './forwarded.ts'
import { type HeaderMap, rawHeader, readHeaders } from './headers.ts'
import { isRejection, type Rejection, reject } from './rejection.ts'

interface AnyRequest {
  readonly method: string
  /** As received; the string that is forwarded. */
  readonly target: string
  readonly path: Target
  /** End-to-end headers that may go upstream, lower-case names; identity headers are gone. */
  readonly headers: HeaderMap
  readonly userToken?: Secret | undefined
  readonly serviceToken?: Secret | undefined
  /** `req-<uuid>`: the caller's own `X-OpenStack-Request-ID` when it has that form, else a new one. */
  readonly requestId: string
  /** Of the client itself, as far as `[cinderguard] trusted_proxies` say; empty on a unix socket. */
  readonly clientAddress: string
}

/** No other can be classified or forwarded. */
export interface CompleteRequest extends AnyRequest {
  /** Read whole. */
  readonly body: Buffer
}
/** An undeclared body went over the limit. */
export interface TruncatedRequest extends AnyRequest {
  readonly body: 'too-large'
}
/**
 * A request with one meaning: what is judged is this value, and what is forwarded is made from it.
 * After {@link readRequest} nobody touches the raw request again.
 */
export type GuardedRequest = CompleteRequest | TruncatedRequest

/** What is known of a request even when it is refused at once. */
export interface Envelope {
  readonly requestId: string
  readonly method: string
  readonly accept: string
}

export interface RequestLimits {
  /** Bytes; `[oslo_middleware] max_request_body_size`. */
  readonly maxBody: number
  /** Header fields. */
  readonly maxHeaders: number
  /** Public mount prefix, such as `/volume`. */
  readonly prefix: string
  /** Seconds for a body to come in; 60 unless given. */
  readonly bodyTime?: number
  /** `[cinderguard] trusted_proxies`. */
  readonly proxies: Networks
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const REQUEST_ID = /^req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function envelopeOf(raw: IncomingMessage): Envelope {
  const { rawHeaders } = raw
  const offered = rawHeader(rawHeaders, 'x-openstack-request-id') ?? ''
  const requestId = REQUEST_ID.test(offered) ? offered : `req-${randomUUID()}`
  return { requestId, method: raw.method ?? '', accept: rawHeader(rawHeaders, 'accept') ?? '' }
}

/**
 * Reads a request whole and refuses what has more than one meaning.
 * @throws when the client goes away while its body is read.
 */
export async function readRequest(
  raw: IncomingMessage,
  envelope: Envelope,
  limits: RequestLimits,
): Promise<GuardedRequest | Rejection> {
  if (raw.httpVersion !== '1.1' && raw.httpVersion !== '1.0') {
    return reject('bad_request_framing', { problem: 'the HTTP version is neither 1.0 nor 1.1' })
  }
  const method = raw.method ?? ''
  if (!METHODS.includes(method))
    return reject('bad_request_framing', { problem: 'a method that Cinder does not have' })
  const path = readTarget(raw.url ?? '', limits.prefix)
  if (isRejection(path)) return path
  const headers = readHeaders(raw.rawHeaders, raw.httpVersion, limits.maxHeaders)
  if (isRejection(headers)) return headers
  // RFC 9112, 3.2.
  if (raw.httpVersion === '1.1' && !headers.has('host'))
    return reject('bad_request_framing', { problem: 'no Host' })
  const body = await readBody(raw, limits.maxBody, limits.bodyTime)
  if (body !== 'too-large' && isRejection(body)) return body
  const user =
    headers.get('x-auth-token') ?? (headers.has('x-auth-token') ? '' : headers.get('x-storage-token'))
  const service = headers.get('x-service-token')
  return {
    method,
    target: raw.url ?? '',
    path,
    headers,
    body,
    userToken: userTokenOf(raw.socket, user),
    serviceToken: hasText(service) ? new Secret(service.trim()) : undefined,
    requestId: envelope.requestId,
    clientAddress: clientAddressOf(raw.socket.remoteAddress ?? '', raw.rawHeaders, limits.proxies),
  }
}

const LAST = Symbol('user token that was sent last')

/** The same object as long as a connection sends the same token, which then is not digested anew. */
function userTokenOf(socket: Socket & { [LAST]?: Secret }, sent: string | undefined): Secret | undefined {
  if (!hasText(sent)) return undefined
  const text = sent.trim()
  const last = socket[LAST]
  if (last?.reveal() === text) return last
  const token = new Secret(text)
  socket[LAST] = token
  return token
}

function hasText(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== ''
}

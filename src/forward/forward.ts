import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Approved, Heard } from '../gateway.ts'
import { type Rejection, reject } from '../http/rejection.ts'
import type { StartCall } from '../trace/tracing.ts'
import type { Engine, Outgoing, Upstream } from './exchange.ts'
import { httpProxyEngine } from './http-proxy-3.ts'
import { undiciEngine } from './undici.ts'

/** `[cinderguard] forwarder`. */
export type EngineName = keyof typeof ENGINES
const ENGINES = { 'http-proxy-3': httpProxyEngine, undici: undiciEngine } as const satisfies Record<
  string,
  (upstream: Upstream) => Engine
>

const UNREACHABLE = reject('upstream_unreachable')
const GONE = reject('client_gone')

/** One object, so that whoever stands between hands all of it on. */
export interface Forwarding {
  readonly approved: Approved
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  readonly heard: Heard
  /** See {@link Outgoing}. */
  readonly answered: (() => void) | undefined
}

/** Resolves when the answer was sent, or to a rejection when nothing was. */
export type Forward = (forwarding: Forwarding) => Promise<Rejection | null>

/**
 * Sends what was approved, once; a read whose kept connection was just being closed is sent again.
 * @param trace begins the span of a forwarded request, where they are traced.
 */
export function createForwarder(
  name: EngineName,
  upstream: Upstream,
  trace?: StartCall,
): { forward: Forward; close: () => void } {
  const plain = ENGINES[name](upstream)
  const engine = trace === undefined ? plain : traced(plain, upstream, trace)
  const limit = upstream.timeout * 1000
  const forward: Forward = (forwarding) => {
    const { raw, response, heard, answered } = forwarding
    // Its 'close' has been: nobody would say that the answer is over.
    if (response.destroyed) {
      answered?.()
      return Promise.resolve(GONE)
    }
    heard.isSent = true
    const outgoing = outgoingOf(forwarding)
    const started = performance.now()
    return engine.carry(outgoing, raw, response).then((first) => {
      if (first !== 'stale') return first
      if (response.destroyed) return GONE
      if (!outgoing.isRead || performance.now() - started > limit) return UNREACHABLE
      return engine.carry(outgoing, raw, response).then((last) => (last === 'stale' ? UNREACHABLE : last))
    })
  }
  return { forward, close: engine.close }
}

/** The same engine, whose every attempt is a span. */
function traced({ carry, close }: Engine, { url }: Upstream, trace: StartCall): Engine {
  return {
    close,
    async carry(outgoing, raw, response) {
      const { method, target, headers } = outgoing
      const span = trace({ service: 'cinder', method, url: url.origin + target, headers })
      const result = await carry({ ...outgoing, headers: span.headers }, raw, response)
      if (result === null) span.end(response.statusCode)
      else span.end(null, result === 'stale' ? result : result.reason)
      return result
    },
  }
}

function outgoingOf({ approved: { request }, heard, answered }: Forwarding): Outgoing {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const { body } = request
  const headers: Record<string, string> = {}
  for (const [name, value] of request.headers) headers[name] = value
  headers['x-openstack-request-id'] = request.requestId
  if (body.length > 0 || !isRead) headers['content-length'] = String(body.length)
  return { method: request.method, target: request.target, headers, body, isRead, heard, answered }
}

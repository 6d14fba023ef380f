import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { ProxyServer } from 'http-proxy-3'
import type { Approved } from '../gateway.ts'
import { type Rejection, reject } from '../http/rejection.ts'

export interface ForwardOptions {
  /** Base URL of the upstream Cinder; its path, if any, is not used. */
  readonly upstream: URL
  /** Seconds without a byte from the upstream. */
  readonly timeout: number
  readonly ca?: string | undefined
  readonly insecure: boolean
}

export type Forward = (
  approved: Approved,
  raw: IncomingMessage,
  response: ServerResponse,
) => Promise<Rejection | null>

/** Never passed from the upstream's answer to the client: they concern our connection to it. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'te',
]

/**
 * Forwards by http-proxy-3, which is only ever handed what has one meaning: the judged target as it is
 * (`toProxy`), the judged headers and no others, and the body from memory under its true length. That closes off
 * its rewriting of paths, of chunked DELETEs, and of what a Connection header names; see docs/forwarding.md.
 */
export function createForwarder(options: ForwardOptions): { forward: Forward; close: () => void } {
  const secure = options.upstream.protocol === 'https:'
  const agentOptions = { keepAlive: true, maxSockets: 512, maxFreeSockets: 64, scheduling: 'lifo' } as const
  const tls = {
    rejectUnauthorized: !options.insecure,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  }
  const agent = secure ? new https.Agent({ ...agentOptions, ...tls }) : new http.Agent(agentOptions)
  // A write is never sent over a connection that the upstream may just be closing: it could not be repeated.
  const fresh = secure ? new https.Agent({ keepAlive: false, ...tls }) : new http.Agent({ keepAlive: false })
  // http-proxy-3 reads it with every request: its other way of forwarding follows redirects and breaks answers.
  delete process.env.FORCE_FETCH_PATH
  const proxy = new ProxyServer<typeof IncomingMessage, typeof ServerResponse>({
    target: options.upstream.origin,
    toProxy: true,
    prependPath: false,
    xfwd: false,
    proxyTimeout: options.timeout * 1000,
    secure: !options.insecure,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  })

  proxy.on('proxyReq', (outgoing, request) => {
    // Its way of joining paths drops the mark of an empty query.
    if (request.url !== undefined) outgoing.path = request.url
    // Nobody asks for a switch of protocols; unheard, one would end in no answer at all.
    outgoing.once('upgrade', (_answer, socket) => {
      socket.destroy()
      outgoing.emit('error', new Error('the upstream switched protocols'))
    })
  })
  proxy.on('proxyRes', (answer, _request, response) => {
    // What Node reads and will not write would otherwise be thrown where nobody catches it.
    if ((answer.statusCode ?? 0) < 200) answer.statusCode = 502
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(answer.statusMessage ?? '')) answer.statusMessage = ''
    for (const name of HOP_BY_HOP) delete answer.headers[name]
    answer.headers.connection = response.shouldKeepAlive ? 'keep-alive' : 'close'
    // An upstream that dies within its answer must not leave the client waiting for the rest.
    answer.once('aborted', () => response.destroy())
    answer.once('error', () => response.destroy())
  })

  const forward: Forward = async ({ request }, raw, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const body = request.body === 'too-large' ? Buffer.alloc(0) : request.body
    const started = performance.now()
    const isLate = (): boolean => performance.now() - started > options.timeout * 1000 - 20
    const attempt = (): Promise<Rejection | 'stale' | null> =>
      once(proxy, outgoing(raw, request, body), response, {
        agent: isRead ? agent : fresh,
        buffer: Readable.from(body.length === 0 ? [] : [body]),
      })
    const first = await attempt()
    const last = first === 'stale' && isRead && !isLate() ? await attempt() : first
    if (last !== 'stale') return last
    // At its time limit http-proxy-3 breaks off, which looks like a reset.
    return reject(isLate() ? 'upstream_timeout' : 'upstream_unreachable')
  }
  return {
    forward,
    close() {
      agent.destroy()
      fresh.destroy()
    },
  }
}

/** The request as http-proxy-3 reads it, made of what was judged. It stands on the raw one for its socket only. */
function outgoing(raw: IncomingMessage, request: Approved['request'], body: Buffer): IncomingMessage {
  const headers: Record<string, string> = Object.fromEntries(request.headers)
  headers['x-openstack-request-id'] = request.requestId
  // `deleteLength` in http-proxy-3 looks at this one; a length is always there.
  if (body.length > 0 || (request.method !== 'GET' && request.method !== 'HEAD')) {
    headers['content-length'] = String(body.length)
  }
  return Object.create(raw, {
    method: { value: request.method },
    url: { value: request.target, writable: true },
    headers: { value: headers },
  }) as IncomingMessage
}

/** One attempt. `stale`: the connection was reset before anything came back, so a read may be repeated. */
function once(
  proxy: ProxyServer<typeof IncomingMessage, typeof ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
  options: { agent: http.Agent; buffer: Readable },
): Promise<Rejection | 'stale' | null> {
  // Its 'close' has been: nobody would say that the answer is over.
  if (response.destroyed) return Promise.resolve(reject('client_gone'))
  return new Promise((resolve) => {
    const done = (): void => resolve(response.headersSent ? null : reject('client_gone'))
    response.once('close', done)
    proxy.web(request, response, options, (error) => {
      response.removeListener('close', done)
      if (response.headersSent) {
        response.destroy()
        resolve(null)
      } else resolve(meaningOf(error))
    })
  })
}

function meaningOf(error: Error): Rejection | 'stale' {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'stale'
  return reject(code === 'ETIMEDOUT' ? 'upstream_timeout' : 'upstream_unreachable')
}

import http, { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { ProxyServer } from 'http-proxy-3'
import type { Heard } from '../gateway.ts'
import { type Rejection, reject } from '../http/rejection.ts'
import { BodyWriter, lengthIn, writeHead } from './answer.ts'
import type { Engine, Outgoing, Upstream } from './exchange.ts'

type Proxy = ProxyServer<typeof IncomingMessage, typeof ServerResponse>

/**
 * Forwards by http-proxy-3, which is only ever handed what has one meaning: the judged target as it is
 * (`toProxy`), the judged headers and no others, and the body from memory under its true length. That closes off
 * its rewriting of paths, of chunked DELETEs, and of what a Connection header names; see docs/forwarding.md.
 */
export function httpProxyEngine(upstream: Upstream): Engine {
  const { url, socket, timeout, insecure, ca, cert, key } = upstream
  const secure = url.protocol === 'https:'
  const keepAlive = { keepAlive: true, maxSockets: 512, maxFreeSockets: 64, scheduling: 'lifo' } as const
  const tls = {
    rejectUnauthorized: !insecure,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
  const agent = secure ? new https.Agent({ ...keepAlive, ...tls }) : new http.Agent(keepAlive)
  // A write is never sent over a connection that the upstream may just be closing: it could not be repeated.
  const fresh = secure ? new https.Agent({ keepAlive: false, ...tls }) : new http.Agent({ keepAlive: false })
  // http-proxy-3 reads it with every request: its other way of forwarding follows redirects and breaks answers.
  delete process.env.FORCE_FETCH_PATH
  const proxy: Proxy = new ProxyServer({
    // A URL would be taken apart anew with each request.
    target: {
      protocol: url.protocol,
      host: url.host,
      hostname: url.hostname,
      port: url.port === '' ? (secure ? '443' : '80') : url.port,
      href: url.origin,
      ...(socket === undefined ? {} : { socketPath: socket }),
    } as unknown as URL,
    toProxy: true,
    prependPath: false,
    xfwd: false,
    selfHandleResponse: true,
    proxyTimeout: timeout * 1000,
    secure: !insecure,
    ...(ca === undefined ? {} : { ca }),
  })
  proxy.on('proxyRes', (answer, _request, response) => {
    Object.assign(response, { [ANSWER]: answer })
    relay(answer, response, (response as Answered)[HEARD] ?? {})
  })

  return {
    carry(outgoing, raw, response) {
      // Its 'close' has been: nobody would say that the answer is over.
      if (response.destroyed) return Promise.resolve(reject('client_gone'))
      raw.method = outgoing.method
      raw.url = outgoing.target
      raw.headers = outgoing.headers
      return new Promise((resolve) => {
        const done = (): void => resolve(response.headersSent ? null : reject('client_gone'))
        response.once('close', done)
        Object.assign(response, { [HEARD]: outgoing.heard })
        const options = { agent: outgoing.isRead ? agent : fresh, buffer: bodyOf(outgoing) }
        proxy.web(raw, response, options, (error) => {
          // What the upstream does after the end of its answer is nobody's business.
          if ((response as Answered)[ANSWER]?.complete === true) return
          response.removeListener('close', done)
          if (response.headersSent) {
            response.destroy()
            resolve(null)
          } else resolve(meaningOf(error))
        })
      })
    },
    close() {
      agent.destroy()
      fresh.destroy()
    },
  }
}

/** Kept on the response itself: a WeakMap would let each exchange live on until the next full garbage collection. */
const ANSWER = Symbol('answer')
const HEARD = Symbol('heard')
type Answered = ServerResponse & { readonly [ANSWER]?: IncomingMessage; readonly [HEARD]?: Heard }

/** All that http-proxy-3 does with a body is to pipe it into the request, which is not yet on its way then. */
function bodyOf({ body, target }: Outgoing): Readable {
  const pipe = (request: ClientRequest): void => {
    // Its way of joining paths drops the mark of an empty query.
    request.path = target
    // Nobody asks for a switch of protocols; unheard, one would end in no answer at all.
    request.once('upgrade', (_answer, socket) => {
      socket.destroy()
      request.emit('error', new Error('the upstream switched protocols'))
    })
    if (body.length === 0) request.end()
    else request.end(body)
  }
  return { pipe } as unknown as Readable
}

function relay(answer: IncomingMessage, response: ServerResponse, heard: Heard): void {
  // An upstream that dies within its answer must not leave the client waiting for the rest.
  answer.once('error', () => {
    if (!answer.complete) response.destroy()
  })
  const { statusCode = 0, statusMessage = '', rawHeaders } = answer
  writeHead(heard, response, statusCode, statusMessage, rawHeaders)
  const body = new BodyWriter(response, lengthIn(rawHeaders))
  answer.on('data', (chunk: Buffer) => {
    if (body.write(chunk)) return
    answer.pause()
    response.once('drain', () => answer.resume())
  })
  answer.once('end', () => body.end())
}

function meaningOf(error: Error): Rejection | 'stale' {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'stale'
  return reject(code === 'ETIMEDOUT' ? 'upstream_timeout' : 'upstream_unreachable')
}

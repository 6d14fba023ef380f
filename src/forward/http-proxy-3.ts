import { type ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { ProxyServer } from 'http-proxy-3'
import { type ClientTls, NO_TLS, Renewed } from '../client-tls.ts'
import { rawHeader } from '../http/headers.ts'
import { type Rejection, reject } from '../http/rejection.ts'
import { BodyWriter, lengthIn, writeHead } from './answer.ts'
import { type Engine, type Outgoing, serverNameOf, type Upstream } from './exchange.ts'
import { announced, keptAgent } from './kept-agent.ts'

type Proxy = ProxyServer<typeof IncomingMessage, typeof ServerResponse>

/**
 * Forwards by http-proxy-3, which is only ever handed what has one meaning: the judged target as it is
 * (`toProxy`), the judged headers and no others, and the body from memory under its true length. That closes off
 * its rewriting of paths, of chunked DELETEs, and of what a Connection header names; see docs/forwarding.md.
 */
export function httpProxyEngine(upstream: Upstream): Engine {
  const { url, socket, insecure } = upstream
  const secure = url.protocol === 'https:'
  const timeout = upstream.timeout * 1000
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const address = { host, port, ...(socket === undefined ? {} : { socketPath: socket }) }
  const agents = (tls: ClientTls) => {
    const shown = { ...tls, servername: serverNameOf(url), rejectUnauthorized: !insecure }
    const options = secure ? { timeout, tls: shown } : { timeout }
    return {
      kept: keptAgent(address, { ...options, keepAlive: true }),
      // A write is never sent over a connection that the upstream may just be closing: it could not be repeated.
      fresh: keptAgent(address, { ...options, keepAlive: false }),
    }
  }
  const connections = new Renewed(upstream.tls ?? NO_TLS, agents, ({ kept, fresh }) => {
    kept.retire()
    fresh.retire()
  })
  // http-proxy-3 reads it with every request: its other way of forwarding follows redirects and breaks answers.
  delete process.env.FORCE_FETCH_PATH
  const proxy: Proxy = new ProxyServer({
    // A URL would be taken apart anew with each request. How it is reached, the agents know.
    target: {
      protocol: url.protocol,
      host: url.host,
      hostname: url.hostname,
      port: String(port),
      href: url.origin,
    } as unknown as URL,
    toProxy: true,
    prependPath: false,
    xfwd: false,
    selfHandleResponse: true,
  })
  proxy.on('proxyRes', (answer, _request, response) => {
    const exchange = response as Exchange
    exchange[ANSWER] = answer
    relay(answer, exchange[CLIENT] ?? response, exchange[OUTGOING])
  })

  return {
    carry(outgoing, raw, response) {
      const { answered } = outgoing
      // It breaks off with its client. Where the upstream's work is waited for, it is given one that never leaves.
      const asked = answered === undefined ? raw : new IncomingMessage(new Socket())
      const given: Exchange = answered === undefined ? response : new ServerResponse(asked)
      if (given !== response) given[CLIENT] = response
      given[OUTGOING] = outgoing
      asked.method = outgoing.method
      asked.url = outgoing.target
      asked.headers = outgoing.headers
      return new Promise((resolve) => {
        const done = (): void => resolve(response.headersSent ? null : reject('client_gone'))
        response.on('close', done)
        const { kept, fresh } = connections.current()
        const options = { agent: outgoing.isRead ? kept : fresh, buffer: bodyOf(outgoing) }
        proxy.web(asked, given, options, (error) => {
          // What the upstream does after the end of its answer is nobody's business.
          if (given[ANSWER]?.complete === true) return
          answered?.()
          response.removeListener('close', done)
          if (response.headersSent) {
            response.destroy()
            resolve(null)
          } else resolve(meaningOf(error))
        })
      })
    },
    close() {
      const { kept, fresh } = connections.current()
      kept.destroy()
      fresh.destroy()
    },
  }
}

/** Kept on the response itself: a WeakMap would let each exchange live on until the next full garbage collection. */
const ANSWER = Symbol('answer')
const CLIENT = Symbol('client')
const OUTGOING = Symbol('outgoing')
type Exchange = ServerResponse & {
  [ANSWER]?: IncomingMessage
  /** Where the answer goes, if not to this response. */
  [CLIENT]?: ServerResponse
  [OUTGOING]?: Outgoing
}

/** All that http-proxy-3 does with a body is to pipe it into the request, which is not yet on its way then. */
function bodyOf({ body, target }: Outgoing): Readable {
  const pipe = (request: ClientRequest): void => {
    // Its way of joining paths drops the mark of an empty query.
    request.path = target
    // Nobody asks for a switch of protocols; unheard, one would end in no answer at all.
    request.on('upgrade', (_answer, socket) => {
      socket.destroy()
      request.emit('error', new Error('the upstream switched protocols'))
    })
    if (body.length === 0) request.end()
    else request.end(body)
  }
  return { pipe } as unknown as Readable
}

function relay(answer: IncomingMessage, response: ServerResponse, outgoing?: Outgoing): void {
  const answered = outgoing?.answered
  if (answered !== undefined) answer.on('close', answered)
  // An upstream that dies within its answer must not leave the client waiting for the rest.
  answer.on('error', () => {
    if (!answer.complete) response.destroy()
  })
  if (response.destroyed) {
    answer.resume()
    return
  }
  const { statusCode = 0, statusMessage = '', rawHeaders } = answer
  const keepAlive = rawHeader(rawHeaders, 'keep-alive')
  if (keepAlive !== undefined) announced(answer, keepAlive)
  writeHead(outgoing?.heard ?? {}, response, statusCode, statusMessage, rawHeaders)
  const body = new BodyWriter(response, lengthIn(rawHeaders))
  answer.on('data', (chunk: Buffer) => {
    if (response.destroyed || body.write(chunk) || answered !== undefined) return
    answer.pause()
    response.once('drain', () => answer.resume())
  })
  answer.on('end', () => body.end())
}

function meaningOf(error: Error): Rejection | 'stale' {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'stale'
  return reject(code === 'ETIMEDOUT' ? 'upstream_timeout' : 'upstream_unreachable')
}

import type { ServerResponse } from 'node:http'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { type ClientTls, NO_TLS, Renewed } from '../client-tls.ts'
import type { Heard } from '../gateway.ts'
import { type Rejection, reject } from '../http/rejection.ts'
import { BodyWriter, lengthIn, writeHead } from './answer.ts'
import { type Engine, type Outgoing, serverNameOf, type Upstream } from './exchange.ts'

/** Forwards by undici's dispatcher: the judged bytes in one write, the answer's bytes as they come. */
export function undiciEngine(upstream: Upstream): Engine {
  const { url, socket, timeout, insecure } = upstream
  const servername = serverNameOf(url)
  const pools = (tls: ClientTls) => {
    const connector = buildConnector({
      timeout: timeout * 1000,
      allowH2: false,
      rejectUnauthorized: !insecure,
      ...(socket === undefined ? {} : { socketPath: socket }),
      ...tls,
    })
    const options: Pool.Options = {
      connections: 512,
      headersTimeout: timeout * 1000,
      bodyTimeout: timeout * 1000,
      connect: (asked, callback) => connector({ ...asked, servername }, callback),
    }
    return {
      kept: new Pool(url.origin, { ...options, pipelining: 1 }),
      // A write is never sent over a connection that the upstream may just be closing: it could not be repeated.
      fresh: new Pool(url.origin, { ...options, pipelining: 0 }),
    }
  }
  const connections = new Renewed(upstream.tls ?? NO_TLS, pools, ({ kept, fresh }) => {
    void kept.close()
    void fresh.close()
  })
  return {
    carry: ({ method, target, headers, body, isRead, heard, answered }, _raw, response) =>
      new Promise((resolve) => {
        // Without it a connection would be dropped whenever a client asks for another Host.
        const request: Dispatcher.DispatchOptions & { servername: string } = {
          servername: url.hostname,
          path: target,
          method: method as Dispatcher.HttpMethod,
          headers,
          body: body.length === 0 ? null : body,
        }
        const { kept, fresh } = connections.current()
        const pool = isRead ? kept : fresh
        pool.dispatch(request, answerTo(response, heard, answered, resolve))
      }),
    close() {
      const { kept, fresh } = connections.current()
      void kept.destroy()
      void fresh.destroy()
    },
  }
}

function answerTo(
  response: ServerResponse,
  heard: Heard,
  answered: Outgoing['answered'],
  resolve: (result: Rejection | 'stale' | null) => void,
): Dispatcher.DispatchHandler {
  let body: BodyWriter | null = null
  let control: Dispatcher.DispatchController | null = null
  const done = (): void => {
    if (!response.writableFinished && answered === undefined)
      control?.abort(new Error('the client went away'))
    resolve(response.headersSent ? null : reject('client_gone'))
  }
  response.on('close', done)
  return {
    onRequestStart(controller) {
      control = controller
      if (response.destroyed) controller.abort(new Error('the client went away'))
    },
    onRequestUpgrade() {
      throw new Error('the upstream switched protocols')
    },
    onResponseStart(controller, status, _headers, message) {
      // Word that the answer is on its way; it still comes.
      if (status < 200) return
      if (response.destroyed) return
      const rawHeaders = textsOf(controller.rawHeaders)
      writeHead(heard, response, status, message ?? '', rawHeaders)
      body = new BodyWriter(response, lengthIn(rawHeaders))
    },
    onResponseData(controller, chunk) {
      if (response.destroyed || body?.write(chunk) !== false || answered !== undefined) return
      controller.pause()
      response.once('drain', () => controller.resume())
    },
    onResponseEnd() {
      answered?.()
      body?.end()
    },
    onResponseError(_controller, error) {
      answered?.()
      response.removeListener('close', done)
      if (response.headersSent) {
        response.destroy()
        resolve(null)
      } else resolve(meaningOf(error))
    },
  }
}

function textsOf(raw: unknown): readonly string[] {
  if (!Array.isArray(raw)) return []
  return raw.map((each) => (Buffer.isBuffer(each) ? each.toString('latin1') : String(each)))
}

const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])
const LATE: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])

function meaningOf(error: Error): Rejection | 'stale' {
  const code = 'code' in error ? String(error.code) : ''
  if (STALE.has(code)) return 'stale'
  return reject(LATE.has(code) ? 'upstream_timeout' : 'upstream_unreachable')
}

import cluster from 'node:cluster'
import { existsSync, statSync, unlinkSync } from 'node:fs'
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Address } from './config/option.ts'
import { rawHeader } from './http/headers.ts'
import { expiryOf, type ListenerTls, readTls, type TlsEvents, type TlsFiles, watchTls } from './tls.ts'
import { LOOKS, type Tracked, UnderWay } from './under-way.ts'

export interface ListenOptions {
  /** Without it the listener speaks plain HTTP. Replaced files count without a restart. */
  readonly tls?: ({ readonly files: TlsFiles } & TlsEvents) | undefined
  /** Classes of requests and answers, as for `http.createServer`. */
  readonly messages?: Messages | undefined
  /** Seconds after which a client that reads nothing of its answer is cut off. */
  readonly unread?: number
  /** Bytes that are no HTTP request were refused before anything else could see them. */
  readonly onBroken?: (status: Broken) => void
}

/** Requests of one connection that may wait for the one before them; clients of OpenStack send none. */
const PIPELINED = 16

/** How what was never read as a request is answered. */
export type Broken = 400 | 408 | 431

export interface Messages {
  readonly IncomingMessage: typeof http.IncomingMessage
  readonly ServerResponse: typeof http.ServerResponse
}

/** A listener that can be drained. */
export interface Listener {
  /** Where it listens, as a URL or `unix:` path. */
  readonly url: string
  /** Stops accepting, lets requests under way finish for `grace` seconds, then cuts them. */
  close(grace: number): Promise<void>
}

/**
 * Opens a listener with the limits that a gateway wants: Node must not cut header lists silently (it did so while
 * still framing by the headers it dropped), and slow clients have an end.
 *
 * @throws when the address cannot be had, or a file cannot be used.
 */
export async function listen(
  handler: RequestListener,
  address: Address,
  options: ListenOptions = {},
): Promise<Listener> {
  const underWay = new UnderWay()
  let isDraining = false
  const onRequest: RequestListener = (request, response) => {
    const { socket } = request
    // What came in one piece with it goes on being read for a while.
    if (socket.destroyed) return
    const same = underWay.on(socket)
    if (same.length >= PIPELINED) {
      options.onBroken?.(400)
      socket.destroy()
      return
    }
    const before = same.at(-1)
    same.push(response)
    response.shouldKeepAlive &&= !isDraining
    response.on('close', () => {
      same.splice(same.indexOf(response), 1)
      if (isDraining) setImmediate(() => server.closeIdleConnections())
    })
    if (hasBody(request))
      response.prependOnceListener('finish', () => {
        if (!request.complete) request.socket.destroySoon = () => linger(request.socket)
      })
    // One at a time: what follows a request after which the connection ends is no request any more (RFC 9112, 9.6).
    if (before === undefined) handler(request, response)
    else before.once('close', () => socket.writable && handler(request, response))
  }
  const [server, unwatch] = createServer(onRequest, options)
  server.maxHeadersCount = 0
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const same = underWay.on(socket)
    if (socket.writable && error.code !== 'ECONNRESET' && mayAnswer(same)) {
      const status = statusOf(error)
      // A request under way has an outcome of its own.
      if (same.length === 0) options.onBroken?.(status)
      endWith(socket, status)
    } else socket.destroy()
  })
  // Node would answer these by itself, and nobody would hear of it.
  server.on('checkExpectation', onRequest)
  server.on('connect', (_request, socket: Tracked) => {
    options.onBroken?.(400)
    // Node has let go of the socket, errors and all.
    socket.on('error', () => socket.destroy())
    if (socket.writable && mayAnswer(underWay.on(socket))) endWith(socket, 400)
    else socket.destroy()
  })
  await open(server, address)
  const watch =
    options.unread === undefined
      ? undefined
      : setInterval(() => underWay.cutUnread(), (options.unread * 1000) / LOOKS).unref()
  return {
    url: urlOf(server, address),
    close(grace) {
      isDraining = true
      unwatch()
      clearInterval(watch)
      for (const response of underWay.all()) if (!response.headersSent) response.shouldKeepAlive = false
      return drain(server, grace)
    },
  }
}

function statusOf({ code }: NodeJS.ErrnoException): Broken {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}

/** Answers what no answer of Node's own belongs to. */
function endWith(socket: Duplex, status: Broken): void {
  const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`
  socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function hasBody({ rawHeaders }: IncomingMessage): boolean {
  return ['content-length', 'transfer-encoding'].some((name) => rawHeader(rawHeaders, name) !== undefined)
}

/** A slow body is the gateway's own to refuse (`http/body.ts`), before the whole request takes too long to Node. */
const LIMITS = {
  ...{ requestTimeout: 90_000, headersTimeout: 20_000, keepAliveTimeout: 75_000 },
  // Node would refuse it by itself, and nobody would hear of it.
  requireHostHeader: false,
}

function createServer(
  onRequest: RequestListener,
  { tls, messages }: ListenOptions,
): readonly [Server | https.Server, () => void] {
  const common = { ...LIMITS, ...messages }
  if (tls === undefined) return [http.createServer(common, onRequest), () => undefined]
  const first = readTls(tls.files)
  const server = https.createServer({ ...common, ...first }, onRequest)
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  const tell = ({ cert }: ListenerTls) => tls.onUse?.(expiryOf(cert))
  const adopt = (fresh: ListenerTls) => {
    server.setSecureContext(fresh)
    tell(fresh)
  }
  tell(first)
  return [server, watchTls(tls.files, adopt, tls.onProblem)]
}

/**
 * Ends a connection on which a refused body is still coming. Closed at once, it would be reset by what comes, and
 * the client might never read why it was refused (RFC 9112, 9.6).
 */
function linger(socket: Socket): void {
  const cut = setTimeout(() => socket.destroy(), 1000)
  socket.once('close', () => clearTimeout(cut))
  socket.end()
}

/**
 * Whether an error may be answered: not when the bytes would be read as part of an answer under way, or as the
 * answer to a request before. That leaves an idle connection, and a request that is broken itself.
 */
function mayAnswer([first, second]: readonly ServerResponse[]): boolean {
  if (first === undefined) return true
  return second === undefined && !first.headersSent && !first.req.complete
}

/** Removes a socket that an earlier process left behind. */
export function clearSocket(address: Address): void {
  if ('path' in address && existsSync(address.path) && statSync(address.path).isSocket())
    unlinkSync(address.path)
}

function open(server: Server | https.Server, address: Address): Promise<void> {
  return new Promise((resolve, fail) => {
    server.once('error', fail)
    server.once('listening', () => {
      server.removeListener('error', fail)
      resolve()
    })
    if ('path' in address) {
      if (!cluster.isWorker) clearSocket(address)
      server.listen(address.path)
    } else server.listen(address.port, address.host)
  })
}

function urlOf(server: Server | https.Server, address: Address): string {
  if ('path' in address) return `unix:${address.path}`
  const { port, family, address: host } = server.address() as AddressInfo
  const scheme = server instanceof https.Server ? 'https' : 'http'
  return `${scheme}://${family === 'IPv6' ? `[${host}]` : host}:${port}`
}

function drain(server: Server | https.Server, grace: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), grace * 1000)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}

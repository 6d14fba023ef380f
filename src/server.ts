import { existsSync, statSync, unlinkSync } from 'node:fs'
import http, { type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Address } from './config/option.ts'

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
 * @throws when the address cannot be had.
 */
export async function listen(handler: RequestListener, address: Address): Promise<Listener> {
  const server = http.createServer(
    { requestTimeout: 60_000, headersTimeout: 20_000, keepAliveTimeout: 75_000 },
    handler,
  )
  server.maxHeadersCount = 0
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable && error.code !== 'ECONNRESET') {
      const status =
        error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    } else socket.destroy()
  })
  await open(server, address)
  return {
    url: urlOf(server, address),
    close: (grace) => drain(server, grace),
  }
}

function open(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, fail) => {
    server.once('error', fail)
    server.once('listening', () => {
      server.removeListener('error', fail)
      resolve()
    })
    if ('path' in address) {
      if (existsSync(address.path) && statSync(address.path).isSocket()) unlinkSync(address.path)
      server.listen(address.path)
    } else server.listen(address.port, address.host)
  })
}

function urlOf(server: Server, address: Address): string {
  if ('path' in address) return `unix:${address.path}`
  const { port, family, address: host } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`
}

function drain(server: Server, grace: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), grace * 1000)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}

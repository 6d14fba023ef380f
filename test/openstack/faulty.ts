import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'

/** What happens to a request instead of its being passed on; false: nothing does. */
export type Fault = (asked: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>

/** A certificate and its key, PEM. */
export interface Shown {
  readonly cert: string
  readonly key: string
}

/** The connections themselves, without the TLS on them, which cannot be reset; by their ports. */
const wires = new Map<string, Socket>()
const portsOf = ({ localPort, remotePort }: Socket): string => `${localPort} ${remotePort}`

/** Stands before a real service, passes all on, and breaks on demand. */
export class Faulty {
  fault: Fault | null = null
  /** The newest token that was sent along. */
  token = ''
  /** Requests that came in, whatever became of them. */
  asked = 0
  readonly #origin: string
  readonly #path: string
  readonly #server: http.Server | https.Server

  private constructor(base: string, shown: Shown | undefined) {
    const { origin, pathname } = new URL(base)
    this.#origin = origin
    this.#path = pathname === '/' ? '' : pathname
    const handle = (asked: IncomingMessage, response: ServerResponse) =>
      void this.#answer(asked, response).catch(() => response.destroy())
    this.#server = shown === undefined ? http.createServer(handle) : https.createServer(shown, handle)
    this.#server.on('connection', (wire: Socket) => {
      const ports = portsOf(wire)
      wires.set(ports, wire)
      wire.once('close', () => wires.delete(ports))
    })
  }

  /** @param shown with it, clients speak TLS. */
  static async before(base: string, shown?: Shown): Promise<Faulty> {
    const faulty = new Faulty(base, shown)
    await new Promise<void>((resolve) => faulty.#server.listen(0, '127.0.0.1', resolve))
    return faulty
  }

  /** The service's address, by way of this one. */
  get url(): string {
    const scheme = this.#server instanceof https.Server ? 'https' : 'http'
    return `${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#path}`
  }

  /** Shows another certificate to whoever connects from now on; nobody stays connected. */
  show(shown: Shown): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext(shown)
    this.#server.closeAllConnections()
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked += 1
    this.token = String(asked.headers['x-auth-token'] ?? this.token)
    if ((await this.fault?.(asked, response)) === true) return
    const chunks: Buffer[] = []
    for await (const chunk of asked) chunks.push(chunk as Buffer)
    const { host: _, connection: _c, 'transfer-encoding': _t, ...headers } = asked.headers
    const answer = await request(this.#origin + (asked.url ?? ''), {
      method: asked.method ?? 'GET',
      headers,
      body: chunks.length === 0 ? null : Buffer.concat(chunks),
      // uWSGI closes connections at will: over a kept one, a DELETE that crosses that fails.
      reset: true,
    })
    const { connection: _a, 'transfer-encoding': _b, ...answered } = answer.headers
    response.writeHead(answer.statusCode, answered)
    response.end(Buffer.from(await answer.body.arrayBuffer()))
  }
}

export const says =
  (
    status: number,
    body: string,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Fault =>
  (asked, response) => {
    asked.resume()
    response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) }).end(body)
    return true
  }

/** Passes the request on after so many milliseconds. */
export const late =
  (milliseconds: number): Fault =>
  async () => {
    await sleep(milliseconds)
    return false
  }

/** Ways in which a service, or what stands before it, fails. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'closes connections': (asked) => {
    asked.socket.destroy()
    return true
  },
  'resets connections': ({ socket }) => {
    wires.get(portsOf(socket))?.resetAndDestroy()
    return true
  },
  hangs: () => true,
  // Too late for a call (falls.ts: LIMITS), but not for a forwarded request.
  'answers late': late(1500),
  'stops in the middle of its answer': (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{"')
    setTimeout(() => response.destroy(), 20)
    return true
  },
  'answers 500': says(500, '{"computeFault": {"code": 500, "message": "no"}}'),
  'answers 502 as HTML': says(502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' }),
  'answers 503': says(503, ''),
  'answers 429': says(429, '{"overLimit": {"code": 429}}'),
  'answers 302': says(302, '', { location: 'http://127.0.0.1:9/' }),
  'answers 200 with nonsense': says(200, 'nonsense'),
  'answers 200 with an empty object': says(200, '{}'),
  'answers 200 with nothing': says(200, ''),
}

/** A load balancer's 404: not the service's own. */
export const FOREIGN_404 = says(404, '<html>404 Not Found</html>', { 'content-type': 'text/html' })

const WALLABY = { id: 'v2.1', status: 'CURRENT', version: '2.87', min_version: '2.1', links: [] }

/** A Nova before 2.89 (Wallaby): as its version document says, and as it refuses more. */
export const OLD_NOVA: Fault = (asked, response) => {
  const path = (asked.url ?? '').replace(/\/$/, '')
  if (path === '') return says(200, JSON.stringify({ versions: [WALLABY] }))(asked, response)
  if (path === '/v2.1') return says(200, JSON.stringify({ version: WALLABY }))(asked, response)
  const message = 'Version 2.89 is not supported by the API. Minimum is 2.1 and maximum is 2.87.'
  const refusal = JSON.stringify({ computeFault: { code: 406, message } })
  const isTooNew = String(asked.headers['openstack-api-version'] ?? '').includes('2.89')
  return isTooNew && says(406, refusal)(asked, response)
}

const NEWTON = { id: 'v3.0', status: 'CURRENT', version: '3.26', min_version: '3.0', updated: '', links: [] }

/** A Cinder before 3.27, without an attachments API: as its version document says, and as it refuses more. */
export const OLD_CINDER: Fault = (asked, response) => {
  const path = (asked.url ?? '').replace(/\/$/, '')
  if (path === '' || path === '/v3') return says(300, JSON.stringify({ versions: [NEWTON] }))(asked, response)
  const [, minor] = /\bvolume 3\.(\d+)/.exec(String(asked.headers['openstack-api-version'] ?? '')) ?? []
  const message = `Version 3.${minor} is not supported by the API. Minimum is 3.0 and maximum is 3.26.`
  const refusal = JSON.stringify({ computeFault: { code: 406, message } })
  return Number(minor ?? 0) > 26 && says(406, refusal)(asked, response)
}

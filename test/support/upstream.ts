import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'

/** One request as its bytes say, read strictly: only Content-Length frames a body. */
export interface UpstreamRequest {
  readonly method: string
  readonly target: string
  /** As sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** Which connection it came on, counting from 1. */
  readonly connection: number
  header(name: string): string | undefined
}

/** What to do with a request: bytes to write, or anything by hand. */
export type Answer = (request: UpstreamRequest, socket: Socket) => string | Buffer | undefined

/** A 200 with a body of its own length. */
export function ok(body = 'ok', ...headers: readonly string[]): string {
  return ['HTTP/1.1 200 OK', ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n')
}

/** A server on a bare socket: what it records is what was on the wire, and it can break in any way. */
export class Upstream {
  readonly requests: UpstreamRequest[] = []
  /** Bytes that are no request, or framing other than by one Content-Length. */
  readonly problems: string[] = []
  /** Asked with each complete request. */
  answer: Answer = () => ok()
  /** Asked as soon as the headers are here; with it the body is not read. */
  onHead: Answer | undefined
  connections = 0
  readonly #sockets = new Set<Socket>()
  readonly #server: Server = createServer((socket) => this.#serve(socket))

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get open(): number {
    return this.#sockets.size
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream()
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve))
    return upstream
  }

  /** Nothing recorded, the default answer, and no connection kept. */
  reset(): void {
    this.requests.length = 0
    this.problems.length = 0
    this.connections = 0
    this.answer = () => ok()
    this.onHead = undefined
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #serve(socket: Socket): void {
    this.connections += 1
    const connection = this.connections
    let waiting: Buffer = Buffer.alloc(0)
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes])
      for (;;) {
        const read = this.#read(waiting, connection)
        if (read === undefined) return
        waiting = waiting.subarray(read.used)
        if (read.request === undefined) return
        this.requests.push(read.request)
        const reply = (this.onHead ?? this.answer)(read.request, socket)
        if (reply !== undefined) socket.write(reply)
        if (socket.destroyed) return
      }
    })
  }

  #read(bytes: Buffer, connection: number): { request?: UpstreamRequest; used: number } | undefined {
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1) return undefined
    const [first = '', ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n')
    const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(first) ?? []
    if (method === undefined || target === undefined) {
      this.problems.push(`not a request line: ${first}`)
      return { used: bytes.length }
    }
    const headers = fields.map((field) => {
      const [, name = '', value = ''] = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? []
      if (name === '') this.problems.push(`not a header: ${field}`)
      return [name, value] as const
    })
    const all = (name: string) =>
      headers.filter((field) => field[0].toLowerCase() === name).map((field) => field[1])
    if (all('transfer-encoding').length > 0) this.problems.push('a Transfer-Encoding')
    if (all('content-length').length > 1) this.problems.push('more than one Content-Length')
    const length = this.onHead === undefined ? Number(all('content-length')[0] ?? 0) : bytes.length - end - 4
    if (bytes.length < end + 4 + length) return undefined
    const body = Buffer.from(bytes.subarray(end + 4, end + 4 + length))
    const request = { method, target, headers, body, connection, header: (name: string) => all(name)[0] }
    return { request, used: end + 4 + length }
  }
}

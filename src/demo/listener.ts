import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request exactly as it arrived. `body` stays empty when `onArrival` took the request over. */
export interface ReceivedRequest {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  body: Buffer
  /** First value of a header, or undefined. `-` and `_` are the same letter, as for uWSGI and old eventlet. */
  header(name: string): string | undefined
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Answers the request itself and returns true, or returns false to let the service answer. May wait. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>

export interface ListenOptions {
  readonly host?: string
  /** 0 (the default) takes any free port. */
  readonly port?: number
}

/** A real HTTP server on loopback that keeps what it received and lets a test break it. */
export class Listener {
  /** Asked once the body has been read and recorded. */
  fault: Fault | undefined
  /** Asked as soon as the headers are here, before the body: for servers that answer or reset early. */
  onArrival: Fault | undefined
  /** Every request since the last `forget`, oldest first. */
  readonly requests: ReceivedRequest[] = []
  readonly #server: Server
  #url = ''

  constructor(answer: (request: ReceivedRequest) => Reply) {
    this.#server = createServer((request, response) => {
      this.#serve(answer, request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    // Long enough that nothing but the test decides when a connection ends.
    this.#server.keepAliveTimeout = 60_000
  }

  /** Base URL without a trailing slash; empty before `listen`. */
  get url(): string {
    return this.#url
  }

  async listen({ host = '127.0.0.1', port = 0 }: ListenOptions = {}): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#url = `http://${host}:${(this.#server.address() as AddressInfo).port}`
  }

  /** Closes every connection, answered or not. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  /** Forgets the recorded requests and both fault hooks. */
  forget(): void {
    this.requests.length = 0
    this.fault = undefined
    this.onArrival = undefined
  }

  /** Number of recorded requests, of one method or with a target that matches, when given. */
  count(method?: string, target?: RegExp): number {
    return this.requests.filter(
      (request) =>
        (method === undefined || request.method === method) && (target?.test(request.target) ?? true),
    ).length
  }

  async #serve(
    answer: (request: ReceivedRequest) => Reply,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const received = receive(request)
    this.requests.push(received)
    if (await this.onArrival?.(request, response)) return
    try {
      received.body = await readAll(request)
    } catch {
      return // the client went away while sending
    }
    if (await this.fault?.(request, response)) return
    const reply = answer(received)
    const body = Buffer.from(reply.body ?? '')
    const length = reply.status === 204 ? {} : { 'content-length': String(body.length) }
    response.writeHead(reply.status, { ...reply.headers, ...length })
    response.end(body)
  }
}

function receive(request: IncomingMessage): ReceivedRequest {
  const { rawHeaders } = request
  const values = new Map<string, string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = wireName(rawHeaders[at] ?? '')
    if (!values.has(name)) values.set(name, rawHeaders[at + 1] ?? '')
  }
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    rawHeaders: [...rawHeaders],
    body: Buffer.alloc(0),
    header: (name) => values.get(wireName(name)),
  }
}

function wireName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

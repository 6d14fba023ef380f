import { connect, type Socket } from 'node:net'

/** One answer as it came over the wire. */
export interface RawResponse {
  readonly status: number
  /** Statuses of the 1xx answers before it. */
  readonly interim: readonly number[]
  /** Lower-case names; one value per header line. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: Buffer
  /** False when the connection ended before the framing said so. */
  readonly complete: boolean
}

/** Header lines and body joined by CRLF: `lines('GET / HTTP/1.1', 'Host: x', '', '')`. */
export function lines(...parts: readonly string[]): string {
  return parts.join('\r\n')
}

/** First value of a header. */
export function header(response: RawResponse, name: string): string | undefined {
  return response.headers.get(name)?.[0]
}

const LIMIT = 5000

/** A client that sends exactly the bytes it is given. */
export class RawClient {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake()
    })
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    socket.on('error', end).on('end', end).on('close', end)
  }

  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RawClient(socket)
  }

  send(bytes: string | Buffer): this {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** Sends without reading, as clients do that send a request whole before they look for its answer. */
  async sendBlindly(pieces: readonly Buffer[]): Promise<this> {
    this.#socket.pause()
    for (const piece of pieces) {
      this.send(piece)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    this.#socket.resume()
    return this
  }

  /** The next answer. @throws when none comes within the limit, or the connection ends without one. */
  async response(options: { readonly head?: boolean; readonly limit?: number } = {}): Promise<RawResponse> {
    const interim: number[] = []
    for (;;) {
      const found = await this.#until(() => this.#take(options.head === true), options.limit ?? LIMIT)
      if (found === null)
        throw new Error(`the connection ended without an answer: ${this.#received.toString('latin1')}`)
      if (found.status >= 200) return { ...found, interim }
      interim.push(found.status)
    }
  }

  /** Everything that has come and was not taken yet, once the server has closed. */
  async rest(limit = LIMIT): Promise<string> {
    await this.#until(() => (this.#ended ? true : undefined), limit)
    return this.#received.toString('latin1')
  }

  /** Waits until at least this text has come. */
  async sees(text: string, limit = LIMIT): Promise<void> {
    await this.#until(() => (this.#received.includes(text) ? true : undefined), limit)
  }

  get isClosed(): boolean {
    return this.#ended
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #until<T>(look: () => T | undefined, limit: number): Promise<T> {
    const end = performance.now() + limit
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      const left = end - performance.now()
      if (left <= 0)
        throw new Error(`nothing within ${limit} ms; so far: ${this.#received.toString('latin1')}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Undefined: wait for more. Null: nothing more will come. */
  #take(head: boolean): Omit<RawResponse, 'interim'> | null | undefined {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return this.#ended ? null : undefined
    const [first = '', ...rest] = this.#received.subarray(0, end).toString('latin1').split('\r\n')
    const status = /^HTTP\/1\.1 ([0-9]{3})(?: |$)/.exec(first)?.[1]
    if (status === undefined) throw new Error(`not a status line: ${first}`)
    const headers = new Map<string, string[]>()
    for (const line of rest) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()])
    }
    const after = this.#received.subarray(end + 4)
    const bodiless = head || Number(status) < 200 || status === '204' || status === '304'
    const framed = bodiless ? { body: Buffer.alloc(0), used: 0 } : bodyOf(headers, after, this.#ended)
    if (framed === undefined && !this.#ended) return undefined
    const { body, used } = framed ?? { body: after, used: after.length }
    this.#received = this.#received.subarray(end + 4 + used)
    return { status: Number(status), headers, body, complete: framed !== undefined }
  }
}

interface Framed {
  readonly body: Buffer
  readonly used: number
}

function bodyOf(
  headers: ReadonlyMap<string, readonly string[]>,
  bytes: Buffer,
  ended: boolean,
): Framed | undefined {
  if (headers.get('transfer-encoding')?.[0] === 'chunked') return dechunk(bytes)
  const length = headers.get('content-length')?.[0]
  if (length === undefined) return ended ? { body: bytes, used: bytes.length } : undefined
  return bytes.length < Number(length)
    ? undefined
    : { body: bytes.subarray(0, Number(length)), used: Number(length) }
}

function dechunk(bytes: Buffer): Framed | undefined {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1) return undefined
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    const start = end + 2
    if (bytes.length < start + size + 2) return undefined
    if (size === 0) return { body: Buffer.concat(chunks), used: start + 2 }
    chunks.push(bytes.subarray(start, start + size))
    at = start + size + 2
  }
}

/** One request over a connection of its own: its answer, and whether the server closed after it. */
export async function askRaw(url: string, bytes: string | Buffer): Promise<RawResponse> {
  const client = await RawClient.connect(url)
  try {
    const head = bytes.toString('latin1').startsWith('HEAD ')
    return await client.send(bytes).response({ head })
  } finally {
    client.destroy()
  }
}

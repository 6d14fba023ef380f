import type { ServerResponse } from 'node:http'
import type { Heard } from '../gateway.ts'

/** Never passed from the upstream's answer to the client: they concern our connection to it. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'te',
])

/** Characters of a request id that are kept; OpenStack's have 40. */
const LONGEST_ID = 64

/**
 * What of the upstream's answer is written: a status that Node writes, and end-to-end headers as they came.
 * @param heard is told the upstream's own id of the request.
 */
export function writeHead(
  heard: Heard,
  response: ServerResponse,
  status: number,
  message: string,
  rawHeaders: readonly string[],
): void {
  const headers: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const lower = name.toLowerCase()
    if (HOP_BY_HOP.has(lower)) continue
    const value = rawHeaders[index + 1] ?? ''
    headers.push(name, value)
    if (lower === 'x-openstack-request-id') heard.upstreamRequestId = value.slice(0, LONGEST_ID)
  }
  // What Node reads and will not write would otherwise be thrown where nobody catches it.
  const isWritable = /^[\t\x20-\x7e\x80-\xff]*$/.test(message)
  response.writeHead(status < 200 ? 502 : status, isWritable ? message : '', headers)
}

/** Length of the body as a header says it; null when it does not. */
export function lengthIn(rawHeaders: readonly string[]): number | null {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === 'content-length') return Number(rawHeaders[index + 1])
  return null
}

/** Bytes. */
const SHORT = 16_384

/** Writes a body as it comes; the last piece and the end of the answer leave together. */
export class BodyWriter {
  #left: number | null
  readonly #response: ServerResponse

  /** @param length of the whole body, if it is known. */
  constructor(response: ServerResponse, length: number | null) {
    this.#response = response
    this.#left = length
  }

  /** @returns false when the client is slower than the upstream: wait for `drain`. */
  write(chunk: Buffer): boolean {
    if (this.#left !== null) this.#left -= chunk.length
    if (this.#left !== 0) return this.#response.write(chunk)
    // As text a short body leaves in one write with the head; latin1 keeps every byte.
    if (chunk.length <= SHORT) this.#response.end(chunk.toString('latin1'), 'latin1')
    else this.#response.end(chunk)
    return true
  }

  end(): void {
    if (!this.#response.writableEnded) this.#response.end()
  }
}

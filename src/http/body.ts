import type { IncomingMessage } from 'node:http'
import { rawHeader } from './headers.ts'
import { type Rejection, reject } from './rejection.ts'

const EMPTY = Buffer.alloc(0)

/** The client closed its connection while its request was read. */
export class ClientGoneError extends Error {}

/** Seconds in which a body must have come; Node's own limit on a whole request is longer (`server.ts`). */
export const BODY_TIME = 60

/**
 * The whole body. A declared length over the limit is refused at once, as oslo.middleware's size limiter does;
 * an undeclared one is cut off and comes back as `too-large`, because Cinder finds out only after it has
 * authenticated the request.
 *
 * @param limit bytes.
 * @param time seconds.
 * @throws ClientGoneError when the client goes away first.
 */
export async function readBody(
  raw: IncomingMessage,
  limit: number,
  time = BODY_TIME,
): Promise<Buffer | 'too-large' | Rejection> {
  const declared = rawHeader(raw.rawHeaders, 'content-length')
  if (declared !== undefined && Number(declared) > limit) {
    return reject('body_too_large', {
      explanation: `Request is too large. Larger than max_request_body_size (${limit}).`,
    })
  }
  if (declared === undefined && rawHeader(raw.rawHeaders, 'transfer-encoding') === undefined) return EMPTY
  return new Promise((resolve, fail) => {
    const chunks: Buffer[] = []
    let size = 0
    const late = setTimeout(() => {
      raw.pause()
      raw.removeAllListeners('data')
      resolve(reject('request_timeout'))
    }, time * 1000)
    raw.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        raw.pause()
        raw.removeAllListeners('data')
        clearTimeout(late)
        resolve('too-large')
      } else chunks.push(chunk)
    })
    raw.once('end', () => {
      clearTimeout(late)
      resolve(chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks))
    })
    const gone = () => {
      clearTimeout(late)
      fail(new ClientGoneError('the client went away'))
    }
    raw.once('error', gone)
    raw.once('close', gone)
  })
}

import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { readBody } from '../../src/http/body.ts'
import { isRejection, messageOf } from '../../src/http/rejection.ts'

/** A request whose body comes in these pieces; `left` ends it as a client does that goes away. */
function sends(headers: Record<string, string>, pieces: readonly Buffer[], left = false): IncomingMessage {
  const raw = new IncomingMessage(new Socket())
  raw.rawHeaders = Object.entries(headers).flat()
  for (const piece of pieces) raw.push(piece)
  if (left) setImmediate(() => raw.destroy())
  else raw.push(null)
  return raw
}

async function read(raw: IncomingMessage, limit: number): Promise<string> {
  const body = await readBody(raw, limit)
  if (body === 'too-large') return body
  return isRejection(body) ? `${body.reason}: ${messageOf(body)}` : body.toString('hex')
}

const declared = (size: number) => ({ 'content-length': String(size) })
const CHUNKED = { 'transfer-encoding': 'chunked' }
const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

test('a body that does not come in time', async () => {
  const raw = new IncomingMessage(new Socket())
  raw.rawHeaders = ['content-length', '10']
  raw.push(Buffer.from('{'))
  const body = await readBody(raw, 100, 0.02)
  expect(isRejection(body as object) && (body as { reason: string }).reason).toBe('request_timeout')
})

describe('the bytes are kept as they are', () => {
  test.each([
    ['every byte there is', declared(256), [bytes]],
    ['in pieces', CHUNKED, [bytes.subarray(0, 7), bytes.subarray(7, 8), bytes.subarray(8)]],
  ] as const)('%s', async (_name, headers, pieces) => {
    expect(await read(sends(headers, pieces), 256)).toBe(bytes.toString('hex'))
  })

  test('none', async () => {
    expect(await read(sends({}, []), 10)).toBe('')
    expect(await read(sends(declared(0), []), 10)).toBe('')
    expect(await read(sends(CHUNKED, []), 10)).toBe('')
  })
})

describe('the limit', () => {
  test('a declared length over it is refused before anything is read', async () => {
    const raw = sends(declared(11), [])
    expect(await read(raw, 10)).toBe(
      'body_too_large: Request is too large. Larger than max_request_body_size (10).',
    )
    expect(raw.readableFlowing).toBe(null)
  })
  test('a declared length that just fits is read', async () => {
    expect(await read(sends(declared(10), [Buffer.alloc(10)]), 10)).toBe('00'.repeat(10))
  })
  test('chunks that fit are read', async () => {
    expect(await read(sends(CHUNKED, [Buffer.alloc(5), Buffer.alloc(5)]), 10)).toBe('00'.repeat(10))
  })
  test('chunks over it are cut off, which is told only after authentication', async () => {
    expect(await read(sends(CHUNKED, [Buffer.alloc(10), Buffer.alloc(1)]), 10)).toBe('too-large')
  })
})

test('half a body is no body', async () => {
  await expect(read(sends(declared(10), [Buffer.alloc(5)], true), 10)).rejects.toThrow('the client went away')
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { networksOf } from '../../src/config/networks.ts'
import { isRejection, messageOf } from '../../src/http/rejection.ts'
import { envelopeOf, readRequest } from '../../src/http/request.ts'
import { type Listener, listen } from '../../src/server.ts'
import { askRaw, lines, RawClient } from '../support/raw.ts'

const LIMIT = 1000
let listener: Listener
const left: unknown[] = []

beforeAll(async () => {
  // Answers with what was read: the request, or the refusal.
  listener = await listen(
    (raw, response) => {
      const limits = { maxBody: LIMIT, maxHeaders: 20, prefix: '', proxies: networksOf([]) }
      readRequest(raw, envelopeOf(raw), limits).then(
        (read) => {
          const { requestId } = envelopeOf(raw)
          if (isRejection(read)) {
            response.setHeader('connection', 'close')
            response.end(JSON.stringify({ refused: `${read.reason}: ${messageOf(read)}` }))
          } else {
            const body = read.body === 'too-large' ? read.body : read.body.toString('hex')
            const tokens = [read.userToken?.reveal(), read.serviceToken?.reveal()]
            if (body === 'too-large') response.setHeader('connection', 'close')
            response.end(JSON.stringify({ ...read, body, tokens, requestId: read.requestId || requestId }))
          }
        },
        (error: unknown) => left.push(error),
      )
    },
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
  )
})
afterAll(() => listener.close(0))

interface Read {
  readonly refused?: string
  readonly method: string
  readonly target: string
  readonly body: string
  readonly tokens: (string | null)[]
  readonly requestId: string
}

async function read(...parts: readonly string[]): Promise<Read> {
  const answer = await askRaw(listener.url, lines(...parts))
  return JSON.parse(answer.body.toString()) as Read
}

const framing = (problem: string) => ({ refused: `bad_request_framing: Cinderguard: ${problem}` })
const HOST = 'Host: cinder'

describe('request lines', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s is a method of Cinder',
    async (method) => {
      const answer = await askRaw(listener.url, lines(`${method} /v3/x HTTP/1.1`, HOST, '', ''))
      expect(answer.status).toBe(200)
      if (method !== 'HEAD')
        expect(JSON.parse(answer.body.toString())).toMatchObject({ method, target: '/v3/x' })
    },
  )

  test.each(['PURGE', 'QUERY', 'TRACE', 'PROPFIND', 'LINK', 'M-SEARCH'])('%s is not', async (method) => {
    expect(await read(`${method} /v3/x HTTP/1.1`, HOST, '', '')).toEqual(
      framing('a method that Cinder does not have'),
    )
  })

  test.each(['0.9', '2.0'])('HTTP/%s is refused', async (version) => {
    expect(await read(`GET /v3/x HTTP/${version}`, HOST, '', '')).toEqual(
      framing('the HTTP version is neither 1.0 nor 1.1'),
    )
  })

  test('HTTP/1.0 is served, without a Host too', async () => {
    expect(await read('GET /v3/x HTTP/1.0', '', '')).toMatchObject({ target: '/v3/x' })
  })

  test.each([
    ['a lower-case method', ['get /v3/x HTTP/1.1', HOST]],
    ['HTTP/1.2', ['GET /v3/x HTTP/1.2', HOST]],
    ['a space in the target', ['GET /v3/x y HTTP/1.1', HOST]],
    ['a raw high byte in the target', ['GET /v3/\u00e9 HTTP/1.1', HOST]],
    ['a folded header', ['GET /v3/x HTTP/1.1', HOST, 'A: b', ' c']],
    ['a space before the colon', ['GET /v3/x HTTP/1.1', HOST, 'Content-Length : 0']],
    ['a NUL in a header', ['GET /v3/x HTTP/1.1', HOST, 'A: b\0']],
    ['a bare CR', ['GET /v3/x HTTP/1.1', HOST, 'A: b\rC: d']],
    ['a bare LF', ['GET /v3/x HTTP/1.1\nHost: cinder']],
    ['two lengths', ['GET /v3/x HTTP/1.1', HOST, 'Content-Length: 1', 'Content-Length: 2', '', 'a']],
    [
      'a length and chunks',
      ['POST /v3/x HTTP/1.1', HOST, 'Content-Length: 4', 'Transfer-Encoding: chunked', '', '0'],
    ],
    [
      'chunks, and then something',
      ['POST /v3/x HTTP/1.1', HOST, 'Transfer-Encoding: chunked, identity', '', '0'],
    ],
    [
      'a chunk size in no notation',
      ['POST /v3/x HTTP/1.1', HOST, 'Transfer-Encoding: chunked', '', 'zz', 'a'],
    ],
  ])('%s is no HTTP: 400, and the connection ends', async (_name, parts) => {
    const client = await RawClient.connect(listener.url)
    client.send(lines(...parts, '', ''))
    expect(await client.rest()).toBe(
      'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    )
  })

  test('HTTP/1.1 without a Host is refused, and not by Node', async () => {
    expect(await read('GET /v3/x HTTP/1.1', '', '')).toEqual(framing('no Host'))
  })

  test('a list of transfer codings that ends in chunked is refused, and nothing is read of it', async () => {
    expect(
      await read('POST /v3/x HTTP/1.1', HOST, 'Transfer-Encoding: gzip, chunked', '', '1', 'a', '0', '', ''),
    ).toEqual(framing('a Transfer-Encoding other than chunked'))
  })

  test('two Hosts are refused', async () => {
    expect(await read('GET /v3/x HTTP/1.1', HOST, 'Host: other', '', '')).toEqual(framing('repeated host'))
  })

  test('more header fields than allowed are counted whole, and not cut', async () => {
    const many = Array.from({ length: 2500 }, () => 'a:')
    expect(await read('GET /v3/x HTTP/1.1', HOST, ...many, 'Content-Length: 5', '', 'abcde')).toEqual({
      refused: 'headers_too_large: Cinderguard: more than 20 header fields',
    })
  })

  test('headers of more bytes than Node takes are 431', async () => {
    const client = await RawClient.connect(listener.url)
    client.send(lines('GET /v3/x HTTP/1.1', HOST, `A: ${'x'.repeat(20_000)}`, '', ''))
    expect(await client.rest()).toMatch(
      /^HTTP\/1\.1 431 Request Header Fields Too Large\r\nConnection: close\r\n/,
    )
  })

  test.each(['http://cinder/v3/x', 'https://evil/v3/x', '*', 'http://cinder:99999999/v3/x'])(
    'the target %s is no path',
    async (target) => {
      const method = target === '*' ? 'OPTIONS' : 'GET'
      expect(await read(`${method} ${target} HTTP/1.1`, HOST, '', '')).toEqual({
        refused: 'ambiguous_target: Cinderguard: the request target is not a path',
      })
    },
  )
})

describe('tokens', () => {
  test.each([
    ['X-Auth-Token', ['X-Auth-Token: a'], ['a', null]],
    ['surrounding space is none of it', ['X-Auth-Token: \t a \t'], ['a', null]],
    ['X-Service-Token', ['X-Auth-Token: a', 'X-Service-Token: s'], ['a', 's']],
    ['X-Storage-Token stands in', ['X-Storage-Token: b'], ['b', null]],
    ['but not beside X-Auth-Token', ['X-Storage-Token: b', 'X-Auth-Token: a'], ['a', null]],
    ['nor beside an empty X-Auth-Token', ['X-Storage-Token: b', 'X-Auth-Token:'], [null, null]],
    ['empty is none', ['X-Auth-Token:', 'X-Service-Token:'], [null, null]],
    ['an underscore is no hyphen', ['X_Auth_Token: a', 'X_Service_Token: s'], [null, null]],
    ['none', [], [null, null]],
  ])('%s', async (_name, headers, tokens) => {
    expect(
      (await read('GET /v3/x HTTP/1.1', HOST, ...headers, '', '')).tokens.map((token) => token ?? null),
    ).toEqual(tokens)
  })

  test('a token in a trailer is none', async () => {
    const found = await read(
      'POST /v3/x HTTP/1.1',
      HOST,
      'Transfer-Encoding: chunked',
      'Trailer: X-Auth-Token',
      '',
      '0',
      'X-Auth-Token: a',
      '',
      '',
    )
    expect(found.tokens).toEqual([null, null])
  })
})

describe('request ids', () => {
  const mine = 'req-0123abcd-0123-4567-89ab-0123456789ab'
  test('the caller may bring one', async () => {
    expect(
      (await read('GET /v3/x HTTP/1.1', HOST, `X-OpenStack-Request-ID: ${mine}`, '', '')).requestId,
    ).toBe(mine)
  })
  test.each([
    '',
    'req-1',
    `${mine}x`,
    mine.slice(4),
    `${mine}, ${mine}`,
    'req-0123abcd-0123-4567-89ab-0123456789a\u00e9',
  ])('but not "%s"', async (offered) => {
    const found = await read(
      'GET /v3/x HTTP/1.1',
      HOST,
      ...(offered === '' ? [] : [`X-OpenStack-Request-ID: ${offered}`]),
      '',
      '',
    )
    if (found.refused === undefined)
      expect(found.requestId).toMatch(/^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(found.requestId).not.toBe(offered)
  })
})

test('a client that goes away while it sends is a fault, not a request', async () => {
  const client = await RawClient.connect(listener.url)
  client.send(lines('POST /v3/x HTTP/1.1', HOST, 'Content-Length: 10', '', 'abc'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.destroy()
  await expect.poll(() => left.length).toBe(1)
  expect(left[0]).toBeInstanceOf(Error)
})

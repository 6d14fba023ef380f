import { describe, expect, test } from 'vitest'
import { readHeaders } from '../../src/http/headers.ts'
import { isRejection, messageOf } from '../../src/http/rejection.ts'

type Fields = readonly (readonly [name: string, value: string])[]

/** The headers that stay, or the refusal's reason and message. */
function read(fields: Fields, { version = '1.1', limit = 100 } = {}): Record<string, string> | string {
  const found = readHeaders(fields.flat(), version, limit)
  return isRejection(found) ? `${found.reason}: ${messageOf(found)}` : Object.fromEntries(found)
}

const framing = (problem: string) => `bad_request_framing: Cinderguard: ${problem}`

describe('what decides something may stand there once', () => {
  test.each([
    'X-Auth-Token',
    'X-Service-Token',
    'X-Storage-Token',
    'Content-Type',
    'Content-Length',
    'Transfer-Encoding',
    'OpenStack-API-Version',
    'Host',
    'X-OpenStack-Request-ID',
    'Accept',
    'Expect',
  ])('%s twice is refused, the same value or not, in any spelling', (name) => {
    const lower = name.toLowerCase()
    expect(
      read([
        [name, '1'],
        [name, '1'],
      ]),
    ).toBe(framing(`repeated ${lower}`))
    expect(
      read([
        [name, '1'],
        ['A', 'b'],
        [name.toUpperCase(), '2'],
      ]),
    ).toBe(framing(`repeated ${lower}`))
  })

  test.each([
    ['X-Auth-Token', 'gAA\u00e9'],
    ['X-Service-Token', 'gAA\u0000'],
    ['Content-Type', 'application/json\u00a0'],
    ['OpenStack-API-Version', 'volume 3.\u00b2'],
  ])('%s with bytes outside ASCII is refused', (name, value) => {
    expect(read([[name, value]])).toBe(framing(`odd bytes in ${name.toLowerCase()}`))
  })

  test.each([
    ['X-Custom', 'a', 'b', 'a, b'],
    ['Accept-Language', 'de', 'en', 'de, en'],
    ['X-Forwarded-For', '10.0.0.1', '10.0.0.2', '10.0.0.1, 10.0.0.2'],
  ])('%s may repeat, and is joined', (name, one, two, joined) => {
    expect(
      read([
        [name, one],
        [name, two],
      ]),
    ).toEqual({ [name.toLowerCase()]: joined })
  })
})

describe('names that a WSGI server folds into others are dropped', () => {
  test.each([
    'X_Auth_Token',
    'X_Service_Token',
    'X-Auth_Token',
    'Content_Length',
    'Content_Type',
    'X_Roles',
    'Transfer_Encoding',
    '_',
  ])('%s', (name) => {
    expect(
      read([
        [name, 'forged'],
        ['X-Auth-Token', 'real'],
      ]),
    ).toEqual({ 'x-auth-token': 'real' })
  })
})

describe('what only keystonemiddleware may say is dropped, however it is spelt', () => {
  const names = [
    'X-Roles',
    'X-Role',
    'X-User',
    'X-User-Id',
    'X-User-Name',
    'X-User-Domain-Id',
    'X-User-Domain-Name',
    'X-Project-Id',
    'X-Project-Name',
    'X-Project-Domain-Id',
    'X-Project-Domain-Name',
    'X-Domain-Id',
    'X-Domain-Name',
    'X-Tenant',
    'X-Tenant-Id',
    'X-Tenant-Name',
    'X-Identity-Status',
    'X-Service-Identity-Status',
    'X-Service-Roles',
    'X-Service-User-Id',
    'X-Service-User-Name',
    'X-Service-User-Domain-Id',
    'X-Service-User-Domain-Name',
    'X-Service-Project-Id',
    'X-Service-Project-Name',
    'X-Service-Project-Domain-Id',
    'X-Service-Project-Domain-Name',
    'X-Service-Domain-Id',
    'X-Service-Domain-Name',
    'X-Service-Catalog',
    'X-Is-Admin-Project',
    'OpenStack-System-Scope',
    'X-Forwarded-Prefix',
  ]
  test.each(names)('%s', (name) => {
    const spellings = [name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_')]
    for (const spelling of spellings) {
      expect(
        read([
          [spelling, 'admin'],
          ['X-Mine', '1'],
        ]),
        spelling,
      ).toEqual({ 'x-mine': '1' })
    }
  })
})

describe('Connection', () => {
  test.each([
    'X-Auth-Token',
    'x-service-token',
    'Content-Type',
    'content-length',
    'OpenStack-API-Version',
    'Host',
  ])('may not take away %s', (name) => {
    expect(read([['Connection', `close, ${name}`]])).toBe(framing(`Connection names ${name.toLowerCase()}`))
    expect(
      read([
        ['Connection', 'close'],
        ['Connection', name],
      ]),
    ).toBe(framing(`Connection names ${name.toLowerCase()}`))
  })

  test('takes away what else it names, and itself', () => {
    expect(
      read([
        ['Connection', 'Keep-Alive, X-Hop'],
        ['X-Hop', '1'],
        ['X-End', '2'],
      ]),
    ).toEqual({ 'x-end': '2' })
  })

  test.each([
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Connection', 'keep-alive'],
    ['Proxy-Authorization', 'Basic eA=='],
    ['Proxy-Authenticate', 'Basic'],
    ['TE', 'trailers'],
    ['Trailer', 'X-Auth-Token'],
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
    ['Expect', '100-continue'],
    ['Content-Length', '3'],
    ['Transfer-Encoding', 'chunked'],
  ])('%s is for this hop only', (name, value) => {
    expect(
      read([
        [name, value],
        ['X-End', '2'],
      ]),
    ).toEqual({ 'x-end': '2' })
  })
})

describe('framing', () => {
  const LENGTH = 'an odd Content-Length'
  const ENCODING = 'a Transfer-Encoding other than chunked'
  test.each<[Fields, string, string]>([
    [[['Content-Length', '+5']], '1.1', LENGTH],
    [[['Content-Length', '-1']], '1.1', LENGTH],
    [[['Content-Length', '0x5']], '1.1', LENGTH],
    [[['Content-Length', '5_0']], '1.1', LENGTH],
    [[['Content-Length', '5, 5']], '1.1', LENGTH],
    [[['Content-Length', '']], '1.1', LENGTH],
    [[['Content-Length', '9999999999999999']], '1.1', LENGTH],
    [[['Transfer-Encoding', 'gzip, chunked']], '1.1', ENCODING],
    [[['Transfer-Encoding', 'chunked, identity']], '1.1', ENCODING],
    [[['Transfer-Encoding', 'chunked;q=1']], '1.1', ENCODING],
    [[['Transfer-Encoding', 'xchunked']], '1.1', ENCODING],
    [[['Transfer-Encoding', '']], '1.1', ENCODING],
    [[['Transfer-Encoding', 'chunked']], '1.0', 'Transfer-Encoding in HTTP/1.0'],
    [
      [
        ['Transfer-Encoding', 'chunked'],
        ['Content-Length', '5'],
      ],
      '1.1',
      'both Content-Length and Transfer-Encoding',
    ],
  ])('%j in HTTP/%s: %s', (fields, version, problem) => {
    expect(read(fields, { version })).toBe(framing(problem))
  })

  test.each<[string, string]>([
    ['1.1', 'Chunked'],
    ['1.1', 'chunked'],
  ])('HTTP/%s takes %s', (version, value) => {
    expect(read([['Transfer-Encoding', value]], { version })).toEqual({})
  })
})

describe('number of header fields', () => {
  const many = (count: number): Fields => Array.from({ length: count }, () => ['a_a', ''] as const)
  test('as many as the limit pass', () => expect(read(many(10), { limit: 10 })).toEqual({}))
  test('one more does not, also of those that are dropped', () => {
    expect(read(many(11), { limit: 10 })).toBe('headers_too_large: Cinderguard: more than 10 header fields')
  })
})

test('a header named as something of JavaScript is a header', () => {
  const found = readHeaders(['constructor', 'a', 'toString', 'b'], '1.1', 10)
  expect(isRejection(found) ? [] : [...found]).toEqual([
    ['constructor', 'a'],
    ['tostring', 'b'],
  ])
})

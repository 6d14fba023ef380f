import type { Names } from './forms.ts'
import { plain, render } from './raw-request.ts'

/**
 * The byte sequences of other people's research, written anew around a guarded operation: what llhttp's own tests, the
 * HTTP Garden and the published classes of request smuggling say servers disagree about. Each hides a detach from one
 * reading and shows it to another.
 */
export interface Payload {
  readonly name: string
  /** Where the idea was published. */
  readonly source: Source
  readonly bytes: (names: Names) => Buffer
  /** What may reach an upstream, by method and last path segment: the one meaning that is left. Nothing for most. */
  readonly passes?: readonly string[]
  /** The connection may end before it has come so far. */
  readonly isCut?: true
}

type Source =
  | 'llhttp: request/invalid'
  | 'llhttp: request/content-length'
  | 'llhttp: request/transfer-encoding'
  | 'llhttp: request/connection, method, uri'
  | 'HTTP Garden'
  | 'Desync attacks (Kettle, 2019)'
  | 'WebSocket smuggling (0ang3el, 2019)'
  | 'Request smuggling in 2020 (Klein)'
  | 'h2c smuggling (Bishop Fox, 2020)'
  | 'Node: CVE-2020-8287 to CVE-2025-23167'
  | 'HTTP/2 downgrades (Kettle, 2021)'
  | 'Browser-powered desync (Kettle, 2022)'
  | 'HAProxy: CVE-2023-25725, CVE-2023-45539'
  | 'TE.0 (2024)'
  | 'Gunicorn: CVE-2024-1135, CVE-2024-6827'
  | 'Funky chunks (Weikop, 2025)'
  | 'HTTP/1.1 must die (Kettle, 2025)'

const DETACH = '{"os-detach": {}}'
const raw = (...lines: readonly string[]): Buffer => Buffer.from(lines.join('\r\n'), 'latin1')
/** The guarded request that is hidden. */
const hidden = ({ project, volume, token }: Names): string =>
  render(
    plain(
      'POST',
      `/v3/${project}/volumes/${volume}/action`,
      [
        ['X-Auth-Token', token],
        ['Content-Type', 'application/json'],
      ],
      DETACH,
    ),
  ).toString('latin1')
const hex = (text: string): string => text.length.toString(16)
/** A harmless request with these header lines and this body. */
const post = (names: Names, lines: readonly string[], body: string): Buffer =>
  raw(
    `POST /v3/${names.project}/limits HTTP/1.1`,
    'Host: cinder',
    `X-Auth-Token: ${names.token}`,
    ...lines,
    '',
    body,
  )
const get = (names: Names, lines: readonly string[], rest = ''): Buffer =>
  raw(
    `GET /v3/${names.project}/limits HTTP/1.1`,
    'Host: cinder',
    `X-Auth-Token: ${names.token}`,
    ...lines,
    '',
    rest,
  )

/** Lengths by which one reading ends the body at once, and the other after the hidden request. */
const withLength =
  (value: (size: number) => string, more: readonly string[] = []) =>
  (names: Names): Buffer => {
    const inner = hidden(names)
    return post(names, [...more, `Content-Length: ${value(inner.length)}`], inner)
  }
/** A Transfer-Encoding line that one reading knows; an empty chunked body, and the hidden request behind it. */
const withCoding =
  (...lines: readonly string[]) =>
  (names: Names): Buffer => {
    const inner = `0\r\n\r\n${hidden(names)}`
    return post(names, [`Content-Length: ${inner.length}`, ...lines], inner)
  }
/** The same, with no Content-Length beside it. */
const codedAlone =
  (...lines: readonly string[]) =>
  (names: Names): Buffer =>
    post(names, lines, `0\r\n\r\n${hidden(names)}`)
/** A chunked body of these bytes. */
const chunks = (body: (inner: string) => string) => (names: Names) =>
  post(names, ['Transfer-Encoding: chunked'], body(hidden(names)))
const withHeaders =
  (...lines: readonly string[]) =>
  (names: Names): Buffer =>
    get(names, lines, hidden(names))

const CHUNKED = 'Transfer-Encoding: chunked'
const GET_LIMITS = ['GET limits']
const POST_LIMITS = ['POST limits']
/** The hidden request is read as the request that it is, and judged. */
const BOTH = ['GET limits', 'POST action']

export const CORPUS: readonly Payload[] = [
  ...rows('llhttp: request/content-length', [
    ['a length with leading zeroes', withLength((size) => `00${size}`), POST_LIMITS],
    ['a length beyond 64 bits', withLength(() => '18446744073709551617')],
    ['two lengths', withLength(String, ['Content-Length: 0'])],
    ['a length and identity', withLength(String, ['Transfer-Encoding: identity'])],
    ['a blank before the colon', (names) => post(names, ['Content-Length : 0'], hidden(names))],
    ['blanks within the length', withLength((size) => `${size} 0`)],
    ['a vertical tab before the length', withLength((size) => `\v${size}`)],
    ['an empty length', withLength(() => '')],
    ['a length that is no number', withLength(() => 'x')],
    ['a negative length', withLength(() => '-1')],
  ]),
  ...rows('llhttp: request/transfer-encoding', [
    [
      'a size in capitals',
      chunks((inner) => `${hex(inner).toUpperCase()}\r\n${inner}\r\n0\r\n\r\n`),
      POST_LIMITS,
    ],
    ['three zeroes for the end', chunks((inner) => `${hex(inner)}\r\n${inner}\r\n000\r\n\r\n`), POST_LIMITS],
    ['a trailer', chunks((inner) => `${hex(inner)}\r\n${inner}\r\n0\r\nVary: *\r\n\r\n`), POST_LIMITS],
    ['an extension without a semicolon', chunks((inner) => `${hex(inner)} x\r\n${inner}\r\n0\r\n\r\n`)],
    ['an extension with nothing in it', chunks((inner) => `${hex(inner)};\r\n${inner}\r\n0\r\n\r\n`)],
    [
      'an extension in quotes',
      chunks((inner) => `${hex(inner)};a="b\\"c"\r\n${inner}\r\n0\r\n\r\n`),
      POST_LIMITS,
    ],
    ['quotes that do not end', chunks((inner) => `${hex(inner)};a="b\r\n${inner}\r\n0\r\n\r\n`)],
    ['an unknown coding', withCoding('Transfer-Encoding: pigeons')],
    ['no coding', withCoding('Transfer-Encoding:')],
    [
      'three headers with no coding',
      withCoding('Transfer-Encoding:', 'Transfer-Encoding:', 'Transfer-Encoding:'),
    ],
    ['chunked before another coding', codedAlone('Transfer-Encoding: chunked, deflate')],
    ['chunked and another header', codedAlone(CHUNKED, 'Transfer-Encoding: deflate')],
    ['chunked behind another coding', codedAlone('Transfer-Encoding: deflate, chunked')],
    ['chunkedchunked', codedAlone('Transfer-Encoding: chunkedchunked')],
    ['a folded line behind chunked', codedAlone(CHUNKED, '  abc')],
    ['no last chunk', chunks((inner) => `${hex(inner)}\r\n${inner}\r\n`)],
    ['a blank behind the size', chunks((inner) => `${hex(inner)} \r\n${inner}\r\n0\r\n\r\n`)],
    ['a size that ends in LF', chunks((inner) => `${hex(inner)}\n${inner}\r\n0\r\n\r\n`)],
    ['data that ends in LF', chunks((inner) => `${hex(inner)}\r\n${inner}\n0\r\n\r\n`)],
    ['data longer than its size', chunks((inner) => `1\r\n${inner}\r\n0\r\n\r\n`)],
  ]),
  ...rows('llhttp: request/invalid', [
    ['headers divided by CR', withHeaders('A: b\rContent-Length: 0')],
    ['headers divided by LF', withHeaders('A: b\nTransfer-Encoding: chunked')],
    ['an empty header before CR', withHeaders('A:\rContent-Length: 0')],
    ['an empty header before LF', withHeaders('A:\nTransfer-Encoding: chunked')],
    ['a name with a blank', withHeaders('Fo o: b')],
    ['a name with a control character', withHeaders('Foo\x01: b')],
    ['a header without a colon', withHeaders('Connection')],
    ['a name in parentheses', withHeaders('(Accept): b')],
    ['a folded name', withHeaders('name', ' : value')],
    ['a blank behind the request line', (names) => raw('GET /v3/ HTTP/1.1', ' Host: x', '', hidden(names))],
    ['HTTP/5.6', (names) => raw('GET /v3/ HTTP/5.6', 'Host: x', '', hidden(names))],
    ['IHTTP', (names) => raw('GET /v3/ IHTTP/1.0', 'Host: x', '', hidden(names))],
    ['RTSP', (names) => raw('SETUP /v3/ RTSP/1.0', 'Host: x', '', hidden(names))],
    ['only LF', (names) => Buffer.from(hidden(names).replaceAll('\r\n', '\n'), 'latin1')],
    [
      'headers divided by CR CR LF',
      (names) => Buffer.from(hidden(names).replaceAll('\r\n', '\r\r\n'), 'latin1'),
    ],
    ['the head ends in LF LF', (names) => Buffer.from(hidden(names).replace('\r\n\r\n', '\n\n'), 'latin1')],
  ]),
  ...rows('llhttp: request/connection, method, uri', [
    ['requests in a row', withHeaders(), BOTH],
    ['empty lines between them', (names) => get(names, [], `\r\n\r\n${hidden(names)}`), BOTH],
    ['a request behind one that closes', withHeaders('Connection: close'), GET_LIMITS, true],
    ['an upgrade', withHeaders('Connection: upgrade', 'Upgrade: ws'), GET_LIMITS],
    [
      'CONNECT with another behind it',
      (names) => raw('CONNECT a:1 HTTP/1.1', 'Host: a:1', '', hidden(names)),
    ],
    ['PRI', (names) => raw('PRI * HTTP/2.0', '', 'SM', '', hidden(names))],
    ['SOURCE of icecast', (names) => raw('SOURCE /v3/ ICE/1.0', 'Host: x', '', hidden(names))],
    ['a query in UTF-8', (names) => raw('GET /v3/?\xc3\xa9 HTTP/1.1', 'Host: x', '', hidden(names))],
  ]),
  ...rows('HTTP Garden', [
    ['LF for the end of a size', chunks((inner) => `0\n\r\n${inner}`)],
    ['a size with an underscore', chunks((inner) => `1_0\r\n${inner}\r\n0\r\n\r\n`)],
    ['a size of 0x', chunks((inner) => `0x${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`)],
    ['a size with a sign', chunks((inner) => `+${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`)],
    ['a size of less than nothing', chunks((inner) => `-1\r\n${inner}\r\n0\r\n\r\n`)],
    ['a size beyond 64 bits', chunks((inner) => `10000000000000000\r\n${inner}\r\n0\r\n\r\n`)],
    ['no size', chunks((inner) => `\r\n${inner}\r\n0\r\n\r\n`)],
    ['a blank before the size', chunks((inner) => ` ${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`)],
    ['a length with an underscore', withLength((size) => `${Math.floor(size / 10)}_${size % 10}`)],
    ['a length with a sign', withLength((size) => `+${size}`)],
    ['a length in hexadecimal', withLength((size) => `0x${size.toString(16)}`)],
    ['a length in a list', withLength((size) => `${size}, ${size}`)],
    ['a length with a comma', withLength((size) => `${size},`)],
    ['NUL in a name', withHeaders('Content-Length\0: 0')],
    ['NUL in a value', withHeaders('A: b\0c')],
    ['a byte beyond ASCII in a name', withHeaders('Content-Length\xa0: 0')],
    ['an empty name', withHeaders(': b')],
    ['no version', (names) => raw('GET /v3/', 'Host: x', '', hidden(names))],
    ['a blank behind the version', (names) => raw('GET /v3/ HTTP/1.1 ', 'Host: x', '', hidden(names))],
    ['a tab in the request line', (names) => raw('GET\t/v3/\tHTTP/1.1', 'Host: x', '', hidden(names))],
    ['CR in the request line', (names) => raw('GET /v3/ HTTP/1.1\rA: b', 'Host: x', '', hidden(names))],
    ['http/1.1', (names) => raw('GET /v3/ http/1.1', 'Host: x', '', hidden(names))],
    ['HTTP/01.1', (names) => raw('GET /v3/ HTTP/01.1', 'Host: x', '', hidden(names))],
    ['HTTP/1.10', (names) => raw('GET /v3/ HTTP/1.10', 'Host: x', '', hidden(names))],
    ['Content_Length', withHeaders('Content_Length: 400'), BOTH],
    ['Transfer_Encoding', withHeaders('Transfer_Encoding: chunked'), BOTH],
  ]),
  ...rows('Desync attacks (Kettle, 2019)', [
    ['CL.TE', withCoding(CHUNKED)],
    ['TE.CL', (names) => post(names, ['Content-Length: 4', CHUNKED], `5c\r\n${hidden(names)}\r\n0\r\n\r\n`)],
    ['xchunked', withCoding('Transfer-Encoding: xchunked')],
    ['a blank before the colon', withCoding('Transfer-Encoding : chunked')],
    ['chunked and x', withCoding(CHUNKED, 'Transfer-Encoding: x')],
    ['a tab for the blank', withCoding('Transfer-Encoding:\tchunked')],
    ['a blank before the name', withCoding(' Transfer-Encoding: chunked')],
    ['LF before the name', withCoding('X: X\nTransfer-Encoding: chunked')],
    ['a line break before the colon', withCoding('Transfer-Encoding', ' : chunked')],
    ['in quotes', withCoding('Transfer-Encoding: "chunked"')],
    ['in capitals', withCoding('TRANSFER-ENCODING: CHUNKED')],
  ]),
  ...rows('Request smuggling in 2020 (Klein)', [
    ['words behind a length name', (names) => post(names, ['Content-Length abcde: 20'], hidden(names))],
    ['CR before a length', withHeaders('X: y\rContent-Length: 20')],
    ['HTTP/1.2', (names) => raw('POST /v3/ HTTP/1.2', 'Host: x', CHUNKED, '', `0\r\n\r\n${hidden(names)}`)],
    [
      'chunks in HTTP/1.0',
      (names) => raw('POST /v3/ HTTP/1.0', 'Host: x', CHUNKED, '', `0\r\n\r\n${hidden(names)}`),
    ],
    [
      'a length behind an empty line of blanks',
      (names) => post(names, [' ', 'Content-Length: 20'], hidden(names)),
    ],
  ]),
  ...rows('Node: CVE-2020-8287 to CVE-2025-23167', [
    ['two Transfer-Encoding, the first unknown', codedAlone('Transfer-Encoding: x', CHUNKED)],
    [
      'an extension of 20,000 bytes',
      chunks((inner) => `${hex(inner)};${'a'.repeat(20_000)}\r\n${inner}\r\n0\r\n\r\n`),
    ],
    ['LF behind an extension', chunks((inner) => `1;a\n${inner}\r\n0\r\n\r\n`)],
    ['a coding over two lines', codedAlone('Transfer-Encoding: chunked', ' , identity')],
    ['LF CR behind chunked', codedAlone('Transfer-Encoding: chunked\n\r')],
    ['CR for a delimiter', withHeaders(`A: b\rTransfer-Encoding: chunked\r\rx`)],
    ['a blank before a length', withLength(String, [' Content-Length: 0'])],
    [
      'the head ends in CR LF CR X',
      (names) => Buffer.from(hidden(names).replace('\r\n\r\n', '\r\n\rX'), 'latin1'),
    ],
  ]),
  ...rows('WebSocket smuggling (0ang3el, 2019)', [
    [
      'a handshake of an unknown version',
      withHeaders(
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 777',
        'Sec-WebSocket-Key: AAAA',
      ),
      GET_LIMITS,
    ],
  ]),
  ...rows('h2c smuggling (Bishop Fox, 2020)', [
    [
      'an upgrade to h2c',
      withHeaders(
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      ),
      GET_LIMITS,
    ],
    ['without its Connection', withHeaders('Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'), BOTH],
  ]),
  ...rows('HTTP/2 downgrades (Kettle, 2021)', [
    ['a pseudo-header', withHeaders(':path: /v3/x')],
    [
      'the preface of HTTP/2',
      (names) => raw('PRI * HTTP/2.0', '', 'SM', '', '\0\0\0\x04\0\0\0\0\0', hidden(names)),
    ],
    ['Transfer-Encoding with a blank line in it', codedAlone('Transfer-Encoding: chunked\r\n\r\n')],
  ]),
  ...rows('Browser-powered desync (Kettle, 2022)', [
    ['CL.0', withLength(String), POST_LIMITS],
    [
      'CL.0 of a GET',
      (names) => {
        const inner = hidden(names)
        return get(names, [`Content-Length: ${inner.length}`], inner)
      },
      GET_LIMITS,
    ],
    [
      'HEAD with a body',
      (names) => {
        const inner = hidden(names)
        return raw('HEAD /v3/limits HTTP/1.1', 'Host: x', `Content-Length: ${inner.length}`, '', inner)
      },
      ['HEAD limits'],
    ],
    ['Connection that names Content-Length', withLength(String, ['Connection: Content-Length'])],
  ]),
  ...rows('HAProxy: CVE-2023-25725, CVE-2023-45539', [
    ['an empty name before others', (names) => post(names, [':x', 'Content-Length: 0'], hidden(names))],
    [
      'a fragment in the path',
      (names) => raw('GET /v3/limits#/../x.png HTTP/1.1', 'Host: x', '', hidden(names)),
      ['POST action'],
    ],
  ]),
  ...rows('TE.0 (2024)', [
    [
      'a chunked body of OPTIONS',
      (names) => {
        const inner = hidden(names)
        return raw(
          'OPTIONS /v3/limits HTTP/1.1',
          'Host: x',
          CHUNKED,
          '',
          `${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`,
        )
      },
      ['OPTIONS limits'],
    ],
    [
      'a chunked body of a GET',
      (names) => {
        const inner = hidden(names)
        return get(names, [CHUNKED], `${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`)
      },
      GET_LIMITS,
    ],
  ]),
  ...rows('Gunicorn: CVE-2024-1135, CVE-2024-6827', [
    ['chunked,identity', withCoding('Transfer-Encoding: chunked,identity')],
    ['chunked,x', withCoding('Transfer-Encoding: chunked,x')],
    ['a list that ends in a comma', codedAlone('Transfer-Encoding: chunked,')],
  ]),
  ...rows('Funky chunks (Weikop, 2025)', [
    [
      'TERM.EXT: LF within an extension',
      chunks((inner) => `2;\nxx\r\n${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`),
    ],
    [
      'EXT.TERM: CR within an extension',
      chunks((inner) => `2;a\rxx\r\n${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`),
    ],
    [
      'SPILL: two bytes of anything behind the data',
      chunks((inner) => `1\r\nAXX${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`),
    ],
    ['ONE.TWO: LF behind the data', chunks((inner) => `1\r\nA\n${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`)],
    ['ZERO.TWO: nothing behind the data', chunks((inner) => `1\r\nA${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`)],
    ['a trailer that ends in LF', chunks((inner) => `0\r\nA: b\n\r\n${inner}`)],
    ['a trailer that is a length', chunks((inner) => `0\r\nContent-Length: 5\r\n\r\n${inner}`)],
  ]),
  ...rows('HTTP/1.1 must die (Kettle, 2025)', [
    ['0.CL: a folded length', (names) => post(names, ['Content-Length:', ' 20'], hidden(names))],
    [
      'a length behind a blank name',
      (names) => post(names, ['Foo: bar', '\tContent-Length: 20'], hidden(names)),
    ],
    ['an expectation with a body', withLength(String, ['Expect: 100-continue']), POST_LIMITS],
    ['words before the expectation', withLength(String, ['Expect: y 100-continue'])],
    ['an expectation of a GET', withHeaders('Expect: 100-continue'), BOTH],
    ['two expectations', withLength(String, ['Expect: 100-continue', 'Expect: 100-continue'])],
    ['two hosts', withHeaders('Host: other')],
    ['a host with a path', (names) => raw('GET /v3/limits HTTP/1.1', 'Host: x/v3/y', '', hidden(names))],
    [
      'absolute-form beside another host',
      (names) => raw('GET http://a/v3/limits HTTP/1.1', 'Host: b', '', hidden(names)),
      ['POST action'],
    ],
  ]),
]

type Row = readonly [name: string, bytes: (names: Names) => Buffer, passes?: readonly string[], isCut?: true]
function rows(source: Source, each: readonly Row[]): readonly Payload[] {
  return each.map(([name, bytes, passes, isCut]) => ({
    ...{ name, source, bytes },
    ...(passes && { passes }),
    ...(isCut && { isCut }),
  }))
}

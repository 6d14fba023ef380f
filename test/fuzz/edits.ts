import { plain, type RawRequest, render } from './raw-request.ts'

/** One way to spoil a request; `a` and `b` choose among its variants and places. */
export type Edit = (request: RawRequest, a: number, b: number) => void

const pick = <T>(choices: readonly T[], at: number): T => choices[at % choices.length] as T
const insert = (text: string, what: string, at: number): string => {
  const place = at % (text.length + 1)
  return text.slice(0, place) + what + text.slice(place)
}
/** Sets the length right again after a change of the body. */
function sized(request: RawRequest, body: Buffer): void {
  request.body = body
  for (const header of request.headers)
    if (header[0].toLowerCase() === 'content-length') header[1] = String(body.length)
}
const json = (request: RawRequest, change: (text: string) => string): void =>
  sized(request, Buffer.from(change(request.body.toString('latin1')), 'latin1'))
const header = (request: RawRequest, name: string, value: string, at = 0): void =>
  void request.headers.splice(at % (request.headers.length + 1), 0, [name, value])
const without = (request: RawRequest, name: string): void => {
  request.headers = request.headers.filter(([each]) => each.toLowerCase() !== name)
}

const IN_PATHS = [
  ...['/', '//', '/./', '/../', '/x/../', '/.', '%2F', '%2f', '%2e', '%2E%2E/', '%2e/', ';x', ';a=b', ','],
  ...[
    '?',
    '#',
    '%23',
    '%3F',
    '%00',
    '%0A',
    '%0D',
    '.json',
    '.JSON',
    '.xml',
    '\\',
    '%5C',
    '%',
    '%z1',
    '%%',
    '%252F',
  ],
  ...['%C0%AF', '%E1', '%EF%BC%8F', '\xe9', ' ', '\t', '\r', '\n', '+', '&', '*', '@', ':', '%20', '%09'],
]
const ENDS = [
  ...[
    '/',
    '.json',
    '.json.json',
    '.json/',
    '.xml',
    '%0A',
    '%0a',
    '\n',
    '%00',
    '?',
    '?x=1',
    '#',
    '#x',
    '/.',
    '/..',
    ';',
  ],
  ...[
    '?_method=DELETE',
    '?_method=POST',
    '?_method=GET',
    '?a=1;_method=delete',
    '?%5Fmethod=POST',
    '?x=_method&%5fmethod=DELETE',
  ],
  ...[
    '?_method=po%C5%BFt',
    '?+_method=POST',
    '?_method',
    '?_method=&_method=POST',
    '?a&_method=DELETE#',
    '?a=b?_method=POST',
  ],
]
const STARTS = [
  ...[
    '/',
    '//',
    '/.',
    '/./',
    '/x/..',
    '/volume',
    '/volume/v3/..',
    'http://cinder',
    'HTTP://cinder',
    'https://a:b@cinder',
  ],
  ...[
    'http://cinder:8776',
    'http:/',
    '*',
    '\\',
    '%2F',
    ' ',
    '/%2e',
    'cinder:8776',
    '/healthcheck/..',
    '/v3/..',
    '//cinder',
  ],
]
const METHODS = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'post',
  'Delete',
  'POST\t',
  'PROPFIND',
  'M-SEARCH',
  '',
]
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/1.1 x',
  '',
  'HTTP/1.1\t',
  'HTTP/1.10',
]
const CONTENT_TYPES = [
  ...[
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-16',
    'application/json;charset=utf-7',
    'text/plain',
    '',
  ],
  ...[
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/vnd.openstack.volume+json',
    'json',
    ' application/json',
    'application/json, text/plain',
  ],
]
const VERSION_HEADERS = [
  'volume 3.0',
  'volume 3.27',
  'volume latest',
  'volume 3.999',
  'compute 2.1, volume 3.44',
  'novolume 3.27',
  'volume',
  'volume 2.0',
  'volume 3.27, volume 3.0',
]
const LENGTHS = [
  '+5',
  '0x5',
  ' 14',
  '14 ',
  '014',
  '1e1',
  '-1',
  '0',
  '',
  '14, 14',
  '14,15',
  '99999999999999999999',
  '14;',
  '١٤',
  '\v14',
]
const ENCODINGS = [
  ...[
    'chunked',
    'Chunked',
    ' chunked',
    'chunked ',
    'xchunked',
    'chunked, identity',
    'identity',
    'identity, chunked',
    'gzip, chunked',
  ],
  ...[
    'chunked, chunked',
    '\tchunked',
    'chunked\x00',
    'chunk',
    '"chunked"',
    'x\r\n chunked',
    ',chunked',
    'chunked,',
  ],
]
const OTHER_HEADERS: readonly (readonly [string, string])[] = [
  ['X-Roles', 'admin'],
  ['X-Service-Roles', 'service'],
  ['X_Service_Roles', 'service'],
  ['X-Service-Identity-Status', 'Confirmed'],
  ['X-Identity-Status', 'Confirmed'],
  ['X-User-Id', 'f'.repeat(32)],
  ['X-Is-Admin-Project', 'True'],
  ['X-Service-Token', 'gAAAAABgarbage'],
  ['X_Service_Token', 'gAAAAABgarbage'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-HTTP-Method', 'DELETE'],
  ['X-Method-Override', 'DELETE'],
  ['X-Original-URL', '/v3/volumes'],
  ['X-Rewrite-URL', '/v3/volumes'],
  ['X-Forwarded-Prefix', '/v3'],
  ['X-Script-Name', '/v3'],
  ['Forwarded', 'for=127.0.0.1;host=x'],
  ['Connection', 'close, X-Auth-Token, Content-Length'],
  ['Connection', 'keep-alive, Content-Type'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'],
  ['Expect', '100-continue'],
  ['Expect', '100-Continue, x'],
  ['Trailer', 'X-Auth-Token'],
  ['TE', 'trailers'],
  ['Content-Encoding', 'gzip'],
  ['Content-Type', 'text/plain'],
  ['Content_Type', 'text/plain'],
  ['Content_Length', '0'],
  ['Content-Length', '0'],
  ['Transfer_Encoding', 'chunked'],
  ['OpenStack_API_Version', 'volume 3.27'],
  ['Host', 'other'],
  ['Accept', 'application/vnd.openstack.volume+json'],
  ['X-Storage-Token', 'gAAAAABgarbage'],
  ['X\x00Y', 'z'],
  ['X Y', 'z'],
  ['Name\t', 'z'],
  ['', 'z'],
  ['X', 'a\r\n b'],
  ['X', 'a\n\tb'],
  ['X', 'a\rX-Service-Roles: service'],
  ['X', 'v'.repeat(20_000)],
]

/** All edits by name; the name is what a failure is reported by. */
export const EDITS: Readonly<Record<string, Edit>> = {
  'into the path': (request, a, b) => {
    request.target = insert(request.target, pick(IN_PATHS, a), b)
  },
  'instead of a slash': (request, a, b) => {
    const parts = request.target.split('/')
    const at = 1 + (b % Math.max(1, parts.length - 1))
    request.target = `${parts.slice(0, at).join('/')}${pick(IN_PATHS, a)}${parts.slice(at).join('/')}`
  },
  'after the path': (request, a) => {
    request.target += pick(ENDS, a)
  },
  'before the path': (request, a) => {
    request.target = pick(STARTS, a) + request.target
  },
  'a character percent-encoded': (request, a, b) => {
    const at = a % request.target.length
    const code = request.target.charCodeAt(at).toString(16).padStart(2, '0')
    const escaped = `%${pick([code, code.toUpperCase(), `25${code}`], b)}`
    request.target = request.target.slice(0, at) + escaped + request.target.slice(at + 1)
  },
  'a character in the other case': (request, a) => {
    const at = a % request.target.length
    const char = request.target[at] ?? ''
    const other = char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase()
    request.target = request.target.slice(0, at) + other + request.target.slice(at + 1)
  },
  'a segment taken out': (request, a) => {
    const parts = request.target.split('/')
    parts.splice(1 + (a % Math.max(1, parts.length - 1)), 1)
    request.target = parts.join('/') || '/'
  },
  'a segment twice': (request, a) => {
    const parts = request.target.split('/')
    const at = a % parts.length
    parts.splice(at, 0, parts[at] ?? '')
    request.target = parts.join('/')
  },
  'another API version': (request, a) => {
    request.target = request.target.replace(
      '/v3',
      pick(['/v2', '/v1', '/V3', '/v3.0', '', '/v3/v3', '/v2/../v3', '/volume/v3', '/volume%2Fv3'], a),
    )
  },
  'another method': (request, a) => {
    request.method = pick(METHODS, a)
  },
  'another HTTP version': (request, a) => {
    request.version = pick(VERSIONS, a)
  },
  'another content type': (request, a) => {
    without(request, 'content-type')
    header(request, 'Content-Type', pick(CONTENT_TYPES, a), a)
  },
  'a version header': (request, a, b) => {
    if (b % 2 === 0) without(request, 'openstack-api-version')
    header(request, 'OpenStack-API-Version', pick(VERSION_HEADERS, a), b)
  },
  'a wrong length': (request, a) => {
    without(request, 'content-length')
    header(
      request,
      'Content-Length',
      pick([...LENGTHS, String(request.body.length + 1), String(request.body.length - 1)], a),
    )
  },
  'a second length': (request, a, b) => {
    header(
      request,
      pick(['Content-Length', 'content-length', 'Content-Length ', ' Content-Length'], b),
      pick([...LENGTHS, String(request.body.length)], a),
      b,
    )
  },
  'in chunks': (request, a, b) => {
    if (b % 3 !== 0) without(request, 'content-length')
    header(
      request,
      pick(['Transfer-Encoding', 'transfer-encoding', 'Transfer-Encoding ', 'Transfer_Encoding'], b),
      pick(ENCODINGS, a),
      b,
    )
    const size = request.body.length.toString(16)
    const line = pick(
      [
        size,
        `0${size}`,
        `${size};x=y`,
        `${size} `,
        `0x${size}`,
        `${size.toUpperCase()}`,
        `+${size}`,
        `${size}\n`,
      ],
      b,
    )
    const end = pick(
      ['0\r\n\r\n', '0\r\nX-Service-Roles: service\r\n\r\n', '00\r\n\r\n', '0\n\n', '0;x\r\n\r\n', ''],
      a,
    )
    request.body = Buffer.concat([Buffer.from(`${line}\r\n`), request.body, Buffer.from(`\r\n${end}`)])
  },
  'another header': (request, a, b) => {
    const [name, value] = pick(OTHER_HEADERS, a)
    header(request, name, value, b)
  },
  'a header twice': (request, a, b) => {
    const found = request.headers[a % Math.max(1, request.headers.length)]
    if (found !== undefined) header(request, found[0], pick([found[1], '', 'x', `${found[1]},`], b), b)
  },
  'a header with an underscore': (request, a) => {
    const found = request.headers[a % Math.max(1, request.headers.length)]
    if (found !== undefined) found[0] = found[0].replaceAll('-', '_')
  },
  'a header taken out': (request, a) => {
    request.headers.splice(a % Math.max(1, request.headers.length), 1)
  },
  'a blank before the colon or in the value': (request, a, b) => {
    const found = request.headers[a % Math.max(1, request.headers.length)]
    if (found === undefined) return
    if (b % 2 === 0) found[0] += pick([' ', '\t', '\x0b', '\xa0'], b)
    else found[1] = pick([` ${found[1]}`, `${found[1]} \t`, `\x0b${found[1]}`, `\r\n ${found[1]}`], b)
  },
  'blanks in the body': (request, a, b) =>
    json(request, (text) =>
      insert(text, pick([' ', '\n', '\r\n', '\t', '\f', '\x00', '\xa0', '\xef\xbb\xbf'], a), b),
    ),
  'an escape in the body': (request, a) =>
    json(request, (text) => {
      const at = a % Math.max(1, text.length)
      const code = text.charCodeAt(at).toString(16).padStart(4, '0')
      return `${text.slice(0, at)}\\u${code}${text.slice(at + 1)}`
    }),
  'another key': (request, a, b) => {
    const more = pick(
      [
        '"os-reserve": {}',
        '"os-detach": {}',
        '"x": NaN',
        '"os-detach": null',
        '"os-force_detach": {}',
        '"": 1',
      ],
      a,
    )
    json(request, (text) =>
      b % 2 === 0 ? text.replace('{', `{${more}, `) : text.replace(/\}\s*$/, `, ${more}}`),
    )
  },
  'another body': (request, a) =>
    json(request, () =>
      pick(
        [
          '',
          '{}',
          '[]',
          'null',
          '"os-detach"',
          '[{"os-detach": {}}]',
          '{"os-detach": []}',
          '{"os-detach": {"attachment_id": null}}',
          '_method=DELETE',
          '{"os-detach": {}}\n{"os-reserve": {}}',
          "{'os-detach': {}}",
          '\xff\xfe{\x00}\x00',
          '{"os-detach":1e999}',
        ],
        a,
      ),
    ),
  'the body in another encoding': (request, a) =>
    sized(
      request,
      Buffer.from(request.body.toString('latin1'), pick(['utf16le', 'base64', 'hex'] as const, a)),
    ),
  'bare line feeds': (request, a) => {
    request.newline = pick(['\n', '\r', '\r\r\n', '\n\r', '\r\n\r\n'], a)
  },
  'another request behind it': (request, a) => {
    const [, token = ''] = request.headers.find(([name]) => name === 'X-Auth-Token') ?? []
    const [, type = ''] = request.headers.find(([name]) => name === 'Content-Type') ?? []
    const second = plain(
      request.method,
      request.target,
      [
        ['X-Auth-Token', token],
        ['Content-Type', type || 'application/json'],
      ],
      request.body.toString('latin1'),
    )
    const between = Buffer.from(pick(['', '\r\n', '\n', 'x', '0\r\n\r\n', '\x00'], a))
    request.tail = Buffer.concat([between, render(second), request.tail])
  },
}

/** One way to spoil the bytes themselves. */
export function editBytes(bytes: Buffer, kind: number, at: number, value: number): Buffer {
  const place = at % (bytes.length + 1)
  const byte = Buffer.from([
    pick([value % 256, 0, 9, 10, 11, 13, 32, 35, 37, 47, 58, 59, 63, 92, 95, 127, 160, 255], value),
  ])
  if (kind % 4 === 0) return Buffer.concat([bytes.subarray(0, place), byte, bytes.subarray(place)])
  if (kind % 4 === 1) return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)])
  if (kind % 4 === 2) return Buffer.concat([bytes.subarray(0, place), byte, bytes.subarray(place + 1)])
  const end = Math.min(bytes.length, place + 1 + (value % 8))
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(place)])
}

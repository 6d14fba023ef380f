import { plain, type RawRequest } from './raw-request.ts'

/**
 * Ways to write a guarded request, each with what becomes of it before the gateway: `guarded` is read as what it is
 * (409), `refused` has more than one reading and is no client's (400), `closed` ends the
 * connection, and a number is Cinder's own answer. `form`: Cinder's Routes let the body name the method, and Cinder then
 * refuses the body for its type (415); the stand-in cloud has no such route (404).
 */
export type Expected = 'guarded' | 'refused' | 'closed' | number
export type Form = readonly [name: string, make: (of: Names) => RawRequest, expected: Expected]

export interface Names {
  readonly project: string
  readonly volume: string
  readonly attachment: string
  readonly token: string
  /** Token of an admin, whom the check binds too. */
  readonly admin: string
  /** A volume that is not attached. */
  readonly newVolume: string
}

const DETACH = '{"os-detach": {}}'
const JSON_TYPE = ['Content-Type', 'application/json'] as const
const token = (names: Names) => ['X-Auth-Token', names.token] as const
const VERSION = ['OpenStack-API-Version', 'volume 3.27'] as const

const detach = (
  names: Names,
  change: (request: RawRequest) => void = () => undefined,
  body = DETACH,
): RawRequest => {
  const path = `/v3/${names.project}/volumes/${names.volume}/action`
  const request = plain('POST', path, [token(names), JSON_TYPE], body)
  change(request)
  return request
}
const remove = (names: Names, change: (request: RawRequest) => void = () => undefined): RawRequest => {
  const request = plain('DELETE', `/v3/${names.project}/attachments/${names.attachment}`, [
    token(names),
    VERSION,
  ])
  change(request)
  return request
}
/** The detach with its target changed. */
const at = (change: (target: string) => string) => (names: Names) =>
  detach(names, (request) => {
    request.target = change(request.target)
  })
const removeAt = (change: (target: string) => string) => (names: Names) =>
  remove(names, (request) => {
    request.target = change(request.target)
  })
const withBody = (body: string) => (names: Names) => detach(names, undefined, body)
const withBytes = (bytes: Buffer) => (names: Names) =>
  detach(names, (request) => {
    request.body = bytes
    set(request, 'Content-Length', String(bytes.length))
  })
const withHeader =
  (...headers: readonly (readonly [string, string])[]) =>
  (names: Names) =>
    detach(
      names,
      (request) =>
        void request.headers.push(...headers.map(([name, value]): [string, string] => [name, value])),
    )
function set(request: RawRequest, name: string, value: string | null): void {
  request.headers = request.headers.filter(([each]) => each !== name)
  if (value !== null) request.headers.push([name, value])
}
const withInstead = (name: string, value: string | null) => (names: Names) =>
  detach(names, (request) => set(request, name, value))
const by =
  (method: string, change: (target: string) => string = (target) => target) =>
  (names: Names) =>
    detach(names, (request) => {
      request.method = method
      request.target = change(request.target)
    })
const chunked =
  (...pieces: readonly string[]) =>
  (names: Names) =>
    detach(names, (request) => {
      set(request, 'Content-Length', null)
      set(request, 'Transfer-Encoding', 'chunked')
      request.body = Buffer.from(pieces.join(''), 'latin1')
    })
/** A volume action by an admin, by the URL without a project. */
const byAdmin =
  (body: (names: Names) => object, suffix = '') =>
  (names: Names) =>
    plain(
      'POST',
      `/v3/volumes/${names.volume}/action${suffix}`,
      [['X-Auth-Token', names.admin], JSON_TYPE],
      JSON.stringify(body(names)),
    )
const removeWith =
  (body: string, ...headers: readonly (readonly [string, string])[]) =>
  (names: Names) =>
    plain(
      'DELETE',
      `/v3/${names.project}/attachments/${names.attachment}`,
      [token(names), VERSION, ...headers],
      body,
    )
/** A form, posted to where an attachment would be deleted. */
const formPost = (type: string, body: string) => (names: Names) =>
  plain(
    'POST',
    `/v3/${names.project}/attachments/${names.attachment}`,
    [token(names), VERSION, ['Content-Type', type]],
    body,
  )
const SIZE = DETACH.length.toString(16)

export const FORMS: Readonly<Record<string, readonly Form[]>> = {
  'the path': [
    ['as clients send it', at((target) => target), 'guarded'],
    ['without the project', at((target) => target.replace(/\/v3\/[^/]+/, '/v3')), 'guarded'],
    ['with .json', at((target) => `${target}.json`), 'guarded'],
    ['an attachment with .json', removeAt((target) => `${target}.json`), 'guarded'],
    [
      'an attachment without the project',
      removeAt((target) => target.replace(/\/v3\/[^/]+/, '/v3')),
      'guarded',
    ],
    ['a letter percent-encoded', at((target) => target.replace('action', '%61ction')), 'guarded'],
    ['a letter of the mount percent-encoded', at((target) => target.replace('/v3', '/%763')), 'guarded'],
    ['with an empty query', at((target) => `${target}?`), 'guarded'],
    ['with a query', at((target) => `${target}?a=b&c`), 'guarded'],
    ['with _method as a value', at((target) => `${target}?name=_method`), 'guarded'],
    ['/v2, which this Cinder has no more', at((target) => target.replace('/v3', '/v2')), 'guarded'],
    ['/v1, which no Cinder has', at((target) => target.replace('/v3', '/v1')), 'guarded'],
    ['an attachment with .json twice', removeAt((target) => `${target}.json.json`), 404],
    ['the list of attachments for one', removeAt((target) => target.replace(/[^/]+$/, 'detail')), 404],
    ['the list of volumes for one', at((target) => target.replace(/volumes\/[^/]+/, 'volumes/detail')), 404],
    ['no project id for a project', at((target) => target.replace(/\/v3\/[^/]+/, '/v3/ZZ')), 404],
    ["another project's id", at((target) => target.replace(/\/v3\/[^/]+/, `/v3/${'f'.repeat(32)}`)), 400],
    ['a trailing slash', at((target) => `${target}/`), 404],
    ['in upper case', at((target) => target.replace('action', 'ACTION')), 404],
    ['.xml, a format until Newton', at((target) => `${target}.xml`), 'guarded'],
    ['.JSON', at((target) => `${target}.JSON`), 404],
    ['a matrix parameter', at((target) => `${target};x=1`), 404],
    ['/V3', at((target) => target.replace('/v3', '/V3')), 'refused'],
    ['doubled slashes', at((target) => target.replace('/volumes', '//volumes')), 'refused'],
    ['doubled slashes before all', at((target) => `/${target}`), 'refused'],
    ['an encoded slash', at((target) => target.replace('/action', '%2Faction')), 'refused'],
    ['an encoded slash in lower case', at((target) => target.replace('/action', '%2faction')), 'refused'],
    ['a dot segment', at((target) => target.replace('/volumes', '/./volumes')), 'refused'],
    ['a double-dot segment', at((target) => target.replace('/volumes', '/x/../volumes')), 'refused'],
    ['an encoded dot segment', at((target) => target.replace('/volumes', '/%2e/volumes')), 'refused'],
    [
      'an encoded double-dot segment',
      at((target) => target.replace('/volumes', '/x/%2E%2e/volumes')),
      'refused',
    ],
    ['a fragment', at((target) => `${target}#x`), 'refused'],
    ['a fragment that hides the end', at((target) => target.replace('/action', '#/action')), 'refused'],
    ['an encoded newline at the end', at((target) => `${target}%0A`), 'refused'],
    ['an encoded NUL', at((target) => `${target}%00`), 'refused'],
    ['a malformed escape', at((target) => `${target}%zz`), 'refused'],
    ['a doubled percent sign', at((target) => target.replace('action', '%%61ction')), 'refused'],
    ['a backslash', at((target) => target.replace('/action', '\\action')), 'refused'],
    ['overlong UTF-8', at((target) => target.replace('/action', '%c0%afaction')), 'refused'],
    ['a byte beyond ASCII', at((target) => target.replace('volumes', 'volum\xe9s')), 'refused'],
    ['a tab', at((target) => target.replace('/action', '\t/action')), 'refused'],
    ['absolute-form', at((target) => `http://cinder${target}`), 'refused'],
    ['absolute-form in upper case', at((target) => `HTTP://cinder${target}`), 'refused'],
    ['without its slash', at((target) => target.slice(1)), 'refused'],
    ['an asterisk', at(() => '*'), 'refused'],
    ['below a prefix that nobody configured', at((target) => `/volume${target}`), 'refused'],
    ['by way of the health check', at((target) => `/healthcheck/..${target}`), 'refused'],
  ],
  'the method': [
    ['_method in the query', removeAt((target) => `${target}?_method=DELETE`), 'refused'],
    ['_method of a GET', by('GET', (target) => `${target}?_method=POST`), 'refused'],
    ['_method of OPTIONS', by('OPTIONS', (target) => `${target}?_method=POST`), 'refused'],
    ['_method after a semicolon', by('GET', (target) => `${target}?a=1;_method=post`), 'refused'],
    ['_method, encoded and raw', by('GET', (target) => `${target}?x=_method&%5fmethod=POST`), 'refused'],
    ['_method with a long s', by('GET', (target) => `${target}?_method=po%C5%BFt`), 'refused'],
    ['_method twice', by('GET', (target) => `${target}?_method=GET&_method=POST`), 'refused'],
    ['X-HTTP-Method-Override', withHeader(['X-HTTP-Method-Override', 'GET']), 'guarded'],
    ['_method in a form', formPost('application/x-www-form-urlencoded', '_method=DELETE'), 415],
    [
      '_method in a multipart form',
      formPost(
        'multipart/form-data; boundary=b',
        '--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--\r\n',
      ),
      415,
    ],
    [
      '_method in a form, encoded',
      formPost('Application/X-WWW-Form-URLEncoded; a=b', 'a=b;%5fmethod=DELETE'),
      415,
    ],
    ['in lower case', by('post'), 'refused'],
    ['unknown', by('PROPFIND'), 'refused'],
    ['TRACE', by('TRACE'), 'refused'],
    ['CONNECT', by('CONNECT'), 'refused'],
  ],
  operations: [
    [
      'os-terminate_connection',
      (names) => detach(names, undefined, '{"os-terminate_connection": {"connector": {"host": "h"}}}'),
      'guarded',
    ],
    [
      'os-terminate_connection with a connector of null',
      (names) => detach(names, undefined, '{"os-terminate_connection": {"connector": null}}'),
      'guarded',
    ],
    [
      'os-detach of a named attachment',
      (names) => detach(names, undefined, `{"os-detach": {"attachment_id": "${names.attachment}"}}`),
      'guarded',
    ],
    ['os-force_detach', byAdmin(() => ({ 'os-force_detach': {} })), 'guarded'],
    [
      'os-force_detach of a named attachment',
      byAdmin((names) => ({ 'os-force_detach': { attachment_id: names.attachment } })),
      'guarded',
    ],
    [
      'os-force_detach of an attachment id and .json',
      byAdmin((names) => ({ 'os-force_detach': { attachment_id: `${names.attachment}.json` } })),
      'guarded',
    ],
    [
      'os-force_detach with a connector, at .json',
      byAdmin(() => ({ 'os-force_detach': { connector: { host: 'h' } } }), '.json'),
      'guarded',
    ],
    [
      'os-migrate_volume_completion',
      byAdmin((names) => ({ 'os-migrate_volume_completion': { new_volume: names.newVolume } })),
      'guarded',
    ],
    [
      'os-migrate_volume_completion, at .json',
      byAdmin(
        (names) => ({ 'os-migrate_volume_completion': { new_volume: names.newVolume, error: false } }),
        '.json',
      ),
      'guarded',
    ],
    ['attachment delete with a body', removeWith('{}', JSON_TYPE), 400],
    ['attachment delete with a body of text', removeWith('x', ['Content-Type', 'text/plain']), 415],
    ['attachment delete with a body of no JSON', removeWith('x', JSON_TYPE), 400],
    [
      'attachment delete with an empty chunked body',
      (names) =>
        remove(names, (request) => {
          set(request, 'Content-Length', null)
          set(request, 'Transfer-Encoding', 'chunked')
          request.body = Buffer.from('0\r\n\r\n')
        }),
      'guarded',
    ],
  ],
  'the body': [
    ['an escape in the key', withBody('{"os-det\\u0061ch": {}}'), 'guarded'],
    ['the key twice', withBody('{"os-detach": 1, "os-detach": {}}'), 'guarded'],
    ['blanks around it', withBody(`\r\n\t ${DETACH}\n`), 'guarded'],
    ['Infinity within it', withBody('{"os-detach": {"x": Infinity}}'), 400],
    ['nested 300 deep', withBody(`{"os-detach": ${'['.repeat(300)}${']'.repeat(300)}}`), 400],
    ['none', withBody(''), 400],
    ['too large', withBody(DETACH + ' '.repeat(114_689)), 413],
    ['NaN within it', withBody('{"os-detach": {"x": NaN}}'), 400],
    ['a byte order mark', withBytes(Buffer.from(`\ufeff${DETACH}`)), 400],
    ['UTF-16', withBytes(Buffer.from(DETACH, 'utf16le')), 400],
    ['bytes that are not UTF-8', withBytes(Buffer.from('{"os-detach": {"a": "\xe9"}}', 'latin1')), 400],
    ['single quotes', withBody("{'os-detach': {}}"), 400],
    ['a comment', withBody(`/**/${DETACH}`), 400],
    ['two documents', withBody(`${DETACH} ${DETACH}`), 400],
    ['two keys', withBody('{"os-detach": {}, "os-reserve": {}}'), 400],
    ['another action first', withBody('{"os-reserve": {}, "os-detach": {}}'), 400],
    ['as a form', withInstead('Content-Type', 'application/x-www-form-urlencoded'), 415],
    ['as text', withInstead('Content-Type', 'text/plain'), 415],
    ['with no content type', withInstead('Content-Type', null), 400],
    ['with a charset', withInstead('Content-Type', 'application/json; charset=utf-16'), 'guarded'],
    ["as Cinder's own type", withInstead('Content-Type', 'application/vnd.openstack.volume+json'), 'guarded'],
    ['said to be compressed', withHeader(['Content-Encoding', 'gzip']), 'guarded'],
  ],
  framing: [
    ['in chunks', chunked(`${SIZE}\r\n${DETACH}\r\n0\r\n\r\n`), 'guarded'],
    [
      'in several chunks',
      chunked(
        `3\r\n${DETACH.slice(0, 3)}\r\n`,
        `${(DETACH.length - 3).toString(16)}\r\n${DETACH.slice(3)}\r\n0\r\n\r\n`,
      ),
      'guarded',
    ],
    ['a chunk extension', chunked(`${SIZE};x=y\r\n${DETACH}\r\n0\r\n\r\n`), 'guarded'],
    ['a trailer', chunked(`${SIZE}\r\n${DETACH}\r\n0\r\nX-Service-Roles: service\r\n\r\n`), 'guarded'],
    ['a chunk size with a prefix', chunked(`0x${SIZE}\r\n${DETACH}\r\n0\r\n\r\n`), 'refused'],
    ['a chunk size with a sign', chunked(`+${SIZE}\r\n${DETACH}\r\n0\r\n\r\n`), 'refused'],
    ['a chunk size with bare line feeds', chunked(`${SIZE}\n${DETACH}\n0\n\n`), 'refused'],
    [
      'Content-Length and Transfer-Encoding',
      (names) => {
        const request = chunked(`${SIZE}\r\n${DETACH}\r\n0\r\n\r\n`)(names)
        request.headers.push(['Content-Length', '5'])
        return request
      },
      'refused',
    ],
    ['another transfer coding', withHeader(['Transfer-Encoding', 'gzip, chunked']), 'refused'],
    ['identity', withHeader(['Transfer-Encoding', 'identity']), 'refused'],
    ['Content-Length twice, alike', withHeader(['Content-Length', String(DETACH.length)]), 'refused'],
    ['Content-Length twice, unlike', withHeader(['Content-Length', '0']), 'refused'],
    ['Content-Length with a sign', withInstead('Content-Length', `+${DETACH.length}`), 'refused'],
    ['Content-Length in hexadecimal', withInstead('Content-Length', '0x11'), 'refused'],
    ['Content_Length', withHeader(['Content_Length', '0']), 'guarded'],
    ['Transfer_Encoding', withHeader(['Transfer_Encoding', 'chunked']), 'guarded'],
    [
      'HTTP/1.0',
      (names) =>
        detach(names, (request) => {
          request.version = 'HTTP/1.0'
        }),
      'guarded',
    ],
    [
      'HTTP/2.0',
      (names) =>
        detach(names, (request) => {
          request.version = 'HTTP/2.0'
        }),
      'refused',
    ],
    [
      'bare line feeds',
      (names) =>
        detach(names, (request) => {
          request.newline = '\n'
        }),
      'refused',
    ],
    ['a folded header', withHeader(['X-Folded', 'a\r\n b']), 'refused'],
    ['a bare carriage return in a header', withHeader(['X-Bare', 'a\rX-Service-Roles: service']), 'refused'],
    ['NUL in a header', withHeader(['X-Nul', 'a\0b']), 'refused'],
    ['a blank before the colon', withHeader(['X-Blank ', 'a']), 'refused'],
    ['Host twice', withHeader(['Host', 'other']), 'refused'],
    ['no Host', withInstead('Host', null), 'refused'],
    ['an upgrade', withHeader(['Connection', 'Upgrade'], ['Upgrade', 'websocket']), 'guarded'],
    [
      'an upgrade to HTTP/2',
      withHeader(
        ['Connection', 'Upgrade, HTTP2-Settings'],
        ['Upgrade', 'h2c'],
        ['HTTP2-Settings', 'AAMAAABk'],
      ),
      'guarded',
    ],
    ['an expectation', withHeader(['Expect', '100-continue']), 'guarded'],
    ['an unknown expectation', withHeader(['Expect', 'x']), 417],
    [
      'too many headers',
      withHeader(...Array.from({ length: 120 }, (_, at) => [`X-${at}`, 'v'] as const)),
      431,
    ],
    ['too large a header', withHeader(['X-Large', 'v'.repeat(20_000)]), 431],
  ],
  identity: [
    ['X-Service-Roles', withHeader(['X-Service-Roles', 'service']), 'guarded'],
    ['X_Service_Roles', withHeader(['X_Service_Roles', 'service']), 'guarded'],
    [
      'X-Roles and X-Identity-Status',
      withHeader(['X-Roles', 'admin,service'], ['X-Identity-Status', 'Confirmed']),
      'guarded',
    ],
    [
      'X-Service-Identity-Status',
      withHeader(['X-Service-Identity-Status', 'Confirmed'], ['X-Service-Roles', 'service']),
      'guarded',
    ],
    ['the token twice', withHeader(['X-Auth-Token', 'x']), 'refused'],
    ['X_Auth_Token besides', withHeader(['X_Auth_Token', 'x']), 'guarded'],
    ['X_Service_Token', withHeader(['X_Service_Token', 'x']), 'guarded'],
    ['an unknown service token', withHeader(['X-Service-Token', 'x']), 401],
    ['the service token twice', withHeader(['X-Service-Token', 'x'], ['x-service-token', 'y']), 'refused'],
    ['X-Storage-Token besides', withHeader(['X-Storage-Token', 'x']), 'guarded'],
    [
      'X-Storage-Token instead',
      (names) =>
        detach(names, (request) => {
          const own = request.headers.find(([name]) => name === 'X-Auth-Token')
          if (own !== undefined) own[0] = 'X-Storage-Token'
        }),
      'guarded',
    ],
    ['the token named by Connection', withHeader(['Connection', 'X-Auth-Token']), 'refused'],
    [
      'OpenStack_API_Version',
      (names) =>
        remove(names, (request) => {
          set(request, 'OpenStack-API-Version', null)
          request.headers.push(['OpenStack_API_Version', 'volume 3.27'])
        }),
      404,
    ],
    ['the version header twice', withHeader(VERSION, VERSION), 'refused'],
    ['the content type twice', withHeader(['Content-Type', 'text/plain']), 'refused'],
  ],
}

/** The same below the prefix `/volume`, for a gateway that is told of it. */
export const PREFIXED: readonly Form[] = [
  ['below the prefix', at((target) => `/volume${target}`), 'guarded'],
  ['below the prefix, with .json', at((target) => `/volume${target}.json`), 'guarded'],
  ['a letter of the prefix percent-encoded', at((target) => `/%76olume${target}`), 'guarded'],
  ['beside the prefix', at((target) => target), 'refused'],
  ['the prefix twice', at((target) => `/volume/volume${target}`), 'refused'],
  ['the prefix in upper case', at((target) => `/VOLUME${target}`), 'refused'],
  ['a doubled slash behind it', at((target) => `/volume/${target}`), 'refused'],
  ['an encoded slash behind it', at((target) => `/volume%2F${target.slice(1)}`), 'refused'],
  ['out of the prefix and back', at((target) => `/volume/../volume${target}`), 'refused'],
  ['_method in the query', removeAt((target) => `/volume${target}?_method=DELETE`), 'refused'],
]

/** What the client reads; undefined for no answer at all. */
export function statusOf(expected: Expected): number | undefined {
  if (expected === 'closed') return undefined
  return expected === 'guarded' ? 409 : expected === 'refused' ? 400 : expected
}

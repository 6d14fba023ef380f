import { describe, expect, test } from 'vitest'
import { isRejection } from '../../src/http/rejection.ts'
import { classify } from '../../src/operation/classify.ts'
import { GUARDED_KINDS, isGuarded, type Operation } from '../../src/operation/operation.ts'
import { readTarget } from '../../src/operation/target.ts'
import { seen } from './refusal.ts'

const P = 'a0000000000000000000000000000002'
const V = 'e0000000-0000-4000-8000-000000000001'
const V2 = 'e0000000-0000-4000-8000-000000000002'
const A = 'f0000000-0000-4000-8000-000000000001'
const ON_VOLUME = `/v3/${P}/volumes/${V}/action`
const ON_ATTACHMENT = `/v3/${P}/attachments/${A}`
const OTHER: Operation = { kind: 'other', projectInUrl: null, version: '' }

interface Sent {
  readonly method?: string
  readonly target?: string
  readonly body?: unknown
  readonly type?: string | undefined
  readonly version?: string | undefined
  readonly prefix?: string
  readonly project?: string | null
}

/** The operation, or the refusal in words; the body is JSON unless it is a string already. */
function read(sent: Sent): Operation | string {
  const { method = 'POST', target = ON_VOLUME, body = '', version, prefix = '', project = P } = sent
  const path = readTarget(target, prefix)
  if (isRejection(path)) return seen(path) as string
  const found = classify(
    {
      ...path,
      method,
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      contentType: 'type' in sent ? sent.type : 'application/json',
      apiVersion: version,
    },
    { tokenProject: project, maximum: [3, 70] },
  )
  return seen(found)
}

const MALFORMED = 'malformed_body: 400 Malformed request body'
const NO_ACTION =
  'no_such_action: 400 There is no such action: None. Verify the request body and Content-Type header and try again.'
const NOT_AN_OBJECT = 'body_not_an_object: 404 The resource could not be found.'
const TYPE = 'unsupported_content_type: 415 Unsupported Content-Type'
const URL_REFUSED = 'malformed_url: 400 Malformed request url'
const TOO_LOW = 'version_too_low: 404 The resource could not be found.'
const UNEXPECTED =
  'unexpected_body: 400 The server could not comply with the request since it is either malformed or otherwise incorrect.'
const BAD_VERSION =
  'version_header_invalid: 400 API Version String x is of invalid format. Must be of format MajorNum.MinorNum.'

describe('each guarded action is told with what it acts on', () => {
  const common = { volumeId: V, projectInUrl: P, version: '3.0' } as const
  const rows: readonly (readonly [body: unknown, operation: Operation])[] = [
    [{ 'os-detach': {} }, { ...common, kind: 'volume-detach', attachmentId: null, nullBody: false }],
    [{ 'os-detach': null }, { ...common, kind: 'volume-detach', attachmentId: null, nullBody: true }],
    [
      { 'os-detach': { attachment_id: A } },
      { ...common, kind: 'volume-detach', attachmentId: A, nullBody: false },
    ],
    [
      { 'os-detach': { attachment_id: A.toUpperCase() } },
      { ...common, kind: 'volume-detach', attachmentId: A.toUpperCase(), nullBody: false },
    ],
    [
      { 'os-detach': { attachment_id: null } },
      { ...common, kind: 'volume-detach', attachmentId: null, nullBody: false },
    ],
    [{ 'os-force_detach': {} }, { ...common, kind: 'volume-force-detach', attachmentId: null }],
    [
      { 'os-force_detach': { attachment_id: 'any', connector: { a: 1 } } },
      { ...common, kind: 'volume-force-detach', attachmentId: 'any' },
    ],
    [{ 'os-terminate_connection': { connector: {} } }, { ...common, kind: 'volume-terminate-connection' }],
    [
      { 'os-migrate_volume_completion': { new_volume: V2 } },
      { ...common, kind: 'volume-migrate-completion', newVolumeId: V2, error: false },
    ],
    ...(
      [
        [true, true],
        [false, false],
        [null, false],
        ['', false],
        ['false', true],
        ['0', true],
      ] as const
    ).map(
      ([error, truth]) =>
        [
          { 'os-migrate_volume_completion': { new_volume: V2, error } },
          { ...common, kind: 'volume-migrate-completion', newVolumeId: V2, error: truth },
        ] as const,
    ),
  ]
  test.each(rows)('%j', (body, operation) => {
    expect(read({ body })).toEqual(operation)
  })
})

describe('every form of a guarded request is that request', () => {
  const detach = (projectInUrl: string | null, version = '3.0', volumeId = V) => ({
    kind: 'volume-detach',
    volumeId,
    attachmentId: null,
    nullBody: false,
    projectInUrl,
    version,
  })
  const remove = (projectInUrl: string | null, attachmentId = A) => ({
    kind: 'attachment-delete',
    attachmentId,
    projectInUrl,
    version: '3.27',
  })
  const rows: readonly (readonly [form: string, sent: Sent, operation: object])[] = [
    ['as clients send it', {}, detach(P)],
    ['without the project', { target: `/v3/volumes/${V}/action` }, detach(null)],
    ['.json', { target: `${ON_VOLUME}.json` }, detach(P)],
    ['.json, without the project', { target: `/v3/volumes/${V}/action.json` }, detach(null)],
    ['encoded letters', { target: `/v3/${P}/v%6flumes/${V}/%61ction%2ejson` }, detach(P)],
    ['/v2', { target: `/v2/${P}/volumes/${V}/action` }, detach(P, '2.0')],
    [
      '/v2, whatever version header',
      { target: `/v2/${P}/volumes/${V}/action`, version: 'volume x' },
      detach(P, '2.0'),
    ],
    ['/v1', { target: `/v1/${P}/volumes/${V}/action` }, detach(P, '2.0')],
    ['a prefix', { target: `/volume${ON_VOLUME}`, prefix: '/volume' }, detach(P)],
    ['a query', { target: `${ON_VOLUME}?x=1` }, detach(P)],
    ['a version', { version: 'volume 3.44' }, detach(P, '3.44')],
    ['an odd volume id', { target: `/v3/${P}/volumes/any%20thing/action` }, detach(P, '3.0', 'any thing')],
    ['another JSON type', { type: 'application/vnd.openstack.volume+json' }, detach(P)],
    ['parameters of the type', { type: 'application/json;charset=utf-16' }, detach(P)],
    ['an escaped key', { body: String.raw`{"os-det\u0061ch": {}}` }, detach(P)],
    ['a key twice', { body: '{"os-detach": 5, "os-detach": {}}' }, detach(P)],
  ]
  test.each(rows)('os-detach: %s', (_form, sent, operation) => {
    expect(read({ body: '{"os-detach": {}}', ...sent })).toEqual(operation)
  })

  const deletes: readonly (readonly [form: string, sent: Sent, operation: object])[] = [
    ['as clients send it', {}, remove(P)],
    ['without the project', { target: `/v3/attachments/${A}` }, remove(null)],
    ['.json', { target: `${ON_ATTACHMENT}.json` }, remove(P)],
    [
      '.json twice, of which one belongs to the id',
      { target: `${ON_ATTACHMENT}.json.json` },
      remove(P, `${A}.json`),
    ],
    ['.xml, a format until Newton', { target: `${ON_ATTACHMENT}.xml` }, remove(P)],
    ['another suffix, which belongs to the id', { target: `${ON_ATTACHMENT}.txt` }, remove(P, `${A}.txt`)],
    ['encoded letters', { target: `/v3/${P}/%61ttachments/${A.replaceAll('-', '%2D')}` }, remove(P)],
    ['a prefix', { target: `/volume${ON_ATTACHMENT}`, prefix: '/volume' }, remove(P)],
    [
      'capitals, kept as typed',
      { target: ON_ATTACHMENT.replace(A, A.toUpperCase()) },
      remove(P, A.toUpperCase()),
    ],
    ['no content type', { type: undefined }, remove(P)],
  ]
  test.each(deletes)('attachment delete: %s', (_form, sent, operation) => {
    expect(read({ method: 'DELETE', target: ON_ATTACHMENT, version: 'volume 3.27', ...sent })).toEqual(
      operation,
    )
  })
})

describe('whatever Cinder does not guard is other', () => {
  test.each([
    ['os-reset_status', { 'os-reset_status': { status: 'available' } }],
    ['os-unreserve', { 'os-unreserve': null }],
    ['os-attach', { 'os-attach': {} }],
    ['another spelling', { 'OS-DETACH': {} }],
    ['an unknown action', { x: 1 }],
    ['an inherited name', '{"__proto__": {}}'],
  ])('action %s', (_what, body) => {
    expect(read({ body, version: 'volume 3.44' })).toEqual({
      kind: 'other',
      projectInUrl: P,
      version: '3.44',
    })
  })

  const body = { 'os-detach': {} }
  test.each([
    ['GET of an action', { method: 'GET', body }],
    ['PUT of an action', { method: 'PUT', body }],
    ['an action of a snapshot', { target: `/v3/${P}/snapshots/${V}/action`, body }],
    ['ACTION', { target: `/v3/${P}/volumes/${V}/ACTION`, body }],
    ['action.txt', { target: `${ON_VOLUME}.txt`, body }],
    ['action.JSON', { target: `${ON_VOLUME}.JSON`, body }],
    ['a slash after action', { target: `${ON_VOLUME}/`, body }],
    ['a path parameter', { target: `${ON_VOLUME};x`, body }],
    ['a space after action', { target: `${ON_VOLUME}%20`, body }],
    ['a longer path', { target: `/v3/x${ON_VOLUME.slice(3)}`, body }],
    ['GET of an attachment', { method: 'GET', target: ON_ATTACHMENT }],
    ['PUT of an attachment', { method: 'PUT', target: ON_ATTACHMENT, body: {} }],
    ['os-complete', { target: `${ON_ATTACHMENT}/action`, body: { 'os-complete': null } }],
    ['DELETE of the attachments', { method: 'DELETE', target: `/v3/${P}/attachments` }],
    ['DELETE of a volume', { method: 'DELETE', target: `/v3/${P}/volumes/${V}` }],
    ['the version document', { method: 'GET', target: '/' }],
    ['the health check', { method: 'GET', target: '/healthcheck' }],
  ] satisfies readonly (readonly [string, Sent])[])('%s, unread', (_what, sent) => {
    expect(read({ version: 'nonsense', ...sent })).toEqual(OTHER)
  })
})

describe("a volume action is refused in Cinder's order", () => {
  const wrong = { version: 'volume x', type: 'text/plain', body: '{', project: 'b' }
  const rows: readonly (readonly [fault: string, sent: Sent, refusal: string])[] = [
    ['a bad version before all', wrong, BAD_VERSION],
    ['the content type before the JSON', { ...wrong, version: 'volume 3.0' }, TYPE],
    ['the JSON before the project', { body: '{', project: 'b' }, MALFORMED],
    ['the project before the schema', { body: { 'os-detach': 5 }, project: 'b' }, URL_REFUSED],
    ['a token without a project', { body: { 'os-detach': {} }, project: null }, URL_REFUSED],
    [
      'the schema last',
      { body: { 'os-detach': 5 } },
      "schema_violation: 400 Invalid input for field/attribute os-detach. Value: 5. 5 is not of type 'object', 'null'",
    ],
    ['no body', { body: '' }, NO_ACTION],
    ['no body of no JSON type', { body: '', type: 'text/plain' }, NO_ACTION],
    ['no content type', { body: { 'os-detach': {} }, type: undefined }, NO_ACTION],
    ['an empty content type', { body: { 'os-detach': {} }, type: '' }, TYPE],
    ['a content type in capitals', { body: { 'os-detach': {} }, type: 'Application/JSON' }, TYPE],
    ['a space before the semicolon', { body: { 'os-detach': {} }, type: 'application/json ; x' }, TYPE],
    [
      'a content type twice in one',
      { body: { 'os-detach': {} }, type: 'application/json, application/json' },
      TYPE,
    ],
    ['a form', { body: '_method=DELETE', type: 'application/x-www-form-urlencoded' }, TYPE],
    ['two keys', { body: { 'os-detach': {}, x: 1 } }, MALFORMED],
    ['no key', { body: {} }, MALFORMED],
    ['an empty list', { body: [] }, MALFORMED],
    ['a list of one', { body: [{ 'os-detach': {} }] }, NOT_AN_OBJECT],
    ['a list of two', { body: [1, 2] }, MALFORMED],
    ['a string', { body: '"os-detach"' }, MALFORMED],
    ['a string of one letter', { body: '"x"' }, NOT_AN_OBJECT],
    ['a string of one letter beyond the BMP', { body: '"😀"' }, NOT_AN_OBJECT],
    ['an empty string', { body: '""' }, MALFORMED],
    ['null', { body: 'null' }, NOT_AN_OBJECT],
    ['true', { body: 'true' }, NOT_AN_OBJECT],
    ['a whole number', { body: '1' }, NOT_AN_OBJECT],
    ['NaN', { body: 'NaN' }, NOT_AN_OBJECT],
    ['a byte order mark', { body: '\ufeff{"os-detach": {}}' }, MALFORMED],
    ['text after the object', { body: '{"os-detach": {}} x' }, MALFORMED],
    ['nesting without end', { body: `{"os-detach": ${'['.repeat(3000)}` }, MALFORMED],
  ]
  test.each(rows)('%s', (_fault, sent, refusal) => {
    expect(read(sent)).toBe(refusal)
  })

  test('NaN inside a connector is read, and the action stays guarded', () => {
    expect(read({ body: '{"os-terminate_connection": {"connector": {"a": NaN}}}' })).toMatchObject({
      kind: 'volume-terminate-connection',
    })
  })
})

describe("an attachment delete is refused in Cinder's order", () => {
  const sent: Sent = { method: 'DELETE', target: ON_ATTACHMENT, version: 'volume 3.27' }
  const rows: readonly (readonly [fault: string, more: Sent, refusal: string])[] = [
    [
      'a bad version before all',
      { version: 'volume x', type: 'text/plain', body: '{', project: 'b' },
      BAD_VERSION,
    ],
    ['the type of a body', { type: 'text/plain', body: '{', project: 'b' }, TYPE],
    ['the JSON of a body', { body: '{', project: 'b' }, MALFORMED],
    ['the project', { body: '{}', project: 'b', version: 'volume 3.26' }, URL_REFUSED],
    ['a version without attachments', { body: '{}', version: 'volume 3.26' }, TOO_LOW],
    ['no version header', { version: undefined }, TOO_LOW],
    ['any body', { body: '{}' }, UNEXPECTED],
    ['/v2, which has no attachments', { target: `/v2/${P}/attachments/${A}` }, TOO_LOW],
  ]
  test.each(rows)('%s', (_fault, more, refusal) => {
    expect(read({ ...sent, ...more })).toBe(refusal)
  })
})

test('all kinds but `other` are guarded', () => {
  const kinds = [...GUARDED_KINDS, 'other'] as const
  expect(kinds.filter((kind) => isGuarded({ kind } as Operation))).toEqual(GUARDED_KINDS)
})

describe("a path with no project id in a project's place", () => {
  const request = { mount: 'v3', method: 'DELETE', contentType: undefined, body: Buffer.alloc(0) } as const
  const around = { tokenProject: 'Own', maximum: null, projectIds: /^(?:[0-9a-f-]+)$/ }
  test.each([
    ["is not of Cinder's routes", 'ZZ', 'other'],
    ["is the token's own all the same, to a Cinder that takes anything for one", 'Own', 'attachment-delete'],
    ['is refused when it looks like a project', 'f-0', 'malformed_url'],
  ])('%s', (_name, project, expected) => {
    const segments = [project, 'attachments', 'a']
    const found = classify({ ...request, segments, apiVersion: 'volume 3.27' }, around)
    expect(isRejection(found) ? found.reason : found.kind).toBe(expected)
  })
})

describe('what can change what a check rests on is watched', () => {
  const body = (value: object): Buffer => Buffer.from(JSON.stringify(value))
  const common = { mount: 'v3', contentType: 'application/json', apiVersion: 'volume 3.27' } as const
  const around = { tokenProject: 'p', maximum: null }
  test.each<[string, string, string, Buffer, object]>([
    [
      'os-reset_status to detached',
      'POST',
      'p/volumes/v/action',
      body({ 'os-reset_status': { attach_status: 'Detached' } }),
      { kind: 'volume-reset-status', volumeId: 'v' },
    ],
    [
      'an attachment update',
      'PUT',
      'p/attachments/a.json',
      body({}),
      { kind: 'attachment-update', attachmentId: 'a' },
    ],
    [
      'an attachment create',
      'POST',
      'attachments',
      body({ attachment: { volume_uuid: 'v' } }),
      { kind: 'attachment-create', volumeId: 'v' },
    ],
    ['an attachment create that Cinder will refuse', 'POST', 'attachments', body({}), { kind: 'other' }],
  ])('%s', (_name, method, path, given, expected) => {
    const found = classify({ ...common, method, segments: path.split('/'), body: given }, around)
    expect(found).toMatchObject(expected)
  })
})

describe('every operation of the API is told with its microversion', () => {
  test.each<[string, string | undefined, string]>([
    ['/v3/volumes', undefined, '3.0'],
    ['/v3/volumes', 'volume 3.44', '3.44'],
    ['/v3/volumes', 'volume latest', '3.70'],
    ['/v3/volumes', 'compute 2.1, volume 3.27', '3.27'],
    // Cinder refuses these itself.
    ['/v3/volumes', 'volume x', ''],
    ['/v3/volumes', 'volume 3.99', ''],
    ['/v2/volumes', 'volume 3.44', '2.0'],
    ['/', 'volume 3.44', ''],
    ['/healthcheck', undefined, ''],
  ])('GET %s with %s: %s', (target, version, expected) => {
    expect(read({ method: 'GET', target, version })).toMatchObject({ kind: 'other', version: expected })
  })
})

import { describe, expect, test } from 'vitest'
import { type Caller, cinderFacts, OddIdError, TokenRefusedError } from '../../src/clouds/cinder.ts'
import type { CloudResponse } from '../../src/clouds/client.ts'
import type { Version } from '../../src/operation/version.ts'
import { answer, fakeSend } from './fake-send.ts'

const alice: Caller = { headers: { 'x-auth-token': 'alice' }, projectId: 'demo', isAdmin: false }
const admin: Caller = { ...alice, isAdmin: true }
const NOT_FOUND = answer(404, { itemNotFound: { code: 404, message: 'Volume v could not be found.' } })
const FORBIDDEN = answer(403, { forbidden: { code: 403, message: 'Not authorized.' } })

function setUp(reply: CloudResponse, maximum: Version = [3, 70]) {
  const { send, sent } = fakeSend(() => reply)
  return { cinder: cinderFacts(send, 'http://cinder/volume', async () => maximum, 1000), sent }
}

const volumeView = (more: object = {}) => answer(200, { volume: { id: 'v', status: 'in-use', ...more } })
const row = (more: object = {}) => ({
  id: 'a',
  volume_id: 'v',
  instance: 's',
  status: 'attached',
  connection_info: { x: 1 },
  ...more,
})
const list = (...rows: unknown[]) => answer(200, { attachments: rows })

describe("every question is put with the caller's eyes", () => {
  const { cinder, sent } = setUp(answer(500))
  test.each([
    ['a volume', () => cinder.volume('v;#', alice), '/v3/demo/volumes/v%3B%23.json', '3.65'],
    [
      'an attachment whose id ends in .json',
      () => cinder.attachment('a.json', alice),
      '/v3/demo/attachments/a.json.json',
      '3.27',
    ],
    ['an attachment', () => cinder.attachment('a', alice), '/v3/demo/attachments/a.json', '3.27'],
    [
      'all attachments',
      () => cinder.attachments('v&x', alice),
      '/v3/demo/attachments/detail?volume_id=v%26x',
      '3.27',
    ],
    [
      'all attachments, for an admin',
      () => cinder.attachments('v', admin),
      '/v3/demo/attachments/detail?volume_id=v&all_tenants=1',
      '3.27',
    ],
    [
      'without a project',
      () => cinder.volume('v', { ...alice, projectId: null }),
      '/v3/volumes/v.json',
      '3.65',
    ],
  ])('%s', async (_what, question, path, version) => {
    await expect(question()).rejects.toThrow('was answered 500')
    expect(sent.at(-1)).toEqual({
      method: 'GET',
      url: `http://cinder/volume${path}`,
      headers: {
        accept: 'application/json',
        'openstack-api-version': `volume ${version}`,
        'x-auth-token': 'alice',
      },
    })
  })

  test('a token that Cinder refuses is told from a fault', async () => {
    const { cinder } = setUp(answer(401))
    for (const question of [cinder.volume, cinder.attachment, cinder.attachments]) {
      await expect(question('x', alice)).rejects.toThrow(TokenRefusedError)
    }
  })
})

test('what is too long for an id is not asked about', async () => {
  const { cinder, sent } = setUp(answer(500))
  const long = 'x'.repeat(256)
  const object = { collection: 'snapshots', id: long } as const
  for (const question of [
    () => cinder.volume(long, alice),
    () => cinder.attachment(long, alice),
    () => cinder.attachments(long, alice),
    () => cinder.object(object, alice),
  ])
    await expect(question()).rejects.toThrow(OddIdError)
  expect(sent).toEqual([])
})

describe('an id that no path can name is of nothing, and nobody is asked', () => {
  const { cinder, sent } = setUp(answer(500))
  test.each(['', '.', '..', 'detail', 'summary', 'a/b', '\ud800'])('%j', async (id) => {
    expect(await cinder.volume(id, alice)).toBe('absent')
    expect(await cinder.attachment(id, alice)).toBe('absent')
    expect(await cinder.object({ collection: 'types', id }, alice)).toBe('absent')
    expect(sent).toEqual([])
  })
})

describe('a volume', () => {
  const bare = { id: 'v', status: 'in-use', projectId: null, userId: null, migrationStatus: null }
  const rows: readonly (readonly [what: string, view: object, expected: object])[] = [
    ['with what every caller sees', {}, bare],
    ['in the spelling of Cinder', { id: 'V' }, { id: 'V' }],
    [
      'with its owner',
      { 'os-vol-tenant-attr:tenant_id': 'p', user_id: 'u' },
      { projectId: 'p', userId: 'u' },
    ],
    ['that migrates', { migration_status: 'migrating' }, { migrationStatus: 'migrating' }],
    [
      'that migrates, by its older name',
      { 'os-vol-mig-status-attr:migstat': 'starting' },
      { migrationStatus: 'starting' },
    ],
    ['that does not migrate', { migration_status: null }, { migrationStatus: null }],
    [
      'whose migration status is empty, which Cinder takes for none',
      { migration_status: '' },
      { migrationStatus: null },
    ],
  ]
  test.each(rows)('%s', async (_what, view, expected) => {
    expect(await setUp(volumeView(view)).cinder.volume('v', alice)).toMatchObject({ ...expected, view })
  })

  test('that is not there, or not for this caller', async () => {
    expect(await setUp(NOT_FOUND).cinder.volume('v', alice)).toBe('absent')
    expect(await setUp(FORBIDDEN).cinder.volume('v', alice)).toBe('not-authorized')
  })
})

describe('an attachment', () => {
  test('is its id and volume in the spelling of Cinder', async () => {
    const { cinder } = setUp(answer(200, { attachment: row() }))
    expect(await cinder.attachment('A', alice)).toEqual({
      id: 'a',
      volumeId: 'v',
      view: { instance: 's', status: 'attached', attach_mode: undefined },
    })
  })
  test('that Cinder fails to show is found in the list, page by page, by any spelling', async () => {
    const pages = [
      answer(400, { badRequest: { code: 400 } }),
      list(row({ id: 'x' })),
      list(row({ id: 'b' })),
      list(),
    ]
    const { send, sent } = fakeSend(() => pages.shift() ?? answer(500))
    const cinder = cinderFacts(send, 'http://cinder', async () => [3, 70], 1)
    expect(await cinder.attachment('B', alice)).toEqual({ id: 'b', volumeId: 'v' })
    expect(sent.map(({ url }) => url)).toEqual([
      'http://cinder/v3/demo/attachments/B.json',
      'http://cinder/v3/demo/attachments?limit=1',
      'http://cinder/v3/demo/attachments?limit=1&marker=x',
    ])
  })
  test("that Cinder fails to show is hidden when it is another project's", async () => {
    const { send } = fakeSend((_request, count) =>
      count === 1 ? answer(400, { badRequest: {} }) : list(row()),
    )
    const cinder = cinderFacts(send, 'http://cinder', async () => [3, 70], 1000)
    expect(await cinder.attachment('b', alice)).toBe('hidden')
  })
  test('may not be there', async () => {
    expect(await setUp(NOT_FOUND).cinder.attachment('a', alice)).toBe('absent')
  })
})

describe('the list of attachments', () => {
  const read = { id: 'a', volumeId: 'v', serverId: 's', status: 'attached', connected: true }
  const rows: readonly (readonly [what: string, row: object, expected: object])[] = [
    ['attached', {}, read],
    ['of any status', { status: 'error_detaching' }, { ...read, status: 'error_detaching' }],
    ['without a server', { instance: null }, { ...read, serverId: null }],
    ['with an empty server', { instance: '' }, { ...read, serverId: null }],
    ['with a connection that is null', { connection_info: null }, { ...read, connected: false }],
    ['with an empty connection', { connection_info: {} }, { ...read, connected: false }],
    ['with an empty list for one', { connection_info: [] }, { ...read, connected: false }],
    ['with an empty text for one', { connection_info: '' }, { ...read, connected: false }],
    ['with a text for one', { connection_info: '{}' }, { ...read, connected: true }],
    ['without the field', { connection_info: undefined }, { ...read, connected: false }],
  ]
  test.each(rows)('a row %s', async (_what, more, expected) => {
    expect(await setUp(list(row(more))).cinder.attachments('v', alice)).toEqual([expected])
  })

  test('takes rows of the volume in another case for its own', async () => {
    expect(await setUp(list(row())).cinder.attachments('V', alice)).toHaveLength(1)
  })

  test('as long as a page may be cut off', async () => {
    const full = list(...Array.from({ length: 1000 }, () => row()))
    expect(await setUp(full).cinder.attachments('v', alice)).toBe('unknown')
    expect(
      await setUp(list(...Array.from({ length: 999 }, () => row()))).cinder.attachments('v', alice),
    ).toHaveLength(999)
  })
})

describe('what cannot be believed is a fault', () => {
  type Name = 'volume' | 'attachment' | 'attachments'
  const rows: readonly (readonly [Name, what: string, reply: CloudResponse, message: string])[] = [
    [
      'volume',
      '404 of a load balancer',
      answer(404, 'not found'),
      'cinder: status 404 with a body that is not JSON',
    ],
    [
      'volume',
      '404 without a route',
      answer(404, { title: 'Not Found' }),
      'cinder: a volume lookup was answered 404',
    ],
    ['volume', '403 of somebody else', answer(403, {}), 'cinder: a volume lookup was answered 403'],
    ['volume', '500', answer(500), 'cinder: a volume lookup was answered 500'],
    ['volume', 'no volume', answer(200, {}), 'cinder: a volume lookup was answered 200'],
    ['volume', 'no status', answer(200, { volume: { id: 'v' } }), 'cinder: a volume without id or status'],
    [
      'attachment',
      '404 of a load balancer',
      answer(404, 'x'),
      'cinder: status 404 with a body that is not JSON',
    ],
    ['attachment', '400 of somebody else', answer(400, {}), 'cinder: an attachment lookup was answered 400'],
    ['attachment', '404 without a route', answer(404, {}), 'cinder: an attachment lookup was answered 404'],
    [
      'attachment',
      '406 of an older Cinder',
      answer(406, {}),
      'cinder: an attachment lookup was answered 406',
    ],
    [
      'attachment',
      'no volume',
      answer(200, { attachment: { id: 'a' } }),
      'cinder: an attachment without id or volume',
    ],
    ['attachments', '404, even of Cinder', NOT_FOUND, 'cinder: an attachment list was answered 404'],
    ['attachments', '400', answer(400), 'cinder: an attachment list was answered 400'],
    [
      'attachments',
      'no list',
      answer(200, { attachments: {} }),
      'cinder: an attachment list was answered 200',
    ],
    ['attachments', 'a row that is none', list(null), 'cinder: an attachment that is no object'],
    [
      'attachments',
      'a row without id',
      list({ volume_id: 'v' }),
      'cinder: an attachment without id or volume',
    ],
    [
      'attachments',
      'a row of another volume',
      list(row(), row({ volume_id: 'w' })),
      'cinder: an attachment list with rows of another volume',
    ],
  ]
  test.each(rows)('%s: %s', async (name, _what, reply, message) => {
    await expect(setUp(reply).cinder[name]('v', alice)).rejects.toThrow(message)
  })
})

describe('a Cinder before 3.27 is read from the volume, on the safe side', () => {
  const shown = { attachment_id: 'a', server_id: 's', volume_id: 'v' }
  const found = { id: 'a', volumeId: 'v', serverId: 's', status: 'attached', connected: true }
  const rows: readonly (readonly [what: string, reply: CloudResponse, expected: unknown])[] = [
    ['what is shown counts as connected', volumeView({ attachments: [shown] }), [found]],
    [
      'a host has no server',
      volumeView({ attachments: [{ ...shown, server_id: null }] }),
      [{ ...found, serverId: null }],
    ],
    ['nothing attached', volumeView({ status: 'available', attachments: [] }), []],
    ['in use, and nothing shown', volumeView({ attachments: [] }), 'unknown'],
    ...['attaching', 'detaching', 'reserved', 'error_attaching', 'error_detaching', 'maintenance'].map(
      (status) =>
        [`${status}, which may hide rows`, volumeView({ status, attachments: [shown] }), 'unknown'] as const,
    ),
    ['no volume', NOT_FOUND, []],
    ['a volume not for this caller', FORBIDDEN, []],
  ]
  test.each(rows)('%s', async (_what, reply, expected) => {
    const { cinder, sent } = setUp(reply, [3, 26])
    expect(await cinder.attachments('v', alice)).toEqual(expected)
    expect(sent.map(({ url }) => url)).toEqual(['http://cinder/volume/v3/demo/volumes/v.json'])
  })
})

describe('the attachments of all volumes', () => {
  test('come page by page, until one is not full', async () => {
    const pages = [list(row(), row({ id: 'b' })), list(row({ id: 'c' }))]
    const { send, sent } = fakeSend(() => pages.shift() ?? answer(500))
    const cinder = cinderFacts(send, 'http://cinder', async () => [3, 70], 2)
    const ids = []
    for await (const { id } of cinder.allAttachments(admin)) ids.push(id)
    expect(ids).toEqual(['a', 'b', 'c'])
    expect(sent.map(({ url }) => url)).toEqual([
      'http://cinder/v3/demo/attachments/detail?limit=2&all_tenants=1',
      'http://cinder/v3/demo/attachments/detail?limit=2&all_tenants=1&marker=b',
    ])
  })
})

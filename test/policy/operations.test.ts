import { describe, expect, test } from 'vitest'
import { CATALOGUE } from '../../src/policy/catalogue.ts'
import { type ApiCall, NOT_ENFORCED, operationsOf, rulesFor } from '../../src/policy/operations.ts'

const call = (operation: string, body: Record<string, unknown> = {}, version = '3.70'): ApiCall => {
  const [method = '', target = '', action = null] = operation.split(' ')
  const [path = '', query = ''] = target.split('?')
  return {
    method,
    segments: path.split('/').slice(1),
    query,
    action,
    version,
    bodyAt: (keys) =>
      keys.reduce<unknown>((sofar, key) => (sofar as Record<string, unknown> | undefined)?.[key], body),
  }
}
const names = (operation: string, body?: Record<string, unknown>) =>
  rulesFor(call(operation, body))?.map(({ name }) => name) ?? null

/** Documented under a path that Cinder's router does not serve; the table has the true one. */
const ELSEWHERE = new Set([
  'backup:backup-import',
  'backup:export-import',
  'volume_extension:default_set_or_update',
  'volume_extension:default_get_all',
  'volume_extension:quotas:show',
  'volume_extension:type_update',
  'volume_extension:type_delete',
  'volume_extension:type_get_all',
  'group:group_types:create',
  'volume:update',
  'volume:create_transfer',
  'volume:get_all_transfers',
])
const UPDATE_STATUS = 'snapshot_extension:snapshot_actions:update_snapshot_status'
/** All that rules look for in a body. */
const BODY = {
  volume: { imageRef: 'i' },
  'os-volume_upload_image': { visibility: 'public' },
  attachment: { volume_uuid: 'v' },
  snapshot: { volume_id: 'v' },
  backup: { volume_id: 'v' },
  transfer: { volume_id: 'v' },
  group_snapshot: { group_id: 'g' },
}

describe('every rule of Cinder that refuses calls', () => {
  const rows = CATALOGUE.filter(
    ({ name, operations }) => operations.length > 0 && !NOT_ENFORCED.has(name) && !ELSEWHERE.has(name),
  )
  test.each(
    rows.flatMap(({ name, operations }) => operations.map((operation) => [operation, name] as const)),
  )('%s: %s', (operation, name) => {
    const withForce = name === 'volume:force_delete' ? `${operation}?force=true` : operation
    expect(names(withForce, BODY)).toContain(name)
    const [method, path, action] = withForce.split(' ')
    expect(names([method, `/0123abcd${path}`, action].filter(Boolean).join(' '), BODY)).toContain(name)
  })
  test('there are many', () => {
    expect(rows.length).toBe(132)
  })
})

describe('calls', () => {
  test.each([
    ['GET /types', ['volume_extension:type_get_all']],
    ['PUT /types/t', ['volume_extension:type_update']],
    ['DELETE /types/t', ['volume_extension:type_delete']],
    ['PUT /volumes/v', ['volume:get', 'volume:update']],
    ['POST /volumes/v/action os-set_bootable', ['volume:get', 'volume:update']],
    ['POST /groups/action create-from-src', ['group:create']],
    ['PUT /os-services/freeze', ['volume_extension:services:update', 'volume:freeze_host']],
    ['PUT /os-services/failover', ['volume_extension:services:update', 'volume:failover_host']],
    ['PUT /os-services/disable', ['volume_extension:services:update']],
    ['PUT /default-types/p', ['volume_extension:default_set_or_update']],
    ['GET /os-quota-sets/p/defaults', ['volume_extension:quotas:show']],
    ['POST /volumes', ['volume:create']],
    ['DELETE /volumes/v', ['volume:get', 'volume:delete']],
    ['DELETE /volumes/v?force=false', ['volume:get', 'volume:delete']],
    ['POST /snapshots/s/action os-update_snapshot_status', [UPDATE_STATUS]],
    ['POST /snapshots/s/action update_snapshot_status', null],
    ['POST /volumes/v/action os-reset_status', ['volume_extension:volume_admin_actions:reset_status']],
    [
      'POST /volumes/v/action os-force_delete',
      ['volume:get', 'volume_extension:volume_admin_actions:force_delete', 'volume:delete'],
    ],
    [
      'POST /volumes/v/action os-extend_volume_completion',
      ['volume:get', 'volume_extension:volume_admin_actions:extend_volume_completion'],
    ],
    ['POST /os-volume-manage', ['volume_extension:volume_manage']],
    ['GET /os-volume-manage/detail', ['volume_extension:list_manageable']],
    ['GET /os-snapshot-manage', ['snapshot_extension:list_manageable']],
    ['POST /consistencygroups', ['group:create']],
    ['POST /consistencygroups/create_from_src', ['group:create']],
    ['POST /consistencygroups/g/delete', ['group:get', 'group:delete']],
    ['PUT /consistencygroups/g/update', ['group:get', 'group:update']],
    ['GET /consistencygroups/detail', ['group:get_all']],
    ['GET /cgsnapshots', ['group:get_all_group_snapshots']],
    ['DELETE /cgsnapshots/s', ['group:get_group_snapshot', 'group:delete_group_snapshot']],
    ['DELETE /backups/b', ['backup:get', 'backup:delete']],
    ['GET /attachments', []],
    ['GET /volumes/v.json', ['volume:get']],
    ['POST /volumes/v/action os-nothing', null],
    ['GET /nonsense', null],
    ['PATCH /volumes/v', null],
    ['GET /volumes/', null],
  ])('%s: %j', (operation, expected) => {
    expect(names(operation)).toEqual(expected)
  })

  test('with the objects that they are about', () => {
    const target = (operation: string) => rulesFor(call(operation, BODY))?.[0]?.target
    expect(target('POST /snapshots')).toEqual({ kind: 'volume', volumeId: 'v' })
    expect(target('DELETE /snapshots/s')).toEqual({ kind: 'object', collection: 'snapshots', id: 's' })
    expect(target('PUT /attachments/a')).toEqual({ kind: 'attachment', attachmentId: 'a' })
    expect(target('GET /os-quota-sets/p')).toEqual({ kind: 'project', projectId: 'p' })
    expect(target('GET /volumes')).toEqual({ kind: 'context' })
    expect(target('DELETE /volume-transfers/t')).toEqual({ kind: 'transfer', transferId: 't' })
    expect(target('POST /volume-transfers')).toEqual({ kind: 'volume', volumeId: 'v' })
  })
})

describe('force, where Cinder sees it', () => {
  const FORCED = ['volume:get', 'volume:force_delete', 'volume:delete']
  test.each([
    ['force=true', true],
    ['force=True', true],
    ['force=1', true],
    ['force=y', true],
    ['force=%74rue', true],
    ['%66orce=true', true],
    ['force=+true', true],
    ['force=true%20', true],
    ['a=b&force=on', true],
    ['a=b;force=true', true],
    ['force=false&force=true', true],
    ['force=', false],
    ['force', false],
    ['force=2', false],
    ['enforce=true', false],
    ['cascade=true', false],
  ])('?%s: %s', (query, forced) => {
    expect(names(`DELETE /volumes/v?${query}`)).toEqual(forced ? FORCED : ['volume:get', 'volume:delete'])
  })
  test('not before microversion 3.23', () => {
    const rules = rulesFor(call('DELETE /volumes/v?force=true', {}, '3.22'))
    expect(rules?.map(({ name }) => name)).toEqual(['volume:get', 'volume:delete'])
  })
  test('in a body that is a form', () => {
    const rules = rulesFor({ ...call('DELETE /volumes/v'), form: 'cascade=1&force=true' })
    expect(rules?.map(({ name }) => name)).toEqual(FORCED)
  })
})

describe('rules that depend on the microversion and on the volume', () => {
  const found = (operation: string, version: string, body = {}) =>
    rulesFor(call(operation, body, version))
      ?.slice(1)
      .map(({ name, onlyWhile = {}, exceptWhile = {} }) =>
        [name, onlyWhile.status ?? '', exceptWhile.status ?? ''].join(' ').trim(),
      )
  test('os-extend asks one of two from 3.42 on', () => {
    const extend = 'POST /volumes/v/action os-extend'
    expect(found(extend, '3.41')).toEqual(['volume:extend'])
    expect(found(extend, '3.42')).toEqual(['volume:extend  in-use', 'volume:extend_attached_volume in-use'])
    expect(found(extend, '')).toHaveLength(2)
  })
  test('os-reimage asks one of two', () => {
    expect(found('POST /volumes/v/action os-reimage', '3.68')).toEqual([
      'volume:reimage  reserved',
      'volume:reimage_reserved reserved',
    ])
  })
  test('upload_public comes after upload_image, from 3.1 on', () => {
    const upload = 'POST /volumes/v/action os-volume_upload_image'
    const body = { 'os-volume_upload_image': { visibility: 'public' } }
    const names = ['upload_image', 'upload_public'].map((name) => `volume_extension:volume_actions:${name}`)
    expect(found(upload, '3.1', body)).toEqual(names)
    expect(found(upload, '3.0', body)).toEqual(names.slice(0, 1))
  })
  test('a volume asks for what it is made of first, and for the image before itself', () => {
    const made = (volume: object) => names('POST /volumes', { volume })
    expect(made({ imageRef: 'i' })).toEqual(['volume:create_from_image', 'volume:create'])
    expect(made({ snapshot_id: 's' })).toEqual(['volume:get_snapshot', 'volume:create'])
    expect(made({ source_volid: 'v' })).toEqual(['volume:get', 'volume:create'])
    expect(made({ backup_id: 'b' })).toEqual(['backup:get', 'volume:create'])
    expect(made({ group_id: 'g' })).toEqual(['group:get', 'volume:create'])
  })
})

test('a rule is shown with the calls that it decides, not with those that only look its object up', () => {
  expect(operationsOf('volume:get')).toEqual(['GET /volumes/{volume_id}'])
  expect(operationsOf('volume:create_transfer')).toEqual([
    'POST /os-volume-transfer',
    'POST /volume-transfers',
  ])
  expect(operationsOf('volume:force_delete')).toEqual(['DELETE /volumes/{volume_id}'])
})

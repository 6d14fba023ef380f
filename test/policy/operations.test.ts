import { describe, expect, test } from 'vitest'
import { CATALOGUE } from '../../src/policy/catalogue.ts'
import { type ApiCall, NOT_ENFORCED, rulesFor } from '../../src/policy/operations.ts'

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
/** All that rules look for in a body. */
const BODY = {
  volume: { imageRef: 'i', multiattach: true },
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
    expect(rows.length).toBe(131)
  })
})

describe('calls', () => {
  test.each([
    ['GET /types', ['volume_extension:type_get_all']],
    ['PUT /types/t', ['volume_extension:type_update']],
    ['DELETE /types/t', ['volume_extension:type_delete']],
    ['PUT /volumes/v', ['volume:update']],
    ['POST /volumes/v/action os-set_bootable', ['volume:update']],
    ['POST /groups/action create-from-src', ['group:create']],
    ['PUT /os-services/freeze', ['volume:freeze_host']],
    ['PUT /os-services/disable', ['volume_extension:services:update']],
    ['PUT /default-types/p', ['volume_extension:default_set_or_update']],
    ['GET /os-quota-sets/p/defaults', ['volume_extension:quotas:show']],
    ['POST /volumes', ['volume:create']],
    ['DELETE /volumes/v', ['volume:delete']],
    ['DELETE /volumes/v?force=false', ['volume:delete']],
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
    expect(rulesFor(call('POST /volumes/v/action os-extend'))?.[1]).toEqual({
      name: 'volume:extend_attached_volume',
      target: { kind: 'volume', volumeId: 'v' },
      onlyWhile: 'in-use',
    })
  })
})

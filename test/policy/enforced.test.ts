import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/operation/operation.ts'
import { type Enforcement, withRules } from '../../src/policy/enforced.ts'
import { compileRules } from '../../src/policy/ruleset.ts'

const OVERRIDES = { enforce: 'overrides', unknown_operations: 'forward' } as const
const operation: Operation = { kind: 'other', projectInUrl: null, version: '3.70' }

function rulesOf(
  written: Readonly<Record<string, string>>,
  call: string,
  more: { readonly body?: string; readonly contentType?: string } = {},
): readonly string[] {
  const place = { file: 'p', line: 1, column: 1 }
  const policy = compileRules(
    new Map(Object.entries(written).map(([name, check]) => [name, { check, place }])),
  )
  if ('problems' in policy) throw new Error(JSON.stringify(policy.problems))
  const [method = '', path = ''] = call.split(' ')
  const asked = {
    method,
    mount: 'v3' as const,
    segments: path.split('/').slice(1),
    query: '',
    contentType: more.contentType,
    body: Buffer.from(more.body ?? ''),
  }
  return (withRules(operation, asked, OVERRIDES, policy).rules ?? []).map(({ name }) => name)
}

describe('enforce = overrides: a rule is written when anything it refers to is', () => {
  test.each<[Record<string, string>, string, readonly string[]]>([
    [{ 'volume:update': 'role:x' }, 'PUT /volumes/v', ['volume:update']],
    [{ 'volume:get': 'role:x' }, 'PUT /volumes/v', ['volume:get']],
    [{ 'volume:get': 'role:x' }, 'DELETE /volumes/v', ['volume:get']],
    [{ admin_api: 'role:cloud_admin' }, 'GET /os-services', ['volume_extension:services:index']],
    [{ admin_api: 'role:cloud_admin' }, 'PUT /volumes/v', []],
    [{ admin_or_owner: 'role:x' }, 'PUT /volumes/v', ['volume:get', 'volume:update']],
    [{ xena_system_admin_or_project_member: 'role:x' }, 'DELETE /snapshots/s', ['volume:delete_snapshot']],
    // is_admin:True is what context_is_admin says.
    [{ context_is_admin: 'role:x' }, 'GET /os-services', ['volume_extension:services:index']],
    [{ 'volume:extend': 'role:x' }, 'PUT /volumes/v', []],
    [{ nobodys: 'role:x' }, 'PUT /volumes/v', []],
  ])('%j, %s: %j', (written, call, expected) => {
    expect(rulesOf(written, call)).toEqual(expected)
  })
})

describe('a DELETE whose body is a form', () => {
  const written = { 'volume:force_delete': 'role:x' }
  test.each([
    ['application/x-www-form-urlencoded', 'force=true', true],
    ['application/x-www-form-urlencoded; charset=utf-8', 'a=1&force=1', true],
    ['application/x-www-form-urlencoded', 'force=false', false],
    ['multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="force"\r\n\r\n1', true],
    ['application/json', 'force=true', false],
  ])('%s %s: %s', (contentType, body, forced) => {
    const found = rulesOf(written, 'DELETE /volumes/v', { contentType, body })
    expect(found).toEqual(forced ? ['volume:force_delete'] : [])
  })
})

const OTHER: Operation = { kind: 'other', projectInUrl: null, version: '3.0' }
const plain = (path: string) => ({
  method: 'DELETE',
  mount: 'v3' as const,
  segments: path.split('/'),
  query: '',
  contentType: undefined,
  body: new Uint8Array(),
})
const LAYERS: Readonly<Record<string, { from: string; locked?: true }>> = {
  'volume:delete': { from: 'file', locked: true },
  'volume:delete_snapshot': { from: 'file' },
}
const POLICY = {
  isDefault: false,
  source: (rule: string) => LAYERS[rule] ?? { from: 'default' },
  isWritten: (rule: string) => LAYERS[rule] !== undefined,
}

test.for<[string, string, Enforcement['enforce'], readonly string[] | undefined]>([
  ['guarded: what the organisation locks', 'volumes/v', 'guarded', ['volume:delete']],
  ['guarded: not what somebody wrote', 'snapshots/s', 'guarded', undefined],
  ['overrides: what somebody wrote', 'snapshots/s', 'overrides', ['volume:delete_snapshot']],
  ['overrides: no default', 'backups/b', 'overrides', undefined],
  ['all: a default', 'backups/b', 'all', ['backup:get', 'backup:delete']],
])('%s', ([, path, enforce, expected]) => {
  const { rules } = withRules(OTHER, plain(path), { enforce, unknown_operations: 'forward' }, POLICY)
  expect(rules?.map(({ name }) => name)).toEqual(expected)
})

test.each(['v1', 'v2', 'v3'] as const)('%s is an API like the others', (mount) => {
  const asked = { ...plain('volumes/v'), mount }
  const { rules } = withRules(OTHER, asked, { enforce: 'guarded', unknown_operations: 'forward' }, POLICY)
  expect(rules?.map(({ name }) => name)).toEqual(['volume:delete'])
})

test('with no rule of anybody, nothing but `all` looks anything up', () => {
  const policy = compileRules(new Map())
  if ('problems' in policy) throw new Error("Cinder's own rules do not compile")
  expect(policy.isDefault).toBe(true)
  for (const enforce of ['guarded', 'overrides'] as const)
    expect(withRules(OTHER, plain('volumes/v'), { enforce, unknown_operations: 'forward' }, policy)).toBe(
      OTHER,
    )
})

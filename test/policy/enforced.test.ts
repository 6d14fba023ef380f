import { expect, test } from 'vitest'
import type { Operation } from '../../src/operation/operation.ts'
import { type Enforcement, withRules } from '../../src/policy/enforced.ts'

const OTHER: Operation = { kind: 'other', projectInUrl: null, version: '3.0' }
const asked = (path: string) => ({
  method: 'DELETE',
  mount: 'v3' as const,
  segments: path.split('/'),
  query: '',
  body: new Uint8Array(),
})
const LAYERS: Readonly<Record<string, { from: string; locked?: true }>> = {
  'volume:delete': { from: 'file', locked: true },
  'volume:delete_snapshot': { from: 'file' },
}
const POLICY = { isDefault: false, source: (rule: string) => LAYERS[rule] ?? { from: 'default' } }

test.for<[string, string, Enforcement['enforce'], readonly string[] | undefined]>([
  ['guarded: what the organisation locks', 'volumes/v', 'guarded', ['volume:delete']],
  ['guarded: not what somebody wrote', 'snapshots/s', 'guarded', undefined],
  ['overrides: what somebody wrote', 'snapshots/s', 'overrides', ['volume:delete_snapshot']],
  ['overrides: no default', 'backups/b', 'overrides', undefined],
  ['all: a default', 'backups/b', 'all', ['backup:delete']],
])('%s', ([, path, enforce, expected]) => {
  const { rules } = withRules(OTHER, asked(path), { enforce, unknown_operations: 'forward' }, POLICY)
  expect(rules?.map(({ name }) => name)).toEqual(expected)
})

test('with no rule of anybody, nothing but `all` looks anything up', () => {
  const policy = { isDefault: true }
  for (const enforce of ['guarded', 'overrides'] as const)
    expect(withRules(OTHER, asked('volumes/v'), { enforce, unknown_operations: 'forward' }, policy)).toBe(
      OTHER,
    )
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ATTRIBUTES, type ObjectFamily, targetFrom } from '../../src/policy/attributes.ts'
import { isProblem, parseRule } from '../../src/policy/grammar.ts'
import { NOT_ENFORCED } from '../../src/policy/operations.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { UNKNOWN, UnknownAttributeError } from '../../src/policy/template.ts'
import { trace } from '../../src/policy/trace.ts'

const member = { userId: 'me', projectId: 'mine', isAdmin: false }
const admin = { ...member, isAdmin: true }

describe('a target is made of what the API shows, under the names of Cinder’s fields', () => {
  test.each<[ObjectFamily, Record<string, unknown>, Record<string, unknown>]>([
    [
      'volume',
      {
        id: 'v',
        name: 'disk',
        size: 3,
        bootable: 'true',
        'os-vol-host-attr:host': 'h@b#p',
        volume_type: 'gold',
        volume_type_id: 't',
        group_id: null,
        consumes_quota: true,
      },
      {
        ...{ id: 'v', display_name: 'disk', size: 3, bootable: true, host: 'h@b#p', volume_type_id: 't' },
        ...{ group_id: null, use_quota: true, volume_type: UNKNOWN, migration_status: UNKNOWN },
      },
    ],
    ['volume', { bootable: 'false' }, { bootable: false }],
    ['volume', { bootable: 'maybe' }, { bootable: UNKNOWN }],
    [
      'snapshot',
      { size: 1, name: 's', 'os-extended-snapshot-attributes:project_id': 'p', user_id: 'u' },
      { volume_size: 1, display_name: 's', project_id: 'p', user_id: 'u', volume_type_id: UNKNOWN },
    ],
    ['backup', { 'os-backup-project-attr:project_id': 'p', name: 'b' }, { project_id: 'p', host: UNKNOWN }],
    ['group', { group_type: 't', name: 'g' }, { group_type_id: 't', name: 'g', user_id: UNKNOWN }],
    ['group_snapshot', { group_id: 'g' }, { group_id: 'g', user_id: UNKNOWN }],
    [
      'attachment',
      { instance: 'i', status: 'reserved' },
      { instance_uuid: 'i', attach_status: 'reserved', user_id: 'me', connection_info: UNKNOWN },
    ],
    ['message', { event_id: 'e' }, { event_id: 'e', user_id: 'me', detail_id: UNKNOWN }],
    ['volume_type', { name: 't' }, { name: 't', user_id: 'me', project_id: 'mine', extra_specs: UNKNOWN }],
  ])('%s %j', (family, view, expected) => {
    expect(targetFrom(family, view, member)).toMatchObject(expected)
  })

  test.each(['name', 'description', 'encrypted', 'links', 'os-vol-host-attr:host'])(
    'the API’s %s is no attribute of a volume',
    (name) => {
      expect(targetFrom('volume', { [name]: 'x' }, admin)).not.toHaveProperty([name])
    },
  )

  test('a project that is not shown is the caller’s own, but for an admin unknown', () => {
    for (const family of ['volume', 'snapshot', 'backup', 'group', 'group_snapshot', 'message'] as const) {
      expect(targetFrom(family, {}, member).project_id).toBe('mine')
      expect(targetFrom(family, {}, admin).project_id).toBe(UNKNOWN)
      expect(targetFrom(family, null, member).project_id).toBe(UNKNOWN)
    }
  })

  test('no attribute is both shown and never shown', () => {
    for (const { shown, never } of Object.values(ATTRIBUTES))
      expect(never.filter((name) => Object.hasOwn(shown, name))).toEqual([])
  })
})

describe('what cannot be known decides nothing', () => {
  const judge = (check: string, target: Record<string, unknown>): boolean | 'unknown' => {
    const place = { file: 'p', line: 1, column: 1 }
    const rules = compileRules(new Map([['r', { check, place }]]))
    if ('problems' in rules) throw new Error(JSON.stringify(rules.problems))
    try {
      return rules.allows('r', { roles: ['member'], user_id: 'me', project_id: 'mine' }, target)
    } catch (error) {
      if (error instanceof UnknownAttributeError) return 'unknown'
      throw error
    }
  }
  const target = { project_id: 'mine', host: UNKNOWN, bootable: true }
  test.each<[string, boolean | 'unknown']>([
    ['user_id:%(host)s', 'unknown'],
    ['not user_id:%(host)s', 'unknown'],
    ["'h':%(host)s", 'unknown'],
    ['role:%(host)s', 'unknown'],
    ['role:member or user_id:%(host)s', true],
    ['user_id:%(host)s or role:member', true],
    ['user_id:%(host)s and role:admin', false],
    ['role:admin and user_id:%(host)s', false],
    ['user_id:%(host)s or role:admin', 'unknown'],
    ['user_id:%(host)s and role:member', 'unknown'],
    ['not (user_id:%(host)s and role:admin)', true],
    ['not True:%(bootable)s', false],
    ['not user_id:%(nonsense)s', true],
  ])('%s: %s', (check, expected) => {
    expect(judge(check, target)).toBe(expected)
  })
})

test('docs/policy.md has every attribute, and every rule that is left to Cinder', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8')
  for (const [family, { shown }] of Object.entries(ATTRIBUTES)) {
    const names = Object.keys(shown).map((name) => `\`${name}\``)
    expect(text).toContain(`| ${family.replace('_', ' ')} | ${names.join(' ')} |`)
  }
  const refusing = [...NOT_ENFORCED].filter(([, why]) => !why.startsWith('hides')).map(([name]) => name)
  for (const name of refusing) expect(text).toContain(`\`${name}\``)
  expect(refusing.length).toBeGreaterThan(1)
})

test('an explanation says what could not be known', () => {
  const rule = parseRule('role:admin or user_id:%(host)s')
  if (isProblem(rule)) throw new Error(rule.message)
  const found = trace(rule, () => undefined, { roles: ['member'], user_id: 'u' }, { host: UNKNOWN })
  expect(found.result).toBe('error')
  expect(found.parts[1]).toMatchObject({
    result: 'error',
    read: 'user_id = "u", target\'s host = unknown to the gateway',
  })
})

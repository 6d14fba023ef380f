import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CATALOGUE } from '../../src/policy/catalogue.ts'
import { noticesOf } from '../../src/policy/notices.ts'
import { NOT_ENFORCED, operationsOf } from '../../src/policy/operations.ts'
import { compileRules, type RuleSet } from '../../src/policy/ruleset.ts'
import { loadPolicy } from '../../src/policy/source.ts'

const DIR = 'policies'
const FILES = readdirSync(DIR).filter((name) => name.endsWith('.yaml'))

function load(name: string): RuleSet {
  const loaded = loadPolicy([`${DIR}/${name}`], [])
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  return loaded.ruleSet
}

const person = (roles: readonly string[], more: object = {}) => ({
  project_id: 'p1',
  roles,
  service_roles: [],
  is_admin: roles.includes('admin'),
  is_admin_project: true,
  ...more,
})
const MEMBER = person(['member'])
const NOVA = person(['member'], { service_roles: ['service'] })
const READER = person(['reader'])
const ADMIN = person(['admin'])
const STORAGE_ADMIN = person(['admin', 'storage_admin'])
const AUDITOR = person(['auditor', 'member'])
const DETACH = 'volume_extension:volume_actions:detach'
const FORCE = 'volume_extension:volume_admin_actions:force_detach'

test.for(FILES)('%s loads', (name) => {
  expect(load(name).has(DETACH)).toBe(true)
})

test.for<[string, string, object, string, boolean]>([
  ['ossn-0092.yaml', DETACH, MEMBER, 'p1', false],
  ['ossn-0092.yaml', DETACH, NOVA, 'p1', true],
  ['ossn-0092.yaml', DETACH, NOVA, 'p2', false],
  ['ossn-0092.yaml', 'volume:attachment_delete', MEMBER, 'p1', false],
  ['ossn-0092.yaml', DETACH, ADMIN, 'p2', true],
  ['ossn-0092.yaml', 'volume_extension:volume_admin_actions:force_detach', ADMIN, 'p1', false],
  ['lock-down-force-detach.yaml', FORCE, ADMIN, 'p1', false],
  ['lock-down-force-detach.yaml', FORCE, STORAGE_ADMIN, 'p1', true],
  ['auditors-read-only.yaml', 'volume:get', AUDITOR, 'p2', true],
  ['auditors-read-only.yaml', DETACH, AUDITOR, 'p1', false],
  ['auditors-read-only.yaml', DETACH, MEMBER, 'p1', true],
  ['auditors-read-only.yaml', 'volume:get', MEMBER, 'p2', false],
  ['strict-roles.yaml', DETACH, READER, 'p1', false],
  ['strict-roles.yaml', DETACH, MEMBER, 'p1', true],
  ['strict-roles.yaml', 'volume:get', READER, 'p1', true],
])('%s: %s for %j on a volume of %s is %s', ([file, rule, credentials, project, expected]) => {
  expect(load(file).allows(rule, { ...credentials }, { project_id: project })).toBe(expected)
})

describe('auditors-read-only.yaml, all of Cinder', () => {
  /** Only looked at, though by POST, or before a key is deleted. */
  const LOOKS = [
    'group:list_replication_targets',
    'volume:get_volume_metadata',
    'volume:get_snapshot_metadata',
  ]
  const changing = CATALOGUE.filter(
    ({ name }) =>
      !NOT_ENFORCED.has(name) &&
      !LOOKS.includes(name) &&
      operationsOf(name).some((operation) => !operation.startsWith('GET ')),
  ).map(({ name }) => name)
  const own = { project_id: 'p1', user_id: 'u' }
  const none = compileRules(new Map())
  if ('problems' in none) throw new Error('the defaults do not load')

  test('there are many', () => {
    expect(changing.length).toBeGreaterThan(100)
  })
  test('an auditor changes nothing, in a project of their own either', () => {
    const rules = load('auditors-read-only.yaml')
    const roles = ['auditor', 'member', 'reader']
    expect(changing.filter((rule) => rules.allows(rule, { ...person(roles), user_id: 'u' }, own))).toEqual([])
  })
  test('a member may what members may', () => {
    const rules = load('auditors-read-only.yaml')
    const may = (set: RuleSet) =>
      changing.filter((rule) => set.allows(rule, { ...person(['member', 'reader']), user_id: 'u' }, own))
    expect(may(rules)).toEqual(may(none))
  })
})

test.for(FILES)('%s: every name in it counts', (name) => {
  expect(noticesOf(load(name))).toEqual([])
})

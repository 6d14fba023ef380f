import { describe, expect, test } from 'vitest'
import { PolicyError } from '../../src/policy/evaluate.ts'
import { problemText } from '../../src/policy/references.ts'
import {
  type BundleRule,
  compileRules,
  type Override,
  type RuleOptions,
  type RuleSet,
} from '../../src/policy/ruleset.ts'
import { trace } from '../../src/policy/trace.ts'

const PLACE = { file: 'policy.yaml', line: 3, column: 5 }

function overridesOf(rules: Readonly<Record<string, unknown>>): Map<string, Override> {
  return new Map(
    Object.entries(rules).map(([name, check]) => [name, { check, place: PLACE, verbatim: true }]),
  )
}

function rulesOf(rules: Readonly<Record<string, unknown>>, options: RuleOptions = {}): RuleSet {
  const set = compileRules(overridesOf(rules), options)
  if ('problems' in set) throw new Error(set.problems.map(problemText).join('\n'))
  return set
}

const TARGET = { project_id: 'p1', user_id: 'u1' }
const person = (role: string, project = 'p1') => ({
  user_id: 'u1',
  project_id: project,
  roles: [role],
  is_admin: role === 'admin',
  is_admin_project: true,
})

describe("Cinder's defaults", () => {
  test.for<[string, string, string, boolean, boolean]>([
    ['volume_extension:volume_actions:detach', 'member', 'p1', true, true],
    ['volume_extension:volume_actions:detach', 'reader', 'p1', true, false],
    ['volume_extension:volume_actions:detach', 'member', 'p2', false, false],
    ['volume_extension:volume_actions:detach', 'admin', 'p2', true, true],
    ['volume:attachment_delete', 'anything', 'p1', true, false],
    ['volume:attachment_create', 'anything', 'p2', true, false],
    ['volume:get', 'reader', 'p1', true, true],
    ['volume_extension:volume_admin_actions:force_detach', 'member', 'p1', false, false],
    ['volume_extension:volume_admin_actions:force_detach', 'admin', 'p2', true, true],
    ['volume_extension:volume_type_access:get_all_for_type', 'member', 'p1', false, false],
    ['volume:reimage', 'reader', 'p1', false, false],
  ])('%s: %s of %s, old defaults %s, new defaults %s', ([rule, role, project, old, current]) => {
    const decisions = [false, true].map((enforceNewDefaults) =>
      rulesOf({}, { enforceNewDefaults }).allows(rule, person(role, project), TARGET),
    )
    expect(decisions).toEqual([old, current])
  })
})

describe('overrides', () => {
  const DETACH = 'volume_extension:volume_actions:detach'
  const METADATA = 'volume_extension:volume_image_metadata'

  test.for<[string, Record<string, unknown>, string, boolean, boolean]>([
    ['one of its own name stands alone', { [DETACH]: 'role:x' }, DETACH, false, false],
    ['a base rule reaches all that refer to it', { admin_or_owner: 'role:reader' }, DETACH, true, false],
    ['one of the old name counts for the new', { [METADATA]: 'role:reader' }, `${METADATA}:set`, true, true],
    [
      'one of the old name that equals the old default still counts alone',
      { [METADATA]: 'rule:admin_or_owner' },
      `${METADATA}:set`,
      true,
      true,
    ],
    [
      'one of the old name that only points to the new does not',
      { [METADATA]: `(rule:${METADATA}:set)` },
      `${METADATA}:set`,
      true,
      false,
    ],
    [
      'the new name wins over the old',
      { [METADATA]: '@', [`${METADATA}:set`]: '!' },
      `${METADATA}:set`,
      false,
      false,
    ],
    ['lists', { [DETACH]: [['role:x'], ['role:reader', 'project_id:%(project_id)s']] }, DETACH, true, true],
  ])('%s', ([, rules, name, old, current]) => {
    const decisions = [false, true].map((enforceNewDefaults) =>
      rulesOf(rules, { enforceNewDefaults }).allows(name, person('reader'), TARGET),
    )
    expect(decisions).toEqual([old, current])
  })

  test('names without a rule: the default rule if there is one, else no decision', () => {
    expect(rulesOf({ default: '@' }).allows('nobody:wrote', {}, {})).toBe(true)
    expect(rulesOf({ fallback: '@' }, { defaultRule: 'fallback' }).allows('nobody:wrote', {}, {})).toBe(true)
    expect(() => rulesOf({}).allows('nobody:wrote', {}, {})).toThrow(PolicyError)
    expect(() => rulesOf({}).allows('nobody:wrote', {}, {})).toThrow('there is no rule "nobody:wrote"')
  })

  test('says what a rule reads and where it comes from', () => {
    const rules = rulesOf({ [DETACH]: 'user_id:%(user_id)s and rule:admin_or_owner', [METADATA]: 'role:x' })
    expect([...rules.reads(DETACH)].sort()).toEqual(['project_id', 'user_id'])
    expect([...rules.reads('volume_extension:volume_admin_actions:force_detach')]).toEqual([])
    expect(rules.has(DETACH)).toBe(true)
    expect(rules.has('nobody:wrote')).toBe(false)
    expect(rules.source(DETACH)).toEqual({
      from: 'file',
      layer: 'local',
      check: 'user_id:%(user_id)s and rule:admin_or_owner',
      place: PLACE,
    })
    expect(rules.source(`${METADATA}:set`)).toEqual({
      from: 'file',
      layer: 'local',
      check: 'role:x',
      place: PLACE,
      as: METADATA,
    })
    expect(rules.source('volume:get')).toEqual({
      from: 'default',
      layer: 'default',
      check: 'rule:xena_system_admin_or_project_reader',
      orDeprecated: 'rule:admin_or_owner',
    })
    expect(rules.source('nobody:wrote')).toBeUndefined()
  })

  test('another server is named, then its answer followed', () => {
    const rules = rulesOf({ [DETACH]: 'role:member and https://judge/%(project_id)s' })
    const ask = (role: string, answer: boolean | undefined) =>
      rules.decide(DETACH, person(role), TARGET, () => answer)
    expect(ask('reader', undefined)).toBe(false)
    expect(ask('member', undefined)).toEqual({ ask: 'https://judge/p1' })
    expect(ask('member', true)).toBe(true)
    expect(ask('member', false)).toBe(false)
    expect(() => rules.allows(DETACH, person('member'), TARGET)).toThrow(PolicyError)
  })
})

test.for<[string, Record<string, unknown>, readonly string[]]>([
  [
    'all problems at once',
    { a: 'role:x and', b: 'rule:nowhere', c: 'rule:c' },
    [
      'policy.yaml:3:15: rule "a": the rule ends where a check is expected',
      'policy.yaml:3:5: rule "b" refers to "nowhere", which does not exist',
      'policy.yaml:3:5: rule "c" refers to itself: c -> c',
    ],
  ],
  [
    'a reference to a broken rule is not a second problem',
    { a: 'admin', b: 'rule:a' },
    ['policy.yaml:3:5: rule "a": "admin" is no check: it has no colon'],
  ],
  [
    'a circle through a default',
    { admin_or_owner: 'rule:volume:get' },
    [
      'policy.yaml:3:5: rule "admin_or_owner" refers to itself: admin_or_owner -> volume:get -> admin_or_owner',
    ],
  ],
  [
    'a circle through the old name of a rule',
    { 'group:group_types_manage': 'role:x or rule:group:group_types:create' },
    [
      'policy.yaml:3:5: rule "group:group_types:create" refers to itself: group:group_types:create -> group:group_types:create',
    ],
  ],
  [
    'names of objects that Cinder never registers',
    { a: 'rule:system_admin_only' },
    ['policy.yaml:3:5: rule "a" refers to "system_admin_only", which does not exist'],
  ],
  [
    'a default rule does not excuse a wrong name',
    { default: '!', a: 'rule:b' },
    ['policy.yaml:3:5: rule "a" refers to "b", which does not exist'],
  ],
])('refuses %s', ([, rules, expected]) => {
  const set = compileRules(overridesOf(rules))
  expect('problems' in set ? set.problems.map(problemText) : []).toEqual(expected)
})

describe('what the organisation locks', () => {
  const FORCE = 'volume_extension:volume_admin_actions:force_detach'
  const under = (
    bundle: Readonly<Record<string, string>>,
    lockedNames: readonly string[],
    local: Readonly<Record<string, unknown>>,
  ) => {
    const rules = new Map(
      Object.entries(bundle).map(([name, check]): [string, BundleRule] => [
        name,
        { check, place: { ...PLACE, file: 'bundle 7' }, locked: lockedNames.includes(name) },
      ]),
    )
    return compileRules(overridesOf(local), { bundle: rules })
  }
  const setOf = (...args: Parameters<typeof under>): RuleSet => {
    const set = under(...args)
    if ('problems' in set) throw new Error(set.problems.map(problemText).join('\n'))
    return set
  }
  /** As the gateway makes credentials: `is_admin` out of the rule for it. */
  const allowed = (set: RuleSet, rule: string, role: string): boolean => {
    const known = { ...person(role), is_admin: null }
    return set.allows(rule, { ...known, is_admin: set.allows('context_is_admin', known, known) }, TARGET)
  }

  test.for<[string, Record<string, string>, readonly string[], Record<string, string>, string]>([
    ['itself', { [FORCE]: 'rule:admin_api' }, [FORCE], { [FORCE]: '@' }, FORCE],
    ['a rule of Cinder that it refers to', { [FORCE]: 'rule:admin_api' }, [FORCE], { admin_api: '@' }, FORCE],
    [
      'a rule of the bundle that it refers to, which is not locked',
      { [FORCE]: 'rule:org_admin', org_admin: 'role:admin' },
      [FORCE],
      { org_admin: '@' },
      FORCE,
    ],
    [
      'a rule that this one refers to',
      { [FORCE]: 'rule:one', one: 'not rule:two', two: 'not role:admin' },
      [FORCE],
      { two: '!' },
      FORCE,
    ],
    [
      'the new name of a rule that is locked under its old one',
      { 'volume_extension:types_manage': 'role:admin' },
      ['volume_extension:types_manage'],
      { 'volume_extension:type_create': '@' },
      'volume_extension:type_create',
    ],
    [
      'the old name of a rule that is locked under its new one',
      { 'volume_extension:type_create': 'role:admin' },
      ['volume_extension:type_create'],
      { 'volume_extension:types_manage': '@' },
      'volume_extension:type_create',
    ],
    [
      'the old name, locked, again',
      { 'volume_extension:types_manage': 'role:admin' },
      ['volume_extension:types_manage'],
      { 'volume_extension:types_manage': '@' },
      'volume_extension:type_create',
    ],
    [
      'the old name, locked, as an alias of the new one, which has a default of Cinder',
      { 'volume_extension:types_manage': 'role:admin' },
      ['volume_extension:types_manage'],
      { 'volume_extension:types_manage': 'rule:volume_extension:type_create' },
      'volume_extension:type_create',
    ],
    ['who is an admin', { [FORCE]: 'is_admin:True' }, [FORCE], { context_is_admin: '@' }, FORCE],
    [
      'who is an admin, through another rule',
      { [FORCE]: 'rule:admin_api' },
      [FORCE],
      { context_is_admin: 'rule:all', all: '@' },
      FORCE,
    ],
  ])('is not loosened through %s', ([, bundle, names, local, rule]) => {
    const before = setOf(bundle, names, {})
    const after = setOf(bundle, names, local)
    expect([allowed(before, rule, 'member'), allowed(before, rule, 'admin')]).toEqual([false, true])
    expect([allowed(after, rule, 'member'), allowed(after, rule, 'admin')]).toEqual([false, true])
    expect(after.source(rule)).toMatchObject({ locked: true })
  })

  test('nor by making somebody less of an admin', () => {
    const set = setOf({ [FORCE]: 'not is_admin:True' }, [FORCE], { context_is_admin: '!' })
    expect([allowed(set, FORCE, 'admin'), allowed(set, FORCE, 'member')]).toEqual([false, true])
  })

  test('is tightened through what it refers to', () => {
    const set = setOf({ [FORCE]: 'rule:org', org: 'role:admin' }, [FORCE], { org: 'role:nobody' })
    expect(allowed(set, FORCE, 'admin')).toBe(false)
  })

  test('is judged as it stands while no local file reaches it', () => {
    const set = setOf({ [FORCE]: 'rule:org', org: 'role:admin' }, [FORCE], { 'volume:get': '@' })
    expect(set.rule(FORCE)).toEqual({ kind: 'rule', name: 'org' })
    expect(set.source(FORCE)).toMatchObject({ layer: 'bundle', locked: true })
    expect(set.source('org')).not.toHaveProperty('locked')
  })

  test('may not lean on a rule that only a local file has', () => {
    const set = under({ [FORCE]: 'rule:site' }, [FORCE], { site: 'role:admin' })
    expect('problems' in set && set.problems.map(problemText)).toEqual([
      `bundle 7:3:5: rule "${FORCE}" refers to "site", which does not exist, in the bundle`,
    ])
    expect('problems' in under({ [FORCE]: 'rule:site' }, [], { site: 'role:admin' })).toBe(false)
  })

  test('shows in a trace with what each check of it read', () => {
    const set = setOf({ [FORCE]: 'is_admin:True' }, [FORCE], { [FORCE]: '@', context_is_admin: '@' })
    const found = trace(
      { kind: 'rule', name: FORCE },
      set.rule,
      { ...person('member'), is_admin: true },
      TARGET,
    )
    expect(found.parts[0]?.parts[0]).toEqual({
      check: 'locked by the bundle',
      result: false,
      parts: [{ check: 'is_admin:True', result: false, read: 'is_admin = false', parts: [] }],
    })
  })
})

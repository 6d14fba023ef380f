import { expect, test } from 'vitest'
import { compile, PolicyError, UnansweredError } from '../../src/policy/evaluate.ts'
import { isProblem, parseRule } from '../../src/policy/grammar.ts'

const CREDENTIALS = {
  user_id: 'u1',
  project_id: 'p1',
  domain_id: null,
  system_scope: null,
  roles: ['Member', 'reader'],
  is_admin: false,
  is_admin_project: true,
  token: { user: { name: 'Ann' }, groups: [{ id: 'g1' }, { id: 'g2' }], limits: [1, 2], nested: [[1]] },
}
const TARGET = {
  project_id: 'p1',
  user_id: 'u2',
  host: null,
  bootable: true,
  size: 10,
  role: 'READER',
  'a.b': 'dotted',
  tags: ['x', 'y'],
}

function compiled(check: unknown) {
  const named = (name: string) => compiled(OTHERS[name] ?? '!')
  const rule = parseRule(check)
  if (isProblem(rule)) throw new Error(rule.message)
  return compile(rule, named)
}

const OTHERS: Readonly<Record<string, string>> = {
  owner: 'project_id:%(project_id)s',
  nested: 'rule:owner and user_id:%(user_id)s',
  judge: 'http://judge/%(id)s',
}

test.for<[string, unknown, boolean]>([
  ['empty', '', true],
  ['never', '!', false],
  ['same project', 'project_id:%(project_id)s', true],
  ['other user', 'user_id:%(user_id)s', false],
  ['attribute missing in the target', 'project_id:%(none)s', false],
  ['attribute missing in the credentials', 'tenant:x', false],
  ['both None', 'domain_id:%(host)s', true],
  ['None written out', 'system_scope:None', true],
  ['False written out', 'is_admin:False', true],
  ['true is not True', 'is_admin_project:true', false],
  ['case counts', 'user_id:U1', false],
  ['role in any case', 'role:MEMBER', true],
  ['role of the target', 'role:%(role)s', true],
  ['role missing', 'role:admin', false],
  ['role of a missing attribute', 'role:%(none)s', false],
  ['roles as attribute keep their case', 'roles:member', false],
  ['any element', 'roles:reader', true],
  ['literal', 'True:%(bootable)s', true],
  ['number', '10:%(size)s', true],
  ['quoted literal', "'x10y':x%(size)sy", true],
  ['literal of a missing attribute', 'None:%(none)s', false],
  ['repr', `"'p1'":%(project_id)r`, true],
  ['dotted name of the target', "'dotted':%(a.b)s", true],
  ['dotted path', 'token.user.name:Ann', true],
  ['path to a missing step', 'token.nobody.name:Ann', false],
  ['path through a list', 'token.groups.id:g2', true],
  ['numbers of a list', 'token.limits:2', true],
  ['list in a list', 'token.nested:[1]', true],
  ['a list of the target', "roles:%(tags)s or 'a':a", true],
  ['not', 'not role:admin', true],
  ['and', 'role:member and role:admin', false],
  ['or stops early', '@ or domain_id.x:1', true],
  ['and stops early', '! and domain_id.x:1', false],
  ['rule', 'rule:owner', true],
  ['rule in a rule', 'not rule:nested', true],
  ['inherited names are no attributes', 'constructor:%(project_id)s', false],
  ['inherited names are not in the target', 'project_id:%(toString)s or @', true],
  ['a remote URL without its attribute, behind rule', 'rule:judge', false],
])('decides %s', ([, check, expected]) => {
  expect(compiled(check).decide(CREDENTIALS, TARGET, () => undefined)).toBe(expected)
})

test.for<[string, string, Record<string, unknown>, string]>([
  [
    'None has no attributes',
    'domain_id.x:1',
    {},
    'the credentials have no attributes before "x" in domain_id.x',
  ],
  ['text has no attributes', 'user_id.x:1', {}, 'the credentials have no attributes before "x" in user_id.x'],
  [
    'a list in a list',
    'token.nested.x:1',
    {},
    'the credentials have no attributes before "x" in token.nested.x',
  ],
  ['roles are no list', 'role:a', { roles: null }, 'the roles of the credentials are no list'],
  ['a role is no string', 'role:a', { roles: ['a', 1] }, 'a role of the credentials is no string'],
  [
    'a remote URL without its attribute',
    'https://j/%(id)s',
    {},
    'the target lacks what a remote check asks about',
  ],
])('cannot decide: %s', ([, check, more, message]) => {
  const decide = () => compiled(check).decide({ ...CREDENTIALS, ...more }, TARGET, () => undefined)
  expect(decide).toThrow(PolicyError)
  expect(decide).toThrow(message)
})

test('no roles at all refuse', () => {
  expect(compiled('role:a').decide({}, {}, () => undefined)).toBe(false)
})

test('a remote check waits for its answer and follows it', () => {
  const { decide, remote } = compiled('role:member and not http://judge/%(size)s')
  expect(remote).toBe(true)
  expect(() => decide(CREDENTIALS, TARGET, () => undefined)).toThrow(UnansweredError)
  expect(decide(CREDENTIALS, TARGET, (url) => url !== 'http://judge/10')).toBe(true)
  expect(decide(CREDENTIALS, TARGET, (url) => url === 'http://judge/10')).toBe(false)
})

test.for<[string, readonly string[]]>([
  ['role:admin', []],
  ['project_id:%(project_id)s or role:%(role)s', ['project_id', 'role']],
  ['not (rule:nested and True:%(a.b)s)', ['project_id', 'user_id', 'a.b']],
])('%s reads %j', ([check, expected]) => {
  expect([...compiled(check).reads]).toEqual(expected)
})

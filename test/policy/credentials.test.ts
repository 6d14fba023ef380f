import { expect, test } from 'vitest'
import { completeCredentials } from '../../src/policy/credentials.ts'
import { compileRules } from '../../src/policy/ruleset.ts'

const KNOWN = {
  user_id: 'u1',
  user_domain_id: 'default',
  system_scope: null,
  domain_id: null,
  project_id: 'p1',
  project_domain_id: 'default',
  roles: ['Admin'],
  is_admin_project: true,
  service_user_id: null,
  service_user_domain_id: null,
  service_project_id: null,
  service_project_domain_id: null,
  service_roles: [],
}

test.for<[string, string | undefined, object, object]>([
  ['an admin by default, in any case', undefined, {}, { is_admin: true }],
  ['a member', undefined, { roles: ['member'] }, { is_admin: false }],
  ['the target is the caller', 'project_id:%(project_id)s and user_id:u1', {}, { is_admin: true }],
  ['is_admin is not known yet', 'is_admin:None', {}, { is_admin: true }],
  ['system scope has two names', 'system:all', { system_scope: 'all' }, { system: 'all', is_admin: true }],
  ['an empty system scope has one', 'system:', { system_scope: '' }, { is_admin: false }],
])('%s', ([, contextIsAdmin, more, expected]) => {
  const place = { file: 'p', line: 1, column: 1 }
  const overrides =
    contextIsAdmin === undefined ? [] : ([['context_is_admin', { check: contextIsAdmin, place }]] as const)
  const rules = compileRules(new Map(overrides))
  if ('problems' in rules) throw new Error('the rule does not compile')
  const known = { ...KNOWN, ...more }
  expect(completeCredentials(known, rules)).toEqual({ ...known, ...expected })
})

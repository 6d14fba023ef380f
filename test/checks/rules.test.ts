import { describe, expect, test } from 'vitest'
import { rulesCheck } from '../../src/checks/rules.ts'
import type { ApiRule, JudgedOperation, RuleTarget } from '../../src/operation/operation.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { admin, alice } from '../identity/identities.ts'
import { run, volumeOf, type World } from './world.ts'

function decide(
  check: string,
  rule: Omit<ApiRule, 'name'> & { readonly name?: string },
  world: World,
  who = alice,
) {
  const place = { file: 'p', line: 1, column: 1 }
  const name = rule.name ?? 'volume:extend'
  const policy = compileRules(new Map([[name, { check, place }]]))
  if ('problems' in policy) throw new Error(JSON.stringify(policy.problems))
  const operation: JudgedOperation = {
    kind: 'other',
    projectInUrl: null,
    version: '3.70',
    rules: [{ ...rule, name }],
  }
  return run(rulesCheck(policy), operation, who, world)
}
const REFUSED = "policy: 403 Policy doesn't allow volume:extend to be performed."
const NOT_FOUND = 'volume_not_found: 404 Volume v could not be found.'
const volume = { target: { kind: 'volume', volumeId: 'v' } as const }
const WORLD: World = { volumes: { v: volumeOf('v', { view: { bootable: 'true' } }) } }

describe('the target is fetched only when the answer depends on it', () => {
  test.each<[string, string, readonly string[]]>([
    ['role:member', 'allow', []],
    ['role:member or project_id:%(project_id)s', 'allow', []],
    ['project_id:%(project_id)s', 'allow', ['volume v']],
    ['not True:%(bootable)s', REFUSED, ['volume v']],
    // Refused whatever it is; but what is not there is a 404.
    ['role:nobody', REFUSED, ['volume v']],
  ])('%s: %s after %j', (check, verdict, asked) => {
    expect(decide(check, volume, WORLD)).toEqual({ verdict, asked })
  })
  test('a server that is asked about the target is sent all of it', () => {
    expect(decide('role:nobody and http://judge/', volume, WORLD).asked).toEqual(['volume v'])
  })
})

describe('what is not there', () => {
  const object = (collection: 'messages' | 'snapshots'): { readonly target: RuleTarget } => ({
    target: { kind: 'object', collection, id: 'o' },
  })
  test.each<[string, Omit<ApiRule, 'name'>, World, string]>([
    // A volume may be hidden only: what a rule does not allow outright is Cinder's 404.
    ['project_id:%(project_id)s', volume, {}, NOT_FOUND],
    ['role:nobody', volume, {}, NOT_FOUND],
    ['role:member', volume, {}, 'allow'],
    ['role:nobody', volume, { volumes: { v: 'not-authorized' } }, 'not_authorized: 403 Not authorized.'],
    ['role:nobody', object('snapshots'), { objects: { o: 'absent' } }, 'allow'],
    ['role:nobody', object('messages'), { objects: { o: 'hidden' } }, REFUSED],
    ['role:member', object('messages'), { objects: { o: 'hidden' } }, 'allow'],
    ['role:nobody', { target: { kind: 'transfer', transferId: 't' } }, { objects: { t: 'absent' } }, 'allow'],
    ['role:nobody', { target: { kind: 'attachment', attachmentId: 'a' } }, {}, 'allow'],
  ])('%s of %j in %j: %s', (check, rule, world, verdict) => {
    expect(decide(check, rule, world).verdict).toBe(verdict)
  })
  test('a rule that reads what is hidden gives no answer', () => {
    const hidden = { objects: { o: 'hidden' } } as const
    expect(() => decide('not project_id:%(project_id)s', object('messages'), hidden)).toThrow(
      'depends on the target',
    )
  })
})

describe('targets', () => {
  test('a transfer is its volume', () => {
    const transfer = { target: { kind: 'transfer', transferId: 't' } } as const
    const world = (userId: string): World => ({
      objects: { t: { id: 't', volume_id: 'v' } },
      volumes: { v: volumeOf('v', { userId }) },
    })
    expect(decide('user_id:%(user_id)s', transfer, world('alice'))).toEqual({
      verdict: 'allow',
      asked: ['object volume-transfers t', 'volume v'],
    })
    expect(decide('user_id:%(user_id)s', transfer, world('bob')).verdict).toBe(REFUSED)
  })
  test('the user of a group is not shown by any Cinder: such a rule gives no answer', () => {
    const group = { target: { kind: 'object', collection: 'groups', id: 'g' } } as const
    const world: World = { objects: { g: { id: 'g', status: 'available' } } }
    expect(() => decide('user_id:%(user_id)s', group, world)).toThrow("the target's user_id")
    expect(decide('user_id:%(user_id)s or role:member', group, world).verdict).toBe('allow')
    expect(decide('project_id:%(project_id)s', group, world).verdict).toBe('allow')
    expect(() => decide('not project_id:%(project_id)s', group, world, admin)).toThrow('project_id')
  })
})

describe('rules of some statuses', () => {
  const at = (status: string): World => ({ volumes: { v: volumeOf('v', { status }) } })
  test.each<[Omit<ApiRule, 'name'>, string, string]>([
    [{ ...volume, onlyWhile: { status: 'in-use' } }, 'in-use', REFUSED],
    [{ ...volume, onlyWhile: { status: 'in-use' } }, 'available', 'allow'],
    [{ ...volume, exceptWhile: { status: 'in-use' } }, 'in-use', 'allow'],
    [{ ...volume, exceptWhile: { status: 'in-use' } }, 'available', REFUSED],
  ])('%j while %s: %s', (rule, status, verdict) => {
    expect(decide('role:nobody', rule, at(status)).verdict).toBe(verdict)
  })
})

test('a rule of some volumes is asked as well where it cannot be known which this is', () => {
  const rule = { ...volume, onlyWhile: { multiattach: true, bootable: true } }
  const of = (view: object): World => ({ volumes: { v: volumeOf('v', { view: { ...view } }) } })
  expect(decide('role:nobody', rule, of({ multiattach: true, bootable: 'true' })).verdict).toBe(REFUSED)
  expect(decide('role:nobody', rule, of({ multiattach: true })).verdict).toBe(REFUSED)
  expect(decide('role:nobody', rule, of({ multiattach: false, bootable: 'true' })).verdict).toBe('allow')
  const except = { ...volume, exceptWhile: { multiattach: true } }
  expect(decide('role:nobody', except, of({})).verdict).toBe(REFUSED)
})

test('volume:get hides the volume, but where Cinder says that it refuses', () => {
  const get = { ...volume, name: 'volume:get' }
  expect(decide('role:nobody', get, WORLD).verdict).toBe(NOT_FOUND)
  expect(decide('role:nobody', { ...get, openly: true }, WORLD).verdict).toBe(
    "policy: 403 Policy doesn't allow volume:get to be performed.",
  )
})

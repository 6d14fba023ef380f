import { describe, expect, test } from 'vitest'
import { credentialsOf } from '../../src/checks/caller.ts'
import { type PolicyRules, policyCheck } from '../../src/checks/policy.ts'
import { createChecks } from '../../src/checks/table.ts'
import { CHECK_TITLES } from '../../src/explain/words.ts'
import type { Identity, Scope } from '../../src/identity/identity.ts'
import type { GuardedOperation } from '../../src/operation/operation.ts'
import { compileRules, type RuleSet } from '../../src/policy/ruleset.ts'
import { UNKNOWN } from '../../src/policy/template.ts'
import { admin, alice, nova, tokenOf } from '../identity/identities.ts'
import { fakeRules } from './fake-rules.ts'
import { attachmentOf, run, volumeOf, type World } from './world.ts'

const common = { projectInUrl: 'demo', version: '3.27' } as const
const detach: GuardedOperation = {
  ...common,
  kind: 'volume-detach',
  volumeId: 'v',
  attachmentId: null,
  nullBody: false,
}
const nullDetach: GuardedOperation = { ...detach, nullBody: true }
const force: GuardedOperation = { ...common, kind: 'volume-force-detach', volumeId: 'v', attachmentId: null }
const terminate: GuardedOperation = { ...common, kind: 'volume-terminate-connection', volumeId: 'v' }
const migrate: GuardedOperation = {
  ...common,
  kind: 'volume-migrate-completion',
  volumeId: 'v',
  newVolumeId: 'new',
  error: false,
}
const remove: GuardedOperation = { ...common, kind: 'attachment-delete', attachmentId: 'a' }

const WORLD: World = {
  volumes: { v: volumeOf('v'), new: volumeOf('new') },
  attachments: { a: { id: 'a', volumeId: 'v' } },
  lists: { v: [attachmentOf('a')] },
}

interface Recorded extends PolicyRules {
  /** Rules in the order of evaluation, but `context_is_admin`. */
  readonly evaluated: string[]
  readonly targets: Record<string, unknown>[]
}

/** Allows everything but `refused`; the admin role is an admin's. */
function rules(...refused: readonly string[]): Recorded {
  const evaluated: string[] = []
  const targets: Record<string, unknown>[] = []
  return {
    evaluated,
    targets,
    ...fakeRules((rule, credentials, target) => {
      if (rule === 'context_is_admin') return (credentials.roles as string[]).includes('admin')
      evaluated.push(rule)
      targets.push(target)
      return !refused.includes(rule)
    }),
  }
}

function compiled(written: Readonly<Record<string, string>>): RuleSet {
  const place = { file: 'p', line: 1, column: 1 }
  const made = compileRules(new Map(Object.entries(written).map(([name, check]) => [name, { check, place }])))
  if ('problems' in made) throw new Error(JSON.stringify(made.problems))
  return made
}

function decide(
  phase: 'before' | 'between' | 'after',
  operation: GuardedOperation,
  policy: PolicyRules,
  world = WORLD,
  who = alice,
) {
  return run(policyCheck(phase, policy), operation, who, world)
}

const ACTIONS = 'volume_extension:volume_actions'
const ADMIN = 'volume_extension:volume_admin_actions'

describe("the rules of an operation, in Cinder's order", () => {
  const rows: readonly (readonly [
    string,
    GuardedOperation,
    before: readonly string[],
    between: readonly string[],
  ])[] = [
    ['os-detach', detach, ['volume:get', `${ACTIONS}:detach`], []],
    ['os-terminate_connection', terminate, ['volume:get', `${ACTIONS}:terminate_connection`], []],
    [
      'os-force_detach',
      force,
      ['volume:get', `${ADMIN}:force_detach`, `${ACTIONS}:terminate_connection`],
      [`${ACTIONS}:unreserve`, `${ACTIONS}:detach`],
    ],
    [
      'os-migrate_volume_completion, for both volumes',
      migrate,
      ['volume:get', `${ADMIN}:migrate_volume_completion`, 'volume:get'],
      [`${ACTIONS}:detach`],
    ],
    ['DELETE attachment', remove, ['volume:attachment_delete'], []],
  ]
  test.each(rows)('%s', (_name, operation, before, between) => {
    const [first, second] = [rules(), rules()]
    expect(decide('before', operation, first).verdict).toBe('allow')
    expect(decide('between', operation, second).verdict).toBe('allow')
    expect([first.evaluated, second.evaluated]).toEqual([before, between])
  })

  test.each(rows)(
    'each refuses by its name, and volume:get as if there were no volume: %s',
    (_name, operation, before, between) => {
      for (const [phase, names] of [
        ['before', before],
        ['between', between],
      ] as const) {
        for (const rule of names) {
          const expected =
            rule === 'volume:get'
              ? 'volume_not_found: 404 Volume v could not be found.'
              : `policy: 403 Policy doesn't allow ${rule} to be performed.`
          expect(decide(phase, operation, rules(rule)).verdict).toBe(expected)
        }
      }
    },
  )

  test('the safety check stands between the two', () => {
    const names = createChecks(rules(), {
      guard_shared_connector: false,
      guard_reset_status: false,
      guard_attachment_update: false,
      enforce: 'guarded',
    }).map((check) => check.name)
    expect(names).toEqual([
      'rules',
      'policy',
      'connection',
      'policy-between',
      'detach',
      'policy-after',
      'beyond',
    ])
    // An explanation has a title for each.
    expect(Object.keys(CHECK_TITLES).toSorted()).toEqual(names.toSorted())
  })
})

describe("a service's calls", () => {
  const asks = (enforce: 'guarded' | 'overrides' | 'all', isDefault: boolean) => {
    const policy = { ...rules(), isDefault }
    const off = { guard_shared_connector: false, guard_reset_status: false, guard_attachment_update: false }
    const known = { get: () => undefined }
    return createChecks(policy, { ...off, enforce })
      .map((check) => check.decide(detach, nova, known).verdict)
      .includes('ask')
  }
  test.each([
    ['guarded', true, false],
    ['overrides', true, false],
    ['all', true, true],
    ['guarded', false, true],
    ['overrides', false, true],
  ] as const)(
    "with enforce = %s, and only Cinder's own rules: %s; looked at: %s",
    (enforce, isDefault, looked) => {
      expect(asks(enforce, isDefault)).toBe(looked)
    },
  )
})

describe('what is not there', () => {
  const NO_VOLUME = 'volume_not_found: 404 Volume v could not be found.'
  const NO_NEW = 'volume_not_found: 404 Volume new could not be found.'
  const HIDDEN = 'not_authorized: 403 Not authorized.'
  const ONLY_NEW: World = { volumes: { new: volumeOf('new') } }
  const rows: readonly (readonly [
    what: string,
    GuardedOperation,
    refused: readonly string[],
    World,
    verdict: string,
  ])[] = [
    ['the volume', detach, [], {}, NO_VOLUME],
    ['the volume, before any rule', detach, ['volume:get', `${ACTIONS}:detach`], {}, NO_VOLUME],
    ['the volume, before the null', nullDetach, [], {}, NO_VOLUME],
    ['a volume that may not be looked at', detach, [], { volumes: { v: 'not-authorized' } }, HIDDEN],
    ['the source of a migration', migrate, [], ONLY_NEW, NO_VOLUME],
    ['the target of a migration', migrate, [], { volumes: { v: volumeOf('v') } }, NO_NEW],
    [
      'the target of a migration, after the rules of the source',
      migrate,
      [`${ADMIN}:migrate_volume_completion`],
      { volumes: { v: volumeOf('v') } },
      `policy: 403 Policy doesn't allow ${ADMIN}:migrate_volume_completion to be performed.`,
    ],
    [
      'the attachment',
      remove,
      [],
      {},
      'attachment_not_found: 404 Volume attachment could not be found with filter: attachment_id = a.',
    ],
    [
      "the volume of an attachment, which is another project's",
      remove,
      [],
      { ...WORLD, volumes: {} },
      'allow',
    ],
    ['an attachment that is hidden', remove, [], { attachments: { a: 'hidden' } }, 'allow'],
    [
      'an attachment that is hidden, when its rule refuses',
      remove,
      ['volume:attachment_delete'],
      { attachments: { a: 'hidden' } },
      "policy: 403 Policy doesn't allow volume:attachment_delete to be performed.",
    ],
  ]
  test.each(rows)('%s', (_what, operation, refused, world, verdict) => {
    expect(decide('before', operation, rules(...refused), world).verdict).toBe(verdict)
  })

  test('os-detach with null fails after volume:get and before its own rule', () => {
    expect(decide('before', nullDetach, rules('volume:get')).verdict).toBe(NO_VOLUME)
    expect(decide('before', nullDetach, rules(`${ACTIONS}:detach`)).verdict).toMatch(/^null_body: 500 /)
  })
})

describe('a migration that is not under way', () => {
  const attach = `${ACTIONS}:attach`
  test('moves attachments with the rules of detaching, and then of attaching to the new volume', () => {
    const policy = rules()
    expect(decide('after', migrate, policy).verdict).toBe('allow')
    expect(policy.evaluated).toEqual([attach])
    expect(policy.targets[0]).toMatchObject({ id: 'new' })
    expect(decide('after', migrate, rules(attach)).verdict).toContain(attach)
  })
  test.each<[string, World, GuardedOperation]>([
    ['is told of an error', WORLD, { ...migrate, error: true } as GuardedOperation],
    ['has nothing attached', { ...WORLD, lists: {} }, migrate],
    [
      'is under way after all',
      { ...WORLD, volumes: { v: volumeOf('v', { migrationStatus: 'migrating' }), new: volumeOf('new') } },
      migrate,
    ],
  ])('asks neither when it %s', (_what, world, operation) => {
    const policy = rules()
    expect(decide('between', operation, policy, world).verdict).toBe('allow')
    expect(decide('after', operation, policy, world).verdict).toBe('allow')
    expect(policy.evaluated).toEqual([])
  })
})

describe('what is looked up', () => {
  test('nothing, where the rules allow whatever the volume is', () => {
    const policy = { ...compiled({}), isDefault: false }
    for (const operation of [detach, force, terminate, migrate, remove])
      expect(decide('before', operation, policy, WORLD, admin)).toEqual({ verdict: 'allow', asked: [] })
    expect(decide('before', detach, policy).asked).toEqual(['volume v'])
    // Cinder stumbles over null only where the volume is there.
    expect(decide('before', nullDetach, policy, WORLD, admin).asked).toEqual(['volume v'])
  })

  const rows: readonly (readonly [what: string, GuardedOperation, Identity, asked: readonly string[]])[] = [
    ['the volume', detach, alice, ['volume v']],
    ['both volumes of a migration at once', migrate, admin, ['volume v, volume new']],
    ['an attachment, then its volume', remove, nova, ['attachment a', 'volume v']],
  ]
  test.each(rows)('%s', (_what, operation, who, asked) => {
    expect(decide('before', operation, rules(), WORLD, who).asked).toEqual(asked)
  })
})

describe('the target of a rule', () => {
  const targetOf = (operation: GuardedOperation, world: World) => {
    const policy = rules()
    decide('before', operation, policy, world)
    return policy.targets[0]
  }

  test('is the volume with the fields that Cinder gives its rules, and no name of the API', () => {
    const view = { name: 'disk', bootable: 'true', 'os-vol-tenant-attr:tenant_id': 'p', project_id: 'forged' }
    const target = targetOf(detach, {
      volumes: { v: volumeOf('v', { projectId: 'p', userId: 'u', view }) },
    })
    expect(target).toMatchObject({
      id: 'v',
      project_id: 'p',
      user_id: 'u',
      status: 'in-use',
      display_name: 'disk',
      bootable: true,
      host: UNKNOWN,
      provider_location: UNKNOWN,
    })
    expect(Object.keys(target ?? {})).not.toContain('name')
  })

  test('has the project of the caller where Cinder hides it', () => {
    expect(targetOf(detach, { volumes: { v: volumeOf('v', { projectId: null }) } })).toMatchObject({
      project_id: 'demo',
    })
  })

  test('is the attachment with the project of its volume and the user who asks', () => {
    expect(
      targetOf(remove, { ...WORLD, volumes: { v: volumeOf('v', { projectId: 'p', userId: 'u' }) } }),
    ).toMatchObject({ id: 'a', volume_id: 'v', project_id: 'p', user_id: 'alice', attach_status: UNKNOWN })
  })

  test.each(['absent', 'not-authorized'] as const)('has no project when the volume is %s', (volume) => {
    const target = targetOf(remove, { ...WORLD, volumes: { v: volume } })
    expect(target).toMatchObject({ id: 'a', volume_id: 'v', user_id: 'alice' })
    expect(target).not.toHaveProperty('project_id')
  })
})

describe('credentials are what oslo.context hands to oslo.policy', () => {
  test('of a user through a service', () => {
    expect(credentialsOf(nova, rules())).toEqual({
      user_id: 'alice',
      user_domain_id: 'default',
      project_id: 'demo',
      project_domain_id: 'default',
      domain_id: null,
      system_scope: null,
      roles: ['member'],
      is_admin_project: true,
      is_admin: false,
      service_user_id: 'nova',
      service_user_domain_id: 'default',
      service_project_id: 'service',
      service_project_domain_id: 'default',
      service_roles: ['service'],
    })
  })

  const none = { project_id: null, project_domain_id: null, domain_id: null, system_scope: null }
  const scopes: readonly (readonly [Scope, object])[] = [
    [
      { kind: 'domain', domainId: 'd' },
      { ...none, domain_id: 'd' },
    ],
    [{ kind: 'system' }, { ...none, system_scope: 'all', system: 'all' }],
    [{ kind: 'unscoped' }, none],
  ]
  test.each(scopes)('of the scope %o', (scope, expected) => {
    const found = credentialsOf({ ...alice, user: tokenOf({ scope }) }, rules())
    expect(found).toMatchObject({
      ...expected,
      service_user_id: null,
      service_project_id: null,
      service_roles: [],
    })
    expect('system' in found).toBe('system' in expected)
  })

  test('is_admin is what context_is_admin says', () => {
    expect([alice, admin].map((who) => credentialsOf(who, rules()).is_admin)).toEqual([false, true])
  })
})

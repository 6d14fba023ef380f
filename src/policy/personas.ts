import { completeCredentials, NOBODY } from './credentials.ts'
import { PolicyError, REQUEST } from './evaluate.ts'
import { described } from './extensions.ts'
import type { Rule } from './grammar.ts'
import type { RuleSet } from './ruleset.ts'
import { ruleText } from './trace.ts'

interface Persona {
  readonly roles: readonly string[]
  readonly scope?: 'system'
  /** The role of the service that passes the call on. */
  readonly service?: string
}

/** Who asks, and whose the target is: the kinds of callers that a policy tells apart. */
const PERSONAS: Readonly<Record<string, Persona>> = {
  admin: { roles: ['admin', 'manager', 'member', 'reader'] },
  manager: { roles: ['manager', 'member', 'reader'] },
  member: { roles: ['member', 'reader'] },
  reader: { roles: ['reader'] },
  'no role': { roles: [] },
  service: { roles: ['service'] },
  'member through a service': { roles: ['member', 'reader'], service: 'service' },
  'system admin': { roles: ['admin', 'manager', 'member', 'reader'], scope: 'system' },
  'system reader': { roles: ['reader'], scope: 'system' },
}
const TARGETS = {
  'own project': { project_id: 'project', user_id: 'user' },
  "own project, another's": { project_id: 'project', user_id: 'another' },
  'another project': { project_id: 'other', user_id: 'another' },
} as const

export const TARGET_COUNT = Object.keys(TARGETS).length

export interface Difference {
  readonly rule: string
  readonly persona: string
  readonly target: string
  readonly change: 'gains' | 'loses'
}

/** Who may do more, and who less, under `after` than under `before`. */
export function differences(before: RuleSet, after: RuleSet): readonly Difference[] {
  const found: Difference[] = []
  const personas = Object.entries({ ...PERSONAS, ...personasOf(before, after) })
  for (const rule of namesOf(before, after)) {
    for (const [persona, credentials] of personas) {
      for (const [target, values] of Object.entries(TARGETS)) {
        const was = may(before, rule, credentials, values)
        const is = may(after, rule, credentials, values)
        if (was !== is) found.push({ rule, persona, target, change: is ? 'gains' : 'loses' })
      }
    }
  }
  return found
}

export interface Rewording {
  readonly rule: string
  readonly was: string
  readonly is: string
}

/** Rules whose own words differ, whoever they let pass: such as a time, an address, or one user. */
export function reworded(before: RuleSet, after: RuleSet): readonly Rewording[] {
  const textOf = (rules: RuleSet, name: string): string => {
    const rule = rules.rule(name)
    const lock = rules.source(name)?.locked === true ? ' (locked)' : ''
    return rule === undefined ? 'no rule' : `${ruleText(rule)}${lock}`
  }
  return namesOf(before, after)
    .map((rule) => ({ rule, was: textOf(before, rule), is: textOf(after, rule) }))
    .filter(({ was, is }) => was !== is)
}

const namesOf = (before: RuleSet, after: RuleSet): readonly string[] =>
  [...new Set([...before.names(), ...after.names()])].sort()

/** Callers with the roles that the two policies name, alone and beside the usual ones. */
function personasOf(...policies: readonly RuleSet[]): Record<string, Persona> {
  const rules = policies.flatMap((policy) => policy.names().map((name) => policy.rule(name)))
  const roles = new Set<string>()
  const service = new Set<string>()
  for (const rule of rules) if (rule !== undefined) collect(rule, roles, service)
  const member = ['member', 'reader']
  const admin = ['admin', 'manager', ...member]
  return Object.fromEntries([
    ...[...roles]
      .filter((role) => !admin.includes(role) && role !== 'service')
      .flatMap((role): [string, Persona][] => [
        [role, { roles: [role] }],
        [`member with ${role}`, { roles: [...member, role] }],
        [`admin with ${role}`, { roles: [...admin, role] }],
      ]),
    ...[...service]
      .filter((role) => role !== 'service')
      .map((role): [string, Persona] => [`member through a ${role}`, { roles: member, service: role }]),
  ])
}

function collect(rule: Rule, roles: Set<string>, service: Set<string>): void {
  if (rule.kind === 'and' || rule.kind === 'or') for (const part of rule.parts) collect(part, roles, service)
  else if (rule.kind === 'not' || rule.kind === 'locked') collect(rule.part, roles, service)
  else if (
    rule.kind === 'role' ||
    (rule.kind === 'attribute' && /^(?:service_)?roles$/.test(rule.path.join('.')))
  ) {
    const [only, ...more] = rule.wanted.pieces
    if (typeof only !== 'string' || more.length > 0) return
    if (rule.kind === 'role' || rule.path[0] === 'roles') roles.add(only)
    else service.add(only)
  }
}

/** Checks of the request itself see a plain call from the gateway's machine. */
const NO_REQUEST = described({}, 0)

function may(
  rules: RuleSet,
  rule: string,
  persona: Persona,
  target: Readonly<Record<string, string>>,
): boolean {
  if (!rules.has(rule)) return false
  const isSystem = persona.scope === 'system'
  try {
    const credentials = completeCredentials(
      {
        ...NOBODY,
        user_id: 'user',
        user_domain_id: 'default',
        system_scope: isSystem ? 'all' : null,
        project_id: isSystem ? null : 'project',
        project_domain_id: isSystem ? null : 'default',
        roles: persona.roles,
        service_user_id: persona.service === undefined ? null : 'service',
        service_roles: persona.service === undefined ? [] : [persona.service],
      },
      rules,
    )
    return rules.allows(rule, { ...credentials, [REQUEST]: NO_REQUEST }, target)
  } catch (error) {
    if (error instanceof PolicyError) return false
    throw error
  }
}

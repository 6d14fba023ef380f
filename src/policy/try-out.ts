import { CATALOGUE } from './catalogue.ts'
import { completeCredentials, NOBODY } from './credentials.ts'
import { REQUEST } from './evaluate.ts'
import type { RequestFacts } from './extensions.ts'
import type { Rule } from './grammar.ts'
import { type Trace, trace } from './trace.ts'

/** Somebody made up, to see what a rule says of them. */
export interface TryOut {
  readonly rule: string
  readonly roles: readonly string[]
  /** Whose the target is: the caller's own project or another one. */
  readonly target: 'own' | 'other'
  readonly scope: 'project' | 'system'
  readonly isService: boolean
}

export interface TriedOut {
  readonly allowed: boolean
  /** The rule check by check, where the policy shows its rules. */
  readonly trace?: Trace
}

export interface TryOutRules {
  has(rule: string): boolean
  rule(name: string): Rule | undefined
  /** All there are, the operator's own, too. */
  names?(): readonly string[]
  allows(
    rule: string,
    credentials: Readonly<Record<string, unknown>>,
    target: Readonly<Record<string, unknown>>,
  ): boolean
}

/**
 * @param request what checks such as cinderguard.address see.
 * @returns null when there is no such rule. @throws PolicyError where Cinder would answer 500.
 */
export function tryOut(
  { rule, roles, target, scope, isService }: TryOut,
  rules: TryOutRules,
  request: RequestFacts,
): TriedOut | null {
  if (!rules.has(rule)) return null
  const isSystem = scope === 'system'
  const credentials = completeCredentials(
    {
      ...NOBODY,
      user_id: 'user',
      user_domain_id: 'default',
      system_scope: isSystem ? 'all' : null,
      project_id: isSystem ? null : 'project',
      project_domain_id: isSystem ? null : 'default',
      roles,
      service_user_id: isService ? 'service' : null,
      service_user_domain_id: isService ? 'default' : null,
      service_project_id: isService ? 'service' : null,
      service_project_domain_id: isService ? 'default' : null,
      service_roles: isService ? ['service'] : [],
    },
    rules,
  )
  const owner =
    target === 'own' ? { project_id: 'project', user_id: 'user' } : { project_id: 'other', user_id: 'other' }
  const asking = { ...credentials, [REQUEST]: request }
  const allowed = rules.allows(rule, asking, owner)
  return rules.rule === undefined
    ? { allowed }
    : { allowed, trace: trace({ kind: 'rule', name: rule }, (name) => rules.rule(name), asking, owner) }
}

/** Names to choose from. */
export function ruleNames(rules: TryOutRules): readonly string[] {
  return rules.names?.() ?? CATALOGUE.map(({ name }) => name)
}

import { CATALOGUE } from './catalogue.ts'
import { completeCredentials } from './credentials.ts'
import { REQUEST } from './evaluate.ts'
import { described } from './extensions.ts'
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
  /** When they ask, milliseconds since the epoch. */
  readonly time: number
}

export interface TriedOut {
  readonly allowed: boolean
  /** The rule check by check, where the policy shows its rules. */
  readonly trace?: Trace
}

export interface TryOutRules {
  has(rule: string): boolean
  rule?(name: string): Rule | undefined
  allows(
    rule: string,
    credentials: Readonly<Record<string, unknown>>,
    target: Readonly<Record<string, unknown>>,
  ): boolean
}

/** @returns null when there is no such rule. @throws PolicyError where Cinder would answer 500. */
export function tryOut(
  { rule, roles, target, scope, isService, time }: TryOut,
  rules: TryOutRules,
): TriedOut | null {
  if (!rules.has(rule)) return null
  const credentials = completeCredentials(
    {
      user_id: 'user',
      user_domain_id: 'default',
      system_scope: scope === 'system' ? 'all' : null,
      domain_id: null,
      project_id: scope === 'system' ? null : 'project',
      project_domain_id: scope === 'system' ? null : 'default',
      roles,
      is_admin_project: true,
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
  // Checks of the request itself see a plain call from the gateway's machine.
  const asking = { ...credentials, [REQUEST]: described({}, time) }
  const allowed = rules.allows(rule, asking, owner)
  return rules.rule === undefined
    ? { allowed }
    : { allowed, trace: trace({ kind: 'rule', name: rule }, (name) => rules.rule?.(name), asking, owner) }
}

/** Names to choose from. */
export const RULE_NAMES: readonly string[] = CATALOGUE.map(({ name }) => name)

import { CATALOGUE } from './catalogue.ts'
import { completeCredentials } from './credentials.ts'

/** Somebody made up, to see what a rule says of them. */
export interface TryOut {
  readonly rule: string
  readonly roles: readonly string[]
  /** Whose the target is: the caller's own project or another one. */
  readonly target: 'own' | 'other'
  readonly scope: 'project' | 'system'
  readonly isService: boolean
}

export interface TryOutRules {
  has(rule: string): boolean
  allows(
    rule: string,
    credentials: Readonly<Record<string, unknown>>,
    target: Readonly<Record<string, unknown>>,
  ): boolean
}

/** @returns null when there is no such rule. @throws PolicyError where Cinder would answer 500. */
export function tryOut(
  { rule, roles, target, scope, isService }: TryOut,
  rules: TryOutRules,
): boolean | null {
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
  return rules.allows(rule, { ...credentials }, owner)
}

/** Names to choose from. */
export const RULE_NAMES: readonly string[] = CATALOGUE.map(({ name }) => name)

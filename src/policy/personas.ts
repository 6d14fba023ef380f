import { completeCredentials } from './credentials.ts'
import { PolicyError, REQUEST } from './evaluate.ts'
import { described } from './extensions.ts'
import type { RuleSet } from './ruleset.ts'

/** Who asks, and whose the target is: the kinds of callers that a policy tells apart. */
const PERSONAS: Readonly<
  Record<string, { readonly roles: readonly string[]; readonly scope?: 'system'; readonly service?: true }>
> = {
  admin: { roles: ['admin', 'manager', 'member', 'reader'] },
  manager: { roles: ['manager', 'member', 'reader'] },
  member: { roles: ['member', 'reader'] },
  reader: { roles: ['reader'] },
  'no role': { roles: [] },
  service: { roles: ['service'] },
  'member through a service': { roles: ['member', 'reader'], service: true },
  'system admin': { roles: ['admin', 'manager', 'member', 'reader'], scope: 'system' },
  'system reader': { roles: ['reader'], scope: 'system' },
}
const TARGETS = {
  'own project': { project_id: 'project', user_id: 'user' },
  "own project, another's": { project_id: 'project', user_id: 'another' },
  'another project': { project_id: 'other', user_id: 'another' },
} as const

export interface Difference {
  readonly rule: string
  readonly persona: string
  readonly target: string
  readonly change: 'gains' | 'loses'
}

/** Who may do more, and who less, under `after` than under `before`. */
export function differences(before: RuleSet, after: RuleSet): readonly Difference[] {
  const found: Difference[] = []
  for (const rule of new Set([...before.names(), ...after.names()])) {
    for (const [persona, credentials] of Object.entries(PERSONAS)) {
      for (const [target, values] of Object.entries(TARGETS)) {
        const was = may(before, rule, credentials, values)
        const is = may(after, rule, credentials, values)
        if (was !== is) found.push({ rule, persona, target, change: is ? 'gains' : 'loses' })
      }
    }
  }
  return found
}

/** Checks of the request itself see a plain call from the gateway's machine. */
const NO_REQUEST = described({}, 0)

function may(
  rules: RuleSet,
  rule: string,
  persona: (typeof PERSONAS)[string],
  target: Readonly<Record<string, string>>,
): boolean {
  if (!rules.has(rule)) return false
  const isSystem = persona.scope === 'system'
  try {
    const credentials = completeCredentials(
      {
        user_id: 'user',
        user_domain_id: 'default',
        system_scope: isSystem ? 'all' : null,
        domain_id: null,
        project_id: isSystem ? null : 'project',
        project_domain_id: isSystem ? null : 'default',
        roles: persona.roles,
        is_admin_project: true,
        service_user_id: persona.service === true ? 'service' : null,
        service_user_domain_id: null,
        service_project_id: null,
        service_project_domain_id: null,
        service_roles: persona.service === true ? ['service'] : [],
      },
      rules,
    )
    return rules.allows(rule, { ...credentials, [REQUEST]: NO_REQUEST }, target)
  } catch (error) {
    if (error instanceof PolicyError) return false
    throw error
  }
}

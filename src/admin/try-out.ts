import type { PolicyRuleSource } from '../checks/policy.ts'
import { described, FIELDS, readDescribed } from '../policy/extensions.ts'
import { type TryOutRules, tryOut } from '../policy/try-out.ts'

/** The policy, as far as the console tries rules out. */
export interface TryOutPolicy extends TryOutRules {
  source(rule: string): PolicyRuleSource | undefined
}

/** Judges the rule for the somebody that the query describes. */
export function triedOut(
  asked: URLSearchParams,
  policy: TryOutPolicy,
): { readonly status: number; readonly body: object } {
  const rule = asked.get('rule') ?? ''
  const roles = (asked.get('roles') ?? '').split(',').map((role) => role.trim())
  try {
    const found = tryOut(
      {
        rule,
        roles: roles.filter((role) => role !== ''),
        target: asked.get('target') === 'other' ? 'other' : 'own',
        scope: asked.get('scope') === 'system' ? 'system' : 'project',
        isService: asked.get('service') === 'true',
      },
      policy,
      requestOf(asked),
    )
    if (found === null) return { status: 404, body: { error: 'there is no such rule' } }
    const { check, ...origin } = policy.source(rule) ?? { check: '', from: '' }
    return {
      status: 200,
      body: { ...found, check: typeof check === 'string' ? check : JSON.stringify(check), ...origin },
    }
  } catch (error) {
    return {
      status: 422,
      body: { error: error instanceof Error ? error.message : 'the rule cannot be judged' },
    }
  }
}

/** The request as the one who tries tells of it: `address`, `time`, `microversion`; a plain call without. */
function requestOf(asked: URLSearchParams): ReturnType<typeof described> {
  const told = [...asked].filter(([name]) => FIELDS.includes(name) && name !== 'service' && name !== 'body')
  const service = asked.get('service') === 'true' ? { service: 'service' } : {}
  return described(readDescribed({ ...Object.fromEntries(told), ...service }), Date.now())
}

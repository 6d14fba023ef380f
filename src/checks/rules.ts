import { reject } from '../http/rejection.ts'
import type { Identity } from '../identity/identity.ts'
import type { ApiRule, Operation } from '../operation/operation.ts'
import { UNKNOWN } from '../policy/template.ts'
import { credentialsFor } from './caller.ts'
import { ALLOW, type Answer, allowedBy, type Check, type Known } from './check.ts'
import { allowsAnyway, judged, type PolicyRules, withRule } from './policy.ts'
import { askerOf, findTarget } from './target.ts'

/** The rules that an operation is given by the table of operations and by `[policy] enforce`. */
export function rulesCheck(policy: PolicyRules): Check {
  return {
    name: 'rules',
    decide(operation, identity, known) {
      const judged: string[] = []
      for (const rule of operation.rules ?? []) {
        const answer = one(rule, operation, identity, known, policy)
        if (answer.verdict !== 'allow') return answer
        judged.push(...(answer.rules ?? []))
      }
      return judged.length === 0 ? ALLOW : allowedBy(judged)
    },
  }
}

function one(
  rule: ApiRule,
  operation: Operation,
  identity: Identity,
  known: Known,
  policy: PolicyRules,
): Answer {
  const { name, target, onlyWhile, exceptWhile } = rule
  const credentials = credentialsFor(operation, identity, policy)
  const asker = askerOf(identity, credentials.is_admin === true)
  const found = findTarget(target, asker, known)
  if (typeof found === 'string' || 'verdict' in found) {
    if (allowsAnyway(policy, name, credentials, target, asker)) return allowedBy([name])
    if (found === 'not-authorized') return reject('not_authorized')
    return found === 'absent' ? absent(rule) : found
  }
  if (onlyWhile !== undefined && !mayBe(found.target, onlyWhile)) return ALLOW
  if (exceptWhile !== undefined && mayBe(found.target, exceptWhile, false)) return ALLOW
  const verdict = judged(policy, name, credentials, found.target, known)
  if (typeof verdict !== 'boolean') return verdict
  return verdict ? allowedBy([name]) : refusal(rule)
}

/**
 * What is not there is Cinder's to answer: nothing is done to it. But a volume may be there all the same, and hidden
 * from the caller by `volume:get`, which Cinder does not ask for every call.
 */
function absent({ target }: ApiRule): Answer {
  return target.kind === 'volume' ? reject('volume_not_found', { volume: target.volumeId }) : ALLOW
}

/** @param unknown what an attribute that cannot be known counts as: so that the rule is asked. */
function mayBe(
  target: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
  unknown = true,
): boolean {
  return Object.entries(wanted).every(([name, value]) =>
    target[name] === UNKNOWN ? unknown : target[name] === value,
  )
}

function refusal({ name, target, openly }: ApiRule): Answer {
  if (name === 'volume:get' && target.kind === 'volume' && openly !== true)
    return withRule(reject('volume_not_found', { volume: target.volumeId }), name)
  const detail = { rule: name }
  if (name.startsWith('volume_extension:default_')) return { ...reject('policy_unnamed'), detail }
  return reject('policy', detail)
}

import { connectionCheck, detachCheck } from './attachment.ts'
import type { Check } from './check.ts'
import { type PolicyRules, policyCheck } from './policy.ts'

/** Every check, in the order in which a fixed Cinder makes them. */
export function createChecks(policy: () => PolicyRules): readonly Check[] {
  return [policyCheck('before', policy), connectionCheck, policyCheck('between', policy), detachCheck]
}

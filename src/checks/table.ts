import { connectionCheck, detachCheck } from './attachment.ts'
import { type BeyondOptions, beyondCheck } from './beyond.ts'
import type { Check } from './check.ts'
import { type PolicyRules, policyCheck } from './policy.ts'
import { rulesCheck } from './rules.ts'

/** Every check, in the order in which a fixed Cinder makes them, and last what goes beyond it. */
export function createChecks(policy: PolicyRules, beyond: BeyondOptions): readonly Check[] {
  return [
    rulesCheck(policy),
    policyCheck('before', policy),
    connectionCheck,
    policyCheck('between', policy),
    detachCheck,
    beyondCheck(beyond),
  ]
}

import { connectionCheck, detachCheck } from './attachment.ts'
import { type BeyondOptions, beyondCheck } from './beyond.ts'
import type { Check } from './check.ts'
import { type PolicyRules, policyCheck } from './policy.ts'
import { rulesCheck } from './rules.ts'

/** `[policy] enforce`, and the switches beyond the fix. */
export interface CheckOptions extends BeyondOptions {
  readonly enforce: 'guarded' | 'overrides' | 'all'
}

/** Every check, in the order in which a fixed Cinder makes them, and last what goes beyond it. */
export function createChecks(policy: PolicyRules, options: CheckOptions): readonly Check[] {
  const leaveServices = policy.isDefault && options.enforce !== 'all'
  return [
    rulesCheck(policy),
    policyCheck('before', policy, leaveServices),
    connectionCheck,
    policyCheck('between', policy, leaveServices),
    detachCheck,
    policyCheck('after', policy, leaveServices),
    beyondCheck(options, policy),
  ]
}

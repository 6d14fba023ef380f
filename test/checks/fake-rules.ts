import type { PolicyRules } from '../../src/checks/policy.ts'

/** Rules that somebody wrote, by a function; no attribute of a target counts. */
export function fakeRules(allows: PolicyRules['allows'], more: Partial<PolicyRules> = {}): PolicyRules {
  return {
    isDefault: false,
    has: () => true,
    isWritten: () => true,
    reads: () => new Set(),
    allowsAnyway: () => false,
    source: () => undefined,
    rule: () => undefined,
    allows,
    decide: allows,
    ...more,
  }
}

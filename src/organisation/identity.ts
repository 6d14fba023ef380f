import { createHash } from 'node:crypto'
import type { RuleSet } from '../policy/ruleset.ts'

/** Which policy is in force, so that gateways can be compared. */
export interface PolicyIdentity {
  /** Version of the organisation's bundle; null without one. */
  readonly version: number | null
  /**
   * SHA-256, in hexadecimal, of all rules that somebody wrote, with their layers and locks, and of
   * `enforce_new_defaults`, which decides what the others are.
   */
  readonly digest: string
}

export function identityOf(
  rules: RuleSet,
  version: number | null,
  enforceNewDefaults: boolean,
): PolicyIdentity {
  const written = rules.names().flatMap((name) => {
    const source = rules.source(name)
    if (source === undefined || source.from === 'default') return []
    return [[name, source.layer, source.check, source.and ?? null, source.locked === true]]
  })
  const digest = createHash('sha256')
    .update(JSON.stringify([enforceNewDefaults, written]))
    .digest('hex')
  return { version, digest }
}

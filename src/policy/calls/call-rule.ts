import type { ApiCall } from '../operations.ts'

/** A rule that Cinder asks only for some calls of its operation, or of an object that the body names. */
export interface CallRule {
  readonly rule: string
  /** Where in the body the id of the rule's target is; without it the path's first slot. */
  readonly at?: readonly string[]
  /** Asked only of calls like this. */
  readonly when?: (call: ApiCall) => boolean
  /** Asked only while the target has these attributes, or only while it has not. */
  readonly onlyWhile?: Readonly<Record<string, unknown>>
  readonly exceptWhile?: Readonly<Record<string, unknown>>
  /** Cinder answers 403 here, though it hides the volume elsewhere. */
  readonly openly?: true
}

/** Calls, as `METHOD /path action` below /v3 and the project, each with its rules in Cinder's order. */
export type Calls = Readonly<Record<string, readonly (string | CallRule)[]>>

/** What Cinder asks when it looks an object up. */
export const SEE = {
  volume: 'volume:get',
  snapshot: 'volume:get_snapshot',
  backup: 'backup:get',
  group: 'group:get',
  groupSnapshot: 'group:get_group_snapshot',
} as const
/** Rules that only look an object up, wherever another rule follows. */
export const LOOKS: ReadonlySet<string> = new Set(Object.values(SEE))

/** A rule about an object whose id stands in the body. */
export function inBody(rule: string, ...at: string[]): CallRule {
  return { rule, at }
}

import { REASONS, type Reason, type Rejection } from '../http/rejection.ts'
import { OPERATION_KINDS, type OperationKind } from '../operation/operation.ts'

/** `enforce`: a request that fails a check is refused. `observe`: it is forwarded, and what it failed is recorded. */
export type Mode = 'enforce' | 'observe'

/** Which mode counts for a refusal; null: for what passed. */
export interface Modes {
  readonly overall: Mode
  /** The most particular wins: the policy rule, then the reason, then the operation, then the mode of all. */
  of(rejection: Rejection | null, operation: OperationKind | null): Mode
}

/** Reasons that rest on what a client says of itself. */
const GUESSED: ReadonlySet<string> = new Set<Reason>(['service_token_missing', 'service_role_missing'])

/**
 * Reads `[cinderguard] mode` and `mode_overrides`, whose items are `NAME=enforce` or `NAME=observe`.
 * @param isRule whether a policy rule has this name
 * @returns the modes, or what is wrong, item by item
 */
export function readModes(
  overall: Mode,
  overrides: readonly string[],
  isRule: (name: string) => boolean,
): Modes | { readonly problems: readonly string[] } {
  const named = new Map<string, Mode>()
  const problems: string[] = []
  for (const item of overrides) {
    const split = item.lastIndexOf('=')
    const name = item.slice(0, Math.max(split, 0)).trim()
    const mode = item.slice(split + 1).trim()
    if (split < 1 || (mode !== 'enforce' && mode !== 'observe'))
      problems.push(`"${item}" is not NAME=enforce or NAME=observe`)
    else if (named.has(name)) problems.push(`"${name}" is named twice`)
    else if (GUESSED.has(name))
      problems.push(
        `"${name}" cannot have a mode of its own, since any client can look like a service: see trusted_service_users`,
      )
    else if (!OPERATION_KINDS.includes(name) && !Object.hasOwn(REASONS, name) && !isRule(name))
      problems.push(`"${name}" is no operation (such as volume-detach), no reason and no policy rule`)
    else named.set(name, mode)
  }
  if (problems.length > 0) return { problems }
  const of = (name: string | null | undefined): Mode | undefined =>
    name === null || name === undefined ? undefined : named.get(name)
  return {
    overall,
    of: (rejection, operation) =>
      of(rejection?.detail.rule) ??
      of(rejection?.reason satisfies Reason | undefined) ??
      of(operation) ??
      overall,
  }
}

/** Reasons that may stand for a rule that could not be judged. */
const UNJUDGED: ReadonlySet<Reason> = new Set<Reason>(['undecided', 'policy_unavailable'])

/**
 * The modes, but that an exception for an operation, a reason or a rule does not undo what the organisation locks:
 * only a gateway that observes as a whole observes that, too.
 *
 * @param asked rules that may have a say: one of them may be what could not be judged.
 */
export function withLocks(
  modes: Modes,
  isLocked: (rule: string) => boolean,
  asked: readonly string[] = [],
): Modes {
  const holds = (rejection: Rejection | null): boolean => {
    const rule = rejection?.detail.rule
    if (rule !== undefined) return isLocked(rule)
    return rejection !== null && UNJUDGED.has(rejection.reason) && asked.some(isLocked)
  }
  return {
    overall: modes.overall,
    of: (rejection, operation) =>
      modes.overall === 'enforce' && holds(rejection) ? 'enforce' : modes.of(rejection, operation),
  }
}

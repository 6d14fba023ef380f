import { type PyValue, parseJson } from '../operation/json.ts'
import { type ApiRule, isGuarded, type Operation } from '../operation/operation.ts'
import type { Mount } from '../operation/target.ts'
import { type ApiCall, rulesFor } from './operations.ts'

/** `[policy] enforce` and `unknown_operations`. */
export interface Enforcement {
  readonly enforce: 'guarded' | 'overrides' | 'all'
  readonly unknown_operations: 'forward' | 'refuse'
}

/** A request as far as the table of operations looks at it. */
export interface Asked {
  readonly method: string
  readonly mount: Mount
  readonly segments: readonly string[]
  readonly query: string
  readonly body: Uint8Array
}

/** For what no rule is known: admins only. */
const ADMINS: ApiRule = { name: 'admin_api', target: { kind: 'context' } }

/**
 * Gives an operation the rules that the gateway enforces for it. Guarded ones have theirs already, in their place
 * between the checks.
 *
 * @param isWritten whether somebody wrote the rule (in a file or the bundle), not Cinder.
 */
export function withRules(
  operation: Operation,
  asked: Asked,
  { enforce, unknown_operations }: Enforcement,
  isWritten: (rule: string) => boolean,
): Operation {
  if (asked.mount !== 'v3' && asked.mount !== 'v2') return operation
  if (isGuarded(operation) || (enforce === 'guarded' && unknown_operations === 'forward')) return operation
  const found = rulesFor(callOf(asked))
  if (found === null) return unknown_operations === 'refuse' ? { ...operation, rules: [ADMINS] } : operation
  if (enforce === 'guarded') return operation
  const rules = enforce === 'all' ? found : found.filter(({ name }) => isWritten(name))
  return rules.length === 0 ? operation : { ...operation, rules }
}

function callOf({ method, segments, query, body }: Asked): ApiCall {
  const value = method === 'POST' || method === 'PUT' ? read(body) : null
  const keys = value instanceof Map ? [...value.keys()] : []
  return {
    method,
    segments,
    query,
    action: keys.length === 1 ? (keys[0] ?? null) : null,
    bodyAt: (path) =>
      path.reduce<PyValue | undefined>(
        (sofar, key) => (sofar instanceof Map ? sofar.get(key) : undefined),
        value,
      ),
  }
}

/** What is no JSON to Cinder it refuses by itself. */
function read(body: Uint8Array): PyValue {
  try {
    return parseJson(body)
  } catch {
    return null
  }
}

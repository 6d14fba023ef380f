import { withoutFormat } from '../operation/format.ts'
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
  readonly contentType?: string | undefined
  readonly body: Uint8Array
}

/** A policy, as far as it says who wrote its rules. */
interface WrittenRules {
  /** Nobody wrote any. */
  readonly isDefault?: boolean
  source(rule: string): { readonly from: string; readonly locked?: true | undefined } | undefined
  /** Somebody wrote the rule, or another that it refers to. */
  isWritten(rule: string): boolean
}

/** For what no rule is known: admins only. */
const ADMINS: ApiRule = { name: 'admin_api', target: { kind: 'context' } }

/**
 * Gives an operation the rules that the gateway enforces for it. Guarded ones have theirs already, in their place
 * between the checks. What the organisation locks is enforced whatever `enforce` says.
 *
 * @param policy which rules somebody wrote (in a file or the bundle), not Cinder.
 */
export function withRules(
  operation: Operation,
  asked: Asked,
  { enforce, unknown_operations }: Enforcement,
  policy: WrittenRules,
): Operation {
  if (asked.mount === 'versions' || asked.mount === 'healthcheck') return operation
  if (isGuarded(operation)) return operation
  const isSilent = enforce !== 'all' && policy.isDefault
  if (isSilent && unknown_operations === 'forward') return operation
  const found = rulesFor(callOf(asked, operation.version))
  if (found === null) return unknown_operations === 'refuse' ? { ...operation, rules: [ADMINS] } : operation
  const rules = enforce === 'all' ? found : found.filter(({ name }) => counts(name, policy, enforce))
  return rules.length === 0 ? operation : { ...operation, rules }
}

function counts(rule: string, policy: WrittenRules, enforce: string): boolean {
  return enforce === 'guarded' ? policy.source(rule)?.locked === true : policy.isWritten(rule)
}

function callOf({ method, segments, query, contentType, body }: Asked, version: string): ApiCall {
  const isAction = method === 'POST' && withoutFormat(segments).at(-1) === 'action'
  return {
    method,
    segments,
    query,
    version,
    ...formOf(contentType, body),
    action: isAction ? onlyKeyOf(read(body)) : null,
    bodyAt: bodyOf(body),
  }
}

/** WebOb looks for parameters also in a body that calls itself a form. One in parts is not read, but suspected. */
function formOf(contentType: string | undefined, body: Uint8Array): Pick<ApiCall, 'form'> {
  if (body.length === 0 || contentType === undefined) return {}
  const isEncoded = /^application\/x-www-form-urlencoded/i.test(contentType)
  if (!isEncoded && !/^multipart\/form-data/i.test(contentType)) return {}
  const text = new TextDecoder('latin1').decode(body)
  return { form: !isEncoded && text.includes('force') ? 'force=true' : text }
}

function onlyKeyOf(value: PyValue): string | null {
  return value instanceof Map && value.size === 1 ? ([...value.keys()][0] ?? null) : null
}

/** Looks into a body at a path of keys; it is read, as Cinder reads it, with the first look. */
export function bodyOf(body: Uint8Array): (path: readonly string[]) => unknown {
  let value: PyValue | undefined
  return (path) => {
    value ??= read(body)
    return path.reduce<PyValue | undefined>(
      (sofar, key) => (sofar instanceof Map ? sofar.get(key) : undefined),
      value,
    )
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

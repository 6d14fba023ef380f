import type { Draft, Outcome } from '../gateway.ts'
import { isRejection, type Rejection } from '../http/rejection.ts'
import type { GuardedRequest } from '../http/request.ts'
import { classifiable } from '../operation/classifiable.ts'
import { classify } from '../operation/classify.ts'
import { isGuarded } from '../operation/operation.ts'
import { hintFor } from '../rollout/hint.ts'
import { STAGES, type StageSeconds } from '../stage-clock.ts'

/**
 * The operation as metrics name it, from a closed set: the operation's kind; for a request that was refused before
 * it was classified what it looks like; `unread` and `unclassified` where not even that can be told.
 */
export function labelOf(draft: Draft): string {
  if (draft.operation !== undefined) return draft.operation.kind
  if (draft.request === undefined) return 'unread'
  draft.looksLike ??= looksLike(draft.request)
  return draft.looksLike
}

function looksLike(request: GuardedRequest): string {
  const body = request.body === 'too-large' ? Buffer.alloc(0) : request.body
  const found = classify(classifiable({ ...request, body }), {
    tokenProject: null,
    anyProject: true,
    maximum: null,
  })
  return isRejection(found) ? 'unclassified' : found.kind
}

export function isService(draft: Draft): boolean {
  return draft.identity?.isService === true
}

/** One decision, in the fields that may be written down; tokens are none of them. */
export type DecisionRecord = Readonly<Record<string, string | number | boolean | null>>

/** Whether an outcome deserves a record of its own: every refusal, and every guarded operation that passed. */
export function isWorthRecording(outcome: Outcome): boolean {
  return (
    outcome.rejection !== null ||
    outcome.observed !== null ||
    (outcome.draft.operation !== undefined && isGuarded(outcome.draft.operation))
  )
}

/**
 * Decision and enforcement, apart from the status: `observed` was forwarded though it would have been refused. What was
 * handed to Cinder is never `refused`, though its client may have left or Cinder may not have answered.
 */
export function verdictOf({ rejection, observed, draft }: Outcome): 'forwarded' | 'refused' | 'observed' {
  if (rejection !== null && draft.isSent !== true) return 'refused'
  return observed === null ? 'forwarded' : 'observed'
}

/** Why it was refused, or would have been; else why what was forwarded had no answer of Cinder's. Null: neither. */
export function refusalOf({ rejection, observed, draft }: Outcome): Rejection | null {
  return draft.isSent === true ? (observed ?? rejection) : (rejection ?? observed)
}

/** Characters of a text in a record: what a client writes into a request may be a thousand times as long. */
const MAX_TEXT = 512

/** The record's form of a text, or of anything else as it is. */
export function clipped<T>(value: T): T | string {
  return typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
}

/** The decision's fields; a text that is longer than 512 characters is cut. */
export function decisionRecord(outcome: Outcome): DecisionRecord {
  return Object.fromEntries(Object.entries(fieldsOf(outcome)).map(([name, value]) => [name, clipped(value)]))
}

function fieldsOf(outcome: Outcome): DecisionRecord {
  const { draft, envelope } = outcome
  const rejection = refusalOf(outcome)
  const user = draft.identity?.user
  const operation = draft.operation
  // Of several that allowed, the operation's own comes last; a refusal for another reason had no rule against it.
  const rule = rejection === null ? (draft.rules?.at(-1) ?? null) : (rejection.detail.rule ?? null)
  const volumeId = operation !== undefined && 'volumeId' in operation ? operation.volumeId : null
  return {
    request_id: envelope.requestId,
    upstream_request_id: draft.upstreamRequestId ?? null,
    verdict: verdictOf(outcome),
    mode: outcome.mode,
    reason: rejection?.reason ?? null,
    status: outcome.status,
    operation: labelOf(draft),
    volume_id: volumeId,
    attachment_id: operation !== undefined && 'attachmentId' in operation ? operation.attachmentId : null,
    server_id: rejection?.detail.server ?? null,
    check: draft.check ?? null,
    rule,
    rule_layer: rule === null ? null : (draft.policy?.layerOf(rule) ?? null),
    policy: draft.policy?.digest ?? null,
    policy_version: draft.policy?.version ?? null,
    problem: rejection?.detail.problem ?? null,
    user_id: user?.userId ?? null,
    user_name: user?.userName ?? null,
    project_id: user?.scope.kind === 'project' ? user.scope.projectId : null,
    is_service: isService(draft),
    caller: outcome.caller,
    hint: rejection === null ? null : hintFor(rejection, volumeId),
    service_user_id: draft.identity?.service?.userId ?? rejection?.detail.service_user_id ?? null,
    service_user: draft.identity?.service?.userName ?? rejection?.detail.service_user ?? null,
    client: draft.request?.clientAddress ?? null,
    user_agent: draft.request?.headers.get('user-agent') ?? null,
    decision_ms: milliseconds(outcome.decisionSeconds),
    total_ms: milliseconds(outcome.totalSeconds),
    ...stageTimes(outcome.stages),
  }
}

/** `<stage>_ms` for each stage that was entered. */
function stageTimes(seconds: StageSeconds): DecisionRecord {
  const entered = STAGES.filter((stage) => seconds[stage] > 0)
  return Object.fromEntries(entered.map((stage) => [`${stage}_ms`, milliseconds(seconds[stage])]))
}

const milliseconds = (seconds: number): number => Math.round(seconds * 100_000) / 100

import type { Draft, Outcome } from '../gateway.ts'
import { isRejection } from '../http/rejection.ts'
import { classifiable } from '../operation/classifiable.ts'
import { classify } from '../operation/classify.ts'
import { isGuarded } from '../operation/operation.ts'

/**
 * The operation as metrics name it, from a closed set: the operation's kind; for a request that was refused before
 * it was classified what it looks like; `unread` and `unclassified` where not even that can be told.
 */
export function labelOf(draft: Draft): string {
  if (draft.operation !== undefined) return draft.operation.kind
  if (draft.request === undefined) return 'unread'
  const looksLike = classify(classifiable(draft.request), {
    tokenProject: null,
    anyProject: true,
    maximum: null,
  })
  return isRejection(looksLike) ? 'unclassified' : looksLike.kind
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
    (outcome.draft.operation !== undefined && isGuarded(outcome.draft.operation))
  )
}

export function decisionRecord(outcome: Outcome): DecisionRecord {
  const { draft, envelope, rejection } = outcome
  const user = draft.identity?.user
  const operation = draft.operation
  return {
    request_id: envelope.requestId,
    verdict: rejection === null ? 'forwarded' : 'refused',
    reason: rejection?.reason ?? null,
    status: outcome.status,
    operation: labelOf(draft),
    volume_id: operation !== undefined && 'volumeId' in operation ? operation.volumeId : null,
    attachment_id: operation !== undefined && 'attachmentId' in operation ? operation.attachmentId : null,
    server_id: rejection?.detail.server ?? null,
    rule: rejection?.detail.rule ?? null,
    problem: rejection?.detail.problem ?? null,
    user_id: user?.userId ?? null,
    project_id: user?.scope.kind === 'project' ? user.scope.projectId : null,
    is_service: isService(draft),
    service_user_id: draft.identity?.service?.userId ?? null,
    client: draft.request?.clientAddress ?? null,
    user_agent: draft.request?.headers.get('user-agent') ?? null,
    decision_ms: Math.round(outcome.decisionSeconds * 10_000) / 10,
  }
}

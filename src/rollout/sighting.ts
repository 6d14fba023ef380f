import type { Outcome } from '../gateway.ts'
import { REASONS, type Reason } from '../http/rejection.ts'
import { projectOf } from '../identity/identity.ts'
import { decisionRecord, refusalOf, verdictOf } from '../record/record.ts'
import type { CallerKind } from './caller.ts'
import type { ReportRow } from './report.ts'

/**
 * What a refusal says about enforcing. `problem`: what should work is refused, or would be. `outage`: something that
 * the gateway asks was away; enforcing changes nothing about that. `unreadable`: has no single meaning or was not
 * sent to its end, and is refused in observe mode, too. `intended`: what the gateway is for, or what Cinder itself
 * refuses.
 */
export type RowKind = 'problem' | 'outage' | 'unreadable' | 'intended'

/** What the report takes of one decision, made here or read back from its record. */
export interface Sighting {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly guarded: boolean
  readonly operation: string
  readonly userId: string | null
  readonly address: string | null
  /** Who sent a good service token with it. */
  readonly service: {
    readonly userId: string
    readonly userName: string
    readonly roles: readonly string[]
  } | null
  readonly trusted: { readonly userId: string; readonly userName: string } | null
  readonly refusal: Omit<ReportRow, 'count' | 'first' | 'last' | 'passed' | 'resolved' | 'blocks'> | null
}

const OUTAGES: ReadonlySet<Reason> = new Set<Reason>([
  'keystone_unavailable',
  'nova_unavailable',
  'cinder_unavailable',
  'policy_unavailable',
  'undecided',
  'upstream_unreachable',
  'upstream_timeout',
])
/** A legacy Cinder does these, and the gateway is there to refuse them. */
const PURPOSE: ReadonlySet<Reason> = new Set<Reason>([
  'attachment_in_use',
  'attachment_ambiguous',
  'attachment_mismatch',
  'shared_connector',
  'reset_status_in_use',
  'update_in_use',
])

interface Refused {
  readonly reason: Reason
  readonly caller: CallerKind
  readonly verdict: 'refused' | 'observed'
  /** What the client was answered. */
  readonly status: number
  /** The request could be read. */
  readonly readable: boolean
}

export function kindOf({ reason, caller, verdict, status, readable }: Refused): RowKind {
  if (OUTAGES.has(reason)) return 'outage'
  if (!readable || reason === 'body_too_large' || reason === 'client_gone') return 'unreadable'
  if (reason === 'service_token_missing' || reason === 'service_role_missing') return 'problem'
  // Anybody can send a forged service token, and be refused for it.
  if (caller === 'service-with-bad-token') return 'problem'
  if (reason === 'invalid_service_token' || reason === 'service_role_required') return 'intended'
  if (PURPOSE.has(reason) || verdict === 'refused') return 'intended'
  return status < 400 ? 'problem' : 'intended'
}

/** Whether a record's reason is one of ours. */
export function isReason(text: unknown): text is Reason {
  return typeof text === 'string' && Object.hasOwn(REASONS, text)
}

/** Most requests: nothing of them is counted one by one. */
export function isOrdinary({ rejection, observed, draft: { operation, identity } }: Outcome): boolean {
  if (rejection !== null || observed !== null || identity?.isService === true) return false
  return operation !== undefined && operation.kind === 'other'
}

/** @param now milliseconds since the epoch. */
export function sightingOf(outcome: Outcome, now: number): Sighting {
  const { identity, operation, request } = outcome.draft
  const address = request?.clientAddress ?? null
  const user = identity?.user
  const service = identity?.isService === true ? identity.service : undefined
  const refusal = refusalOf(outcome)
  const verdict = verdictOf(outcome) === 'observed' ? 'observed' : 'refused'
  const record = refusal === null ? null : decisionRecord(outcome)
  return {
    time: new Date(now).toISOString(),
    guarded: operation !== undefined && operation.kind !== 'other',
    operation: record === null ? (operation?.kind ?? 'unclassified') : String(record.operation),
    userId: user?.userId ?? null,
    address,
    service: service === undefined ? null : pick(service),
    trusted:
      identity?.isTrustedUser === true && user !== undefined
        ? { userId: user.userId, userName: user.userName }
        : null,
    refusal:
      refusal === null || record === null
        ? null
        : {
            verdict,
            kind: kindOf({
              reason: refusal.reason,
              caller: outcome.caller,
              verdict,
              status: outcome.status,
              readable: request !== undefined,
            }),
            caller: outcome.caller,
            operation: String(record.operation),
            reason: refusal.reason,
            rule: refusal.detail.rule ?? null,
            userId: user?.userId ?? null,
            userName: user?.userName ?? null,
            projectId: user === undefined ? null : projectOf(user),
            serviceUserId: textOf(record.service_user_id),
            serviceUser: textOf(record.service_user),
            address,
            userAgent: request?.headers.get('user-agent')?.slice(0, 100) ?? null,
            hint: textOf(record.hint),
          },
  }
}

function pick<T extends { userId: string; userName: string; roles: readonly string[] }>(token: T) {
  const { userId, userName, roles } = token
  return { userId, userName, roles }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

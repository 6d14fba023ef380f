import type { Outcome } from '../gateway.ts'
import { REASONS, type Reason } from '../http/rejection.ts'
import type { Token } from '../identity/identity.ts'
import type { Operation } from '../operation/operation.ts'
import { clipped, decisionRecord, refusalOf } from './record.ts'

/** What an event says of the gateway itself, and what a pure function cannot know. */
export interface EventContext {
  /** UUID of the event. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Name of the gateway that observed it, such as its host name. */
  readonly observer: string
}

/** One event, as JSON. */
export type CadfEvent = { readonly [key: string]: Json }

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** CADF's action for what Cinder would do, as keystonemiddleware's audit filter names them. */
const ACTIONS: Readonly<Record<string, string>> = {
  'volume-detach': 'update/os-detach',
  'volume-force-detach': 'update/os-force_detach',
  'volume-terminate-connection': 'update/os-terminate_connection',
  'volume-migrate-completion': 'update/os-migrate_volume_completion',
  'volume-reset-status': 'update/os-reset_status',
  'attachment-delete': 'delete',
  'attachment-update': 'update',
  'attachment-create': 'create',
}

/**
 * One decision as a CADF event (DMTF DSP0262) with pycadf's field names: who, what, on what, how it ended, and in
 * an attachment what it rested on. Nothing of the request's headers or body is in it but what is listed here.
 */
export function cadfEvent(outcome: Outcome, context: EventContext): CadfEvent {
  const { draft, envelope } = outcome
  const refusal = refusalOf(outcome)
  const decision = decisionRecord(outcome)
  const user = draft.identity?.user
  const service = draft.identity?.service
  return {
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
    eventType: 'activity',
    id: context.id,
    eventTime: new Date(context.time).toISOString().replace('Z', '000+0000'),
    action: ACTIONS[String(decision.operation)] ?? 'unknown',
    outcome: outcome.status < 400 ? 'success' : 'failure',
    reason: {
      reasonType: 'HTTP',
      reasonCode: String(outcome.status),
      ...(decision.rule === null ? {} : { policyType: 'oslo.policy', policyId: decision.rule }),
    },
    initiator: {
      typeURI: 'service/security/account/user',
      id: user?.userId ?? 'unknown',
      ...(user === undefined ? {} : { name: user.userName, ...scopeOf(user) }),
      host: hostOf(decision),
      request_id: envelope.requestId,
      ...(draft.request?.headers.has('x-openstack-request-id') === true
        ? { global_request_id: envelope.requestId }
        : {}),
    },
    target: targetOf(decision),
    observer: { typeURI: 'service/storage/block/gateway', id: 'cinderguard', name: context.observer },
    attachments: [
      {
        typeURI: 'mime:application/json',
        name: 'cinderguard:decision',
        content: {
          ...decision,
          would_be_status: refusal === null ? null : REASONS[refusal.reason satisfies Reason].status,
          roles: user?.roles ?? null,
          user: user === undefined ? null : holderOf(user),
          service:
            service === undefined
              ? null
              : { id: service.userId, name: service.userName, roles: service.roles },
          rules: draft.rules ?? null,
          asked: draft.operation === undefined ? null : askedOf(draft.operation),
          ...factsOf(outcome),
        },
      },
    ],
  }
}

/** pycadf knows no null here: what is not known, of a unix socket or without a User-Agent, is left out. */
function hostOf({ client, user_agent }: ReturnType<typeof decisionRecord>): { readonly [key: string]: Json } {
  return { ...(client ? { address: client } : {}), ...(user_agent ? { agent: user_agent } : {}) }
}

/** What policy rules read of a token's holder. */
function holderOf({ userDomainId, scope, isAdminProject }: Token): { readonly [key: string]: Json } {
  return { domain_id: userDomainId, scope: { ...scope }, is_admin_project: isAdminProject }
}

/** The operation, without what only looks into the request. */
function askedOf(operation: Operation): Json {
  const { asked: _, ...fields } = operation
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, clipped(value)]),
  ) as unknown as Json
}

function scopeOf(user: Token): { readonly [key: string]: Json } {
  const { scope } = user
  if (scope.kind === 'project') return { project_id: scope.projectId }
  if (scope.kind === 'domain') return { domain_id: scope.domainId }
  return { scope: scope.kind }
}

function targetOf(decision: ReturnType<typeof decisionRecord>): { readonly [key: string]: Json } {
  const { attachment_id = null, volume_id = null, operation } = decision
  if (String(operation).startsWith('attachment-') && attachment_id !== null)
    return { typeURI: 'service/storage/block/attachment', id: attachment_id, volume_id }
  return { typeURI: 'service/storage/block/volume', id: volume_id ?? 'unknown', attachment_id }
}

/** Characters of one event's facts: a volume may have a thousand attachments, and a thousand events are kept. */
const MAX_FACTS = 32_768

/** What was asked and what was answered, without what policy alone reads of a volume; how many were too long. */
function factsOf(outcome: Outcome): { readonly facts: readonly Json[]; readonly facts_left_out: number } {
  const known = outcome.draft.facts?.entries?.() ?? []
  let room = MAX_FACTS
  const facts = known.flatMap(([question, answer]) => {
    const fact = { question: JSON.parse(question) as Json, answer: withoutView(answer) }
    const length = JSON.stringify(fact).length
    if (length > room) return []
    room -= length
    return [fact]
  })
  return { facts, facts_left_out: known.length - facts.length }
}

function withoutView(answer: unknown): Json {
  if (typeof answer !== 'object' || answer === null || !('view' in answer)) return answer as Json
  const { view: _, ...rest } = answer
  return rest as unknown as Json
}

/** The event without the facts it rests on, for sinks that have a limit. */
export function withoutFacts(event: CadfEvent): CadfEvent {
  const { attachments } = event
  if (!Array.isArray(attachments)) return event
  const shorter = attachments.map(({ content, ...each }) => {
    const left = content.facts.length + content.facts_left_out
    return { ...each, content: { ...content, facts: [], facts_left_out: left } }
  })
  return { ...event, attachments: shorter }
}

/**
 * Whether an event is of the request with this id: the gateway's own (which is the caller's, where it sent one, and
 * Cinder's global request id), the one of Cinder's answer, or that of the event.
 */
export function isCalled(event: CadfEvent, id: string): boolean {
  if (event.id === id) return true
  const { attachments } = event
  if (!Array.isArray(attachments)) return false
  return attachments.some(({ content }) => content?.request_id === id || content?.upstream_request_id === id)
}

import type { Outcome } from '../gateway.ts'
import { isRejection, type Reason, type Rejection, rowOf } from '../http/rejection.ts'
import { projectOf } from '../identity/identity.ts'
import { decisionRecord } from '../record/record.ts'
import type { CallerKind } from './caller.ts'

/** Refusals, or would-be refusals, that have all of this in common. */
export interface ReportRow {
  readonly verdict: 'refused' | 'observed'
  readonly caller: CallerKind
  readonly operation: string
  readonly reason: Reason
  readonly rule: string | null
  readonly userId: string | null
  readonly userName: string | null
  readonly projectId: string | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly count: number
  /** ISO 8601, UTC. */
  readonly first: string
  readonly last: string
  readonly hint: string | null
  /** Stands in the way of enforcing: something that should work would be refused. */
  readonly blocks: boolean
}

/** A service that was seen sending good service tokens. */
export interface SeenService {
  readonly userId: string
  readonly userName: string
  readonly roles: readonly string[]
  readonly count: number
  readonly last: string
  /** Where from; at most 64 of them. */
  readonly addresses: readonly string[]
}

export interface ReadinessReport {
  readonly mode: string
  readonly since: string
  /** Guarded operations judged since then. */
  readonly guarded: number
  readonly ready: boolean
  /** What to do next, in a sentence. */
  readonly advice: string
  readonly rows: readonly ReportRow[]
  readonly services: readonly SeenService[]
  /** Refusals that fell outside of the rows, because there are too many different ones. */
  readonly others: number
}

/** What the gateway is there to refuse. Everything else that would be refused wants a look before enforcing. */
const EXPECTED: ReadonlySet<Reason> = new Set<Reason>([
  'attachment_in_use',
  'attachment_ambiguous',
  'attachment_mismatch',
  'no_user_token',
  'invalid_user_token',
  'volume_not_found',
  'attachment_not_found',
  'not_authorized',
  'client_gone',
])
const MAX_ROWS = 1000
const MAX_SERVICES = 200
const MAX_ADDRESSES = 64

type Counted<T> = { -readonly [K in keyof T]: T[K] }

/** Adds up who is refused, or would be, since the start. Bounded, whatever clients send. */
export class Report {
  readonly #rows = new Map<string, Counted<ReportRow>>()
  readonly #services = new Map<string, Counted<SeenService> & { addresses: string[] }>()
  readonly #since: string
  readonly #mode: string
  #guarded = 0
  #others = 0

  constructor(mode: string, now: number) {
    this.#mode = mode
    this.#since = new Date(now).toISOString()
  }

  add(outcome: Outcome, now: number): void {
    const { identity, operation, request } = outcome.draft
    if (operation !== undefined && operation.kind !== 'other') this.#guarded += 1
    if (identity?.isService === true && identity.service !== undefined)
      this.#seen(identity.service, request?.clientAddress ?? '', now)
    const refusal = outcome.rejection ?? outcome.observed
    if (refusal === null || !isRejection(refusal)) return
    const time = new Date(now).toISOString()
    const record = decisionRecord(outcome)
    const row: ReportRow = {
      verdict: outcome.rejection === null ? 'observed' : 'refused',
      caller: outcome.caller,
      operation: String(record.operation),
      reason: refusal.reason,
      rule: refusal.detail.rule ?? null,
      userId: identity?.user.userId ?? null,
      userName: identity?.user.userName ?? null,
      projectId: identity === undefined || identity === null ? null : projectOf(identity.user),
      address: request?.clientAddress ?? null,
      userAgent: request?.headers.get('user-agent')?.slice(0, 100) ?? null,
      count: 1,
      first: time,
      last: time,
      hint: typeof record.hint === 'string' ? record.hint : null,
      blocks: blocks(outcome, refusal),
    }
    const { count: _count, first: _first, last: _last, hint: _hint, ...same } = row
    const key = JSON.stringify(same)
    const known = this.#rows.get(key)
    if (known !== undefined) {
      known.count += 1
      known.last = time
      known.hint = row.hint
    } else if (this.#rows.size < MAX_ROWS) this.#rows.set(key, row)
    else this.#others += 1
  }

  #seen(
    service: { userId: string; userName: string; roles: readonly string[] },
    address: string,
    now: number,
  ): void {
    const time = new Date(now).toISOString()
    const known = this.#services.get(service.userId)
    if (known === undefined) {
      if (this.#services.size >= MAX_SERVICES) return
      const { userId, userName, roles } = service
      this.#services.set(userId, { userId, userName, roles, count: 1, last: time, addresses: [address] })
      return
    }
    known.count += 1
    known.last = time
    if (known.addresses.length < MAX_ADDRESSES && !known.addresses.includes(address))
      known.addresses.push(address)
  }

  read(): ReadinessReport {
    return readinessOf({
      mode: this.#mode,
      since: this.#since,
      guarded: this.#guarded,
      rows: [...this.#rows.values()],
      services: [...this.#services.values()],
      others: this.#others,
    })
  }
}

/** What was counted, put in order, and what follows from it. */
export function readinessOf(counted: Omit<ReadinessReport, 'ready' | 'advice'>): ReadinessReport {
  const rows = counted.rows.toSorted(
    (a, b) => Number(b.blocks) - Number(a.blocks) || rank(a) - rank(b) || b.count - a.count,
  )
  const blocking = rows.filter(({ blocks }) => blocks)
  return {
    ...counted,
    rows,
    services: counted.services.toSorted((a, b) => b.count - a.count),
    ready: blocking.length === 0 && counted.others === 0 && counted.guarded > 0,
    advice: adviceOn(blocking, counted.guarded, counted.mode),
  }
}

/** Cinder refused it by itself with the same status: enforcing changes nothing. A policy refusal is Cinder's too. */
function blocks(outcome: Outcome, refusal: Rejection): boolean {
  if (EXPECTED.has(refusal.reason)) return false
  if (outcome.rejection !== null) return refusal.reason !== 'policy'
  return outcome.status !== rowOf(refusal.reason).status
}

/** Services without their tokens first: they are what breaks a cloud. */
function rank(row: ReportRow): number {
  if (row.caller === 'service-without-token') return 0
  return row.reason === 'invalid_service_token' || row.reason === 'service_role_required' ? 1 : 2
}

function adviceOn(blocking: readonly ReportRow[], guarded: number, mode: string): string {
  if (guarded === 0)
    return 'No guarded operation was seen yet: wait for traffic, or attach and detach a volume.'
  const [first] = blocking
  if (first !== undefined)
    return `${blocking.length} ${blocking.length === 1 ? 'finding stands' : 'findings stand'} in the way of enforcing; first: ${first.hint ?? first.reason}`
  return mode === 'observe'
    ? 'Nothing that should work would be refused: set [cinderguard] mode = enforce.'
    : 'Nothing that should work is refused.'
}

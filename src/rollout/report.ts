import type { Reason } from '../http/rejection.ts'
import type { CallerKind } from './caller.ts'
import { readinessOf } from './readiness.ts'
import type { RowKind, Sighting } from './sighting.ts'

/** Refusals, or would-be refusals, that have all of this in common (but the user agent of a `problem`). */
export interface ReportRow {
  readonly verdict: 'refused' | 'observed'
  readonly kind: RowKind
  readonly caller: CallerKind
  readonly operation: string
  readonly reason: Reason
  readonly rule: string | null
  readonly userId: string | null
  readonly userName: string | null
  readonly projectId: string | null
  /** Of the service token, where one was sent and known. */
  readonly serviceUserId: string | null
  readonly serviceUser: string | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly count: number
  /** ISO 8601, UTC. */
  readonly first: string
  readonly last: string
  readonly hint: string | null
  /** When the same user's same operation last went well after this; of problems that are no service's. */
  readonly passed: string | null
  /** Since when it is known to be mended: a good service token from there, or the same going well. */
  readonly resolved: string | null
  /** Stands in the way of enforcing: something that should work would be refused. */
  readonly blocks: boolean
}

/** A service that was seen sending good service tokens. */
export interface SeenService {
  readonly userId: string
  readonly userName: string
  readonly roles: readonly string[]
  readonly count: number
  /** Guarded operations among them. */
  readonly guarded: number
  readonly last: string
  /** Where from; at most 64 of them. */
  readonly from: readonly { readonly address: string; readonly first: string; readonly last: string }[]
}

/** A user whose calls counted as a service's by `trusted_service_users`. */
export interface TrustedUser {
  readonly userId: string
  readonly userName: string
  readonly count: number
  readonly last: string
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
  readonly trusted: readonly TrustedUser[]
  /** Refusals that fell outside of the rows, because there are too many different ones. None of them blocks. */
  readonly others: number
  /** The same of those that do; they have a place of their own, which what clients send cannot fill. */
  readonly unlisted: { readonly count: number; readonly last: string } | null
}

/** What is counted; what follows from it is {@link readinessOf}. */
export type Counted = Omit<ReadinessReport, 'ready' | 'advice'>

const MAX_ROWS = 1000
const MAX_SERVICES = 200
const MAX_ADDRESSES = 64

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Seen = Writable<Omit<SeenService, 'from'>> & { from: Writable<SeenService['from'][number]>[] }

/** Adds up who is refused, or would be. Bounded, whatever clients send. */
export class Report {
  /** What blocks, or did, apart from the rest: whoever is refused as intended cannot crowd it out. */
  readonly #problems = new Map<string, Writable<ReportRow>>()
  readonly #rest = new Map<string, Writable<ReportRow>>()
  /** Problems that are over once the same goes well. */
  readonly #passable = new Map<string, Writable<ReportRow>[]>()
  readonly #services = new Map<string, Seen>()
  readonly #trusted = new Map<string, Writable<TrustedUser>>()
  #since: string
  #mode: string
  #guarded = 0
  #others = 0
  #unlisted: Writable<NonNullable<ReadinessReport['unlisted']>> | null = null

  /** @param now milliseconds since the epoch; null: it begins with the first sighting. */
  constructor(mode: string, now: number | null) {
    this.#mode = mode
    this.#since = now === null ? '' : new Date(now).toISOString()
  }

  /** The mode in force from now on. */
  turnTo(mode: string): void {
    this.#mode = mode
  }

  /** Whether it says anything that a request without refusal, service or guarded operation went well. */
  get mindsSuccess(): boolean {
    return this.#passable.size > 0
  }

  add(sighting: Sighting): void {
    const { time, guarded, service, trusted, refusal, address } = sighting
    if (this.#since === '') this.#since = time
    if (guarded) this.#guarded += 1
    if (service !== null) this.#see(service, address, guarded, time)
    if (trusted !== null) this.#trust(trusted, time)
    if (refusal === null) this.#wentWell(sighting)
    else this.#refuse(refusal, time)
  }

  #refuse(refusal: NonNullable<Sighting['refusal']>, time: string): void {
    const isProblem = refusal.kind === 'problem'
    const rows = isProblem ? this.#problems : this.#rest
    const { hint, userAgent, ...same } = refusal
    const key = JSON.stringify(isProblem ? same : { ...same, userAgent })
    const known = rows.get(key)
    if (known !== undefined) {
      Object.assign(known, { hint, userAgent, count: known.count + 1, last: time, passed: null })
    } else if (rows.size < MAX_ROWS) {
      const none = { passed: null, resolved: null, blocks: false }
      const row = { ...refusal, ...none, count: 1, first: time, last: time }
      rows.set(key, row)
      if (isProblem && row.rule === null) this.#mayPass(row)
    } else if (isProblem) {
      this.#unlisted = { count: (this.#unlisted?.count ?? 0) + 1, last: time }
    } else this.#others += 1
  }

  #mayPass(row: Writable<ReportRow>): void {
    const key = passKey(row.operation, row.userId, row.address)
    const alike = this.#passable.get(key)
    if (alike === undefined) this.#passable.set(key, [row])
    else alike.push(row)
  }

  #wentWell({ time, operation, userId, address }: Sighting): void {
    if (this.#passable.size === 0) return
    for (const id of [userId, null])
      for (const row of this.#passable.get(passKey(operation, id, address)) ?? []) row.passed = time
  }

  #see(
    service: NonNullable<Sighting['service']>,
    address: string | null,
    guarded: boolean,
    time: string,
  ): void {
    const known = this.#services.get(service.userId)
    if (known === undefined && this.#services.size >= MAX_SERVICES) return
    const seen: Seen = known ?? { ...service, count: 0, guarded: 0, last: time, from: [] }
    this.#services.set(service.userId, seen)
    seen.count += 1
    seen.guarded += guarded ? 1 : 0
    seen.last = time
    const place = seen.from.find((each) => each.address === address)
    if (place !== undefined) place.last = time
    else if (address !== null && seen.from.length < MAX_ADDRESSES)
      seen.from.push({ address, first: time, last: time })
  }

  #trust(user: NonNullable<Sighting['trusted']>, time: string): void {
    const known = this.#trusted.get(user.userId)
    if (known !== undefined) Object.assign(known, { count: known.count + 1, last: time })
    else if (this.#trusted.size < MAX_SERVICES)
      this.#trusted.set(user.userId, { ...user, count: 1, last: time })
  }

  read(): ReadinessReport {
    return readinessOf({
      mode: this.#mode,
      since: this.#since,
      guarded: this.#guarded,
      rows: [...this.#problems.values(), ...this.#rest.values()],
      services: [...this.#services.values()],
      trusted: [...this.#trusted.values()],
      others: this.#others,
      unlisted: this.#unlisted,
    })
  }
}

/** Of a user, else of an address. */
function passKey(operation: string, userId: string | null, address: string | null): string {
  return userId === null ? `${operation} at ${address}` : `${operation} by ${userId}`
}

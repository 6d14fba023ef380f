import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Callee, Service } from '../clouds/client.ts'
import type { Outcome } from '../gateway.ts'
import { type Reason, rowOf } from '../http/rejection.ts'
import { GUARDED_KINDS } from '../operation/operation.ts'
import { isService, labelOf, verdictOf } from './record.ts'
import { Tally } from './tally.ts'

/** The gateway's metrics, in a registry of its own. Labels are closed sets: nothing of a request becomes one. */
export interface Metrics {
  readonly registry: Registry
  observe(outcome: Outcome): void
  call(service: Callee, outcome: 'ok' | 'error', seconds: number): void
  tokenLookup(result: 'hit' | 'miss' | 'joined'): void
  sharedLookup(result: 'hit' | 'miss' | 'error'): void
  /** A service that failed again and again is left alone, or asked again. */
  breaker(service: Callee, isOpen: boolean): void
  inFlight(change: 1 | -1): void
  /** A worker began, or ended. */
  workers(change: 1 | -1): void
  /** A worker ended that should not have. */
  workerLost(): void
  /** Sets which mode counts overall. */
  mode(mode: 'enforce' | 'observe'): void
  /** Bytes that are no HTTP request were refused. */
  broken(status: keyof typeof BROKEN): void
  /** Shows how many log lines were dropped. */
  logLines(lost: () => number): void
  decisionRecord(result: 'written' | 'dropped' | 'failed'): void
  ready(service: Service, isReady: boolean): void
  /** Shows which policy is in force. */
  policy(source: PolicyState): void
}

/** Read with each scrape. */
export interface PolicyState {
  identity?(): { readonly version: number | null; readonly digest: string }
  problem?(): string | null
}

const ALERTED = [
  'attachment_in_use',
  'service_token_missing',
  'invalid_service_token',
  'service_role_required',
] as const satisfies readonly Reason[]
/** Which refusal an answer means that was given before there was a request. */
const BROKEN = {
  400: 'bad_request_framing',
  408: 'request_timeout',
  431: 'headers_too_large',
} as const satisfies Record<number, Reason>
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createMetrics(version: string): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Tally({
    name: 'cinderguard_requests_total',
    help: 'Requests answered, by operation, verdict (forwarded, refused, or observed: forwarded though it would have been refused), status and whether a service asked.',
    labelNames: ['operation', 'verdict', 'status', 'service'],
    registers,
  })
  const refusals = new Counter({
    name: 'cinderguard_refusals_total',
    help: 'Requests refused by the gateway itself, by operation, reason and status.',
    labelNames: ['operation', 'reason', 'status'],
    registers,
  })
  const wouldBe = new Counter({
    name: 'cinderguard_would_be_refusals_total',
    help: 'Requests forwarded in observe mode that would have been refused, by operation, reason and the status that it would have been.',
    labelNames: ['operation', 'reason', 'status'],
    registers,
  })
  const trusted = new Counter({
    name: 'cinderguard_trusted_service_user_requests_total',
    help: 'Requests that counted as a service only because trusted_service_users names their user, by operation.',
    labelNames: ['operation'],
    registers,
  })
  const workers = new Gauge({
    name: 'cinderguard_workers',
    help: 'Workers of this gateway; 0 when it is one process.',
    registers,
  })
  const workersLost = new Counter({
    name: 'cinderguard_workers_lost_total',
    help: 'Workers that ended without being asked to, and were replaced.',
    registers,
  })
  const modeInfo = new Gauge({
    name: 'cinderguard_mode',
    help: '1 for the mode that counts overall, 0 for the other.',
    labelNames: ['mode'],
    aggregator: 'max',
    registers,
  })
  const audited = new Counter({
    name: 'cinderguard_decision_records_total',
    help: 'Decision records, by result: written (to the file, or given to the network), dropped (lost), failed (the sink had an error).',
    labelNames: ['result'],
    registers,
  })
  const decision = new Histogram({
    name: 'cinderguard_decision_duration_seconds',
    help: 'Time from the first byte read to the decision.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers,
  })
  const total = new Histogram({
    name: 'cinderguard_request_duration_seconds',
    help: 'Time from the first byte read to the end of the answer.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers,
  })
  const calls = new Histogram({
    name: 'cinderguard_dependency_duration_seconds',
    help: "Time of the gateway's own calls to Keystone, Nova and Cinder, by outcome.",
    labelNames: ['service', 'outcome'],
    buckets: SECONDS,
    registers,
  })
  const lookups = new Tally({
    name: 'cinderguard_token_lookups_total',
    help: 'Token look-ups, by result: hit (cache), miss (Keystone was asked), joined (one under way was shared).',
    labelNames: ['result'],
    registers,
  })
  const shared = new Counter({
    name: 'cinderguard_shared_cache_lookups_total',
    help: 'Look-ups in memcached, by result: hit, miss, error (a server failed or is left alone: Keystone was asked).',
    labelNames: ['result'],
    registers,
  })
  const breakers = new Gauge({
    name: 'cinderguard_dependency_breaker_open',
    help: '1 while the service is not asked because it failed ten times in a row.',
    labelNames: ['service'],
    aggregator: 'max',
    registers,
  })
  let underWay = 0
  new Gauge({
    name: 'cinderguard_requests_in_flight',
    help: 'Requests under way.',
    registers,
    collect() {
      this.set(underWay)
    },
  })
  const ready = new Gauge({
    name: 'cinderguard_dependency_ready',
    help: '1 when the last readiness check of the service succeeded.',
    labelNames: ['service'],
    aggregator: 'max',
    registers,
  })
  new Gauge({
    name: 'cinderguard_build_info',
    help: 'Always 1; the version is its label.',
    labelNames: ['version', 'node'],
    aggregator: 'max',
    registers,
  }).set({ version, node: process.version }, 1)

  // Prometheus sees an increase only of what it has seen before: what alerts wait for begins at nought.
  for (const operation of GUARDED_KINDS)
    for (const reason of ALERTED) {
      const labels = { operation, reason, status: String(rowOf(reason).status) }
      refusals.inc(labels, 0)
      wouldBe.inc(labels, 0)
    }

  return {
    registry,
    observe(outcome) {
      const operation = labelOf(outcome.draft)
      const status = String(outcome.status)
      const verdict = verdictOf(outcome)
      const service = String(isService(outcome.draft))
      requests.add(`${operation} ${verdict} ${status} ${service}`, () => ({
        operation,
        verdict,
        status,
        service,
      }))
      if (outcome.rejection !== null) refusals.inc({ operation, reason: outcome.rejection.reason, status })
      if (outcome.observed !== null) {
        const { reason } = outcome.observed
        wouldBe.inc({ operation, reason, status: String(rowOf(reason).status) })
      }
      if (outcome.caller === 'trusted-user') trusted.inc({ operation })
      decision.observe({ operation }, outcome.decisionSeconds)
      total.observe({ operation }, outcome.totalSeconds)
    },
    call: (service, outcome, seconds) => calls.observe({ service, outcome }, seconds),
    tokenLookup: (result) => lookups.add(result, () => ({ result })),
    mode(mode) {
      for (const each of ['enforce', 'observe'] as const) modeInfo.set({ mode: each }, each === mode ? 1 : 0)
    },
    broken(status) {
      const labels = { operation: 'unread', status: String(status) }
      requests.add(`unread ${status}`, () => ({ ...labels, verdict: 'refused', service: 'false' }))
      refusals.inc({ ...labels, reason: BROKEN[status] })
    },
    logLines(lost) {
      new Counter({
        name: 'cinderguard_log_lines_dropped_total',
        help: 'Log lines that were dropped because nobody read them in time.',
        registers,
        collect() {
          this.reset()
          this.inc(lost())
        },
      })
    },
    decisionRecord: (result) => audited.inc({ result }),
    policy(source) {
      new Gauge({
        name: 'cinderguard_policy_info',
        help: "Always 1; the version of the organisation's bundle (none without one) and the digest of all rules are its labels.",
        labelNames: ['version', 'digest'],
        aggregator: 'max',
        registers,
        collect() {
          this.reset()
          const { version = null, digest = 'unknown' } = source.identity?.() ?? {}
          this.set({ version: String(version ?? 'none'), digest }, 1)
        },
      })
      new Gauge({
        name: 'cinderguard_policy_up_to_date',
        help: '1 when the newest policy is in force, 0 when a newer one is not taken, or the bundle has expired.',
        aggregator: 'min',
        registers,
        collect() {
          this.set((source.problem?.() ?? null) === null ? 1 : 0)
        },
      })
    },
    sharedLookup: (result) => shared.inc({ result }),
    breaker: (service, isOpen) => breakers.set({ service }, isOpen ? 1 : 0),
    workers: (change) => workers.inc(change),
    workerLost: () => workersLost.inc(),
    inFlight(change) {
      underWay += change
    },
    ready: (service, isReady) => ready.set({ service }, isReady ? 1 : 0),
  }
}

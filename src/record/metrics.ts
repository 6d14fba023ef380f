import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Callee, Service } from '../clouds/client.ts'
import type { Outcome } from '../gateway.ts'
import { type Reason, rowOf } from '../http/rejection.ts'
import { GUARDED_KINDS } from '../operation/operation.ts'
import { STAGES } from '../stage-clock.ts'
import {
  type Certificate,
  type LabelsOf,
  METRICS,
  type MetricName,
  type MetricRow,
  OPERATION_LABELS,
} from './metrics-table.ts'
import { addProcessMetrics } from './process-metrics.ts'
import { isService, labelOf, verdictOf } from './record.ts'
import { Durations, Tally } from './tally.ts'

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
  /** A certificate is in use from now on. @param expires milliseconds since the epoch. */
  certificate(certificate: Certificate, expires: number): void
  /** Shows which policy is in force. */
  policy(source: PolicyState): void
  /** Shows the process too: memory, CPU, the event loop. */
  process(): void
}

/** Read with each scrape. */
export interface PolicyState {
  identity(): { readonly version: number | null; readonly digest: string }
  problem(): string | null
  history(): PolicyHistory
}

/** Which refusal an answer means that was given before there was a request. */
const BROKEN = {
  400: 'bad_request_framing',
  408: 'request_timeout',
  431: 'headers_too_large',
} as const satisfies Record<number, Reason>
const VERDICTS = { forwarded: 0, refused: 1, observed: 2 } as const

/** What became of the policies that were read so far. */
export interface PolicyHistory {
  readonly taken: number
  readonly refused: number
  /** Milliseconds since the epoch. */
  readonly takenAt: number
}

/** Reasons that deploy/prometheus/alerts.yaml waits for, and with which operations they can come. */
export const ALERTED = {
  attachment_in_use: GUARDED_KINDS,
  attachment_ambiguous: GUARDED_KINDS,
  shared_connector: GUARDED_KINDS,
  reset_status_in_use: ['volume-reset-status'],
  update_in_use: ['attachment-update'],
  service_token_missing: GUARDED_KINDS,
  service_role_missing: GUARDED_KINDS,
  invalid_service_token: OPERATION_LABELS,
  service_role_required: OPERATION_LABELS,
} as const satisfies Partial<Record<Reason, readonly string[]>>
const SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

export function createMetrics(version: string): Metrics {
  const registry = new Registry()
  const row = <N extends MetricName>(name: N) => {
    const { help, labels = [], aggregator }: MetricRow = METRICS[name]
    const labelNames = labels as unknown as LabelsOf<N>[]
    return { name, help, labelNames, aggregator: aggregator ?? ('sum' as const), registers: [registry] }
  }
  const durations = (name: MetricName, label: string) =>
    new Durations({ name, help: METRICS[name].help, label, bounds: SECONDS, registry })
  const requests = new Tally(row('cinderguard_requests_total'))
  const refusals = new Counter(row('cinderguard_refusals_total'))
  const wouldBe = new Counter(row('cinderguard_would_be_refusals_total'))
  const trusted = new Counter(row('cinderguard_trusted_service_user_requests_total'))
  let underWay = 0
  new Gauge({
    ...row('cinderguard_requests_in_flight'),
    collect() {
      this.set(underWay)
    },
  })
  const decision = durations('cinderguard_decision_duration_seconds', 'operation')
  const total = durations('cinderguard_request_duration_seconds', 'operation')
  const stageTimes = durations('cinderguard_stage_duration_seconds', 'stage')
  const calls = new Histogram({ ...row('cinderguard_dependency_duration_seconds'), buckets: SECONDS })
  const ready = new Gauge(row('cinderguard_dependency_ready'))
  const breakers = new Gauge(row('cinderguard_dependency_breaker_open'))
  const lookups = new Tally(row('cinderguard_token_lookups_total'))
  const shared = new Counter(row('cinderguard_shared_cache_lookups_total'))
  const modeInfo = new Gauge(row('cinderguard_mode'))
  const audited = new Counter(row('cinderguard_decision_records_total'))
  const certificates = new Gauge(row('cinderguard_certificate_expiry_timestamp_seconds'))
  const workers = new Gauge(row('cinderguard_workers'))
  const workersLost = new Counter(row('cinderguard_workers_lost_total'))
  new Gauge(row('cinderguard_build_info')).set({ version, node: process.version }, 1)

  // Prometheus sees an increase only of what it has seen before: what alerts wait for begins at nought.
  for (const [reason, operations] of Object.entries(ALERTED) as [Reason, readonly string[]][])
    for (const operation of operations) {
      const labels = { operation, reason, status: String(rowOf(reason).status) }
      refusals.inc(labels, 0)
      wouldBe.inc(labels, 0)
    }
  for (const operation of OPERATION_LABELS) trusted.inc({ operation }, 0)
  for (const result of ['written', 'dropped', 'failed']) audited.inc({ result }, 0)
  for (const service of ['keystone', 'nova', 'cinder', 'policy']) breakers.set({ service }, 0)

  return {
    registry,
    observe(outcome) {
      const operation = labelOf(outcome.draft)
      const verdict = verdictOf(outcome)
      const service = isService(outcome.draft)
      const status = String(outcome.status)
      // Put together once for each combination: a text made for each request would cost more than all else here.
      const code = outcome.status * 8 + VERDICTS[verdict] * 2 + Number(service)
      requests.add(operation, code, () => ({ operation, verdict, status, service: String(service) }))
      if (outcome.rejection !== null) refusals.inc({ operation, reason: outcome.rejection.reason, status })
      if (outcome.observed !== null) {
        const { reason } = outcome.observed
        wouldBe.inc({ operation, reason, status: String(rowOf(reason).status) })
      }
      if (outcome.caller === 'trusted-user') trusted.inc({ operation })
      decision.observe(operation, outcome.decisionSeconds)
      total.observe(operation, outcome.totalSeconds)
      for (const stage of STAGES) {
        const seconds = outcome.stages[stage]
        // A stage that it did not come to.
        if (seconds > 0) stageTimes.observe(stage, seconds)
      }
    },
    call: (service, outcome, seconds) => calls.observe({ service, outcome }, seconds),
    tokenLookup: (result) => lookups.add(result, 0, () => ({ result })),
    mode(mode) {
      for (const each of ['enforce', 'observe'] as const) modeInfo.set({ mode: each }, each === mode ? 1 : 0)
    },
    broken(status) {
      const labels = { operation: 'unread', status: String(status) }
      requests.add('broken', status, () => ({ ...labels, verdict: 'refused', service: 'false' }))
      refusals.inc({ ...labels, reason: BROKEN[status] })
    },
    logLines(lost) {
      new Counter({
        ...row('cinderguard_log_lines_dropped_total'),
        collect() {
          this.reset()
          this.inc(lost())
        },
      })
    },
    decisionRecord: (result) => audited.inc({ result }),
    certificate: (certificate, expires) => certificates.set({ certificate }, expires / 1000),
    policy(source) {
      new Gauge({
        ...row('cinderguard_policy_info'),
        collect() {
          this.reset()
          const { version, digest } = source.identity()
          this.set({ version: String(version ?? 'none'), digest }, 1)
        },
      })
      new Gauge({
        ...row('cinderguard_policy_up_to_date'),
        collect() {
          this.set(source.problem() === null ? 1 : 0)
        },
      })
      const history = () => source.history()
      new Counter({
        ...row('cinderguard_policy_loads_total'),
        collect() {
          this.reset()
          for (const result of ['taken', 'refused'] as const) this.inc({ result }, history()[result])
        },
      })
      new Gauge({
        ...row('cinderguard_policy_loaded_timestamp_seconds'),
        collect() {
          this.set(history().takenAt / 1000)
        },
      })
    },
    process: () => addProcessMetrics(registry),
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

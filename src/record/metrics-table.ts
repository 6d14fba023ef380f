import { GUARDED_KINDS, OPERATION_KINDS } from '../operation/operation.ts'
import { STAGES } from '../stage-clock.ts'

/** One metric. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Names out of {@link LABELS}. */
  readonly labels?: readonly (keyof typeof LABELS)[]
  /** How the values of several workers become one; their sum unless given. */
  readonly aggregator?: 'max' | 'min'
}

/** Values of the label `operation` of a request that could be read. */
export const OPERATION_LABELS: readonly string[] = [...OPERATION_KINDS, 'unclassified']

/** Certificates of the gateway's own. */
export type Certificate = 'listener' | 'admin' | 'upstream_client'

/** What each label says, and which values it has: closed sets, nothing of a request is among them. */
export const LABELS = {
  operation: `The operation: ${GUARDED_KINDS.join(', ')} (the guarded ones), volume-reset-status, attachment-update, attachment-create, other; unclassified and unread when that is not known.`,
  verdict: 'forwarded, refused, or observed: forwarded in observe mode, though it would have been refused.',
  status: 'Status of the answer; for a would-be refusal the one that it would have had.',
  service:
    'true when a service asked; for a dependency: keystone, nova, cinder or policy (servers that policy rules ask).',
  reason: 'Why, as decision records call it, such as attachment_in_use.',
  stage: `${STAGES.join(', ')}.`,
  outcome: 'ok, or error: no answer in time, or no usable one.',
  result: 'What became of it; see the metric.',
  mode: 'enforce or observe.',
  version: "Of the gateway, or of the organisation's policy bundle; none without one.",
  digest: 'SHA-256 of all rules that are not defaults.',
  node: 'Version of Node.js.',
  certificate: 'listener (bind), admin (admin_bind) or upstream_client (shown to Cinder).',
} as const

/** Every metric of the gateway's own. The registry, docs/metrics.md and tests are made from this. */
export const METRICS = {
  cinderguard_requests_total: {
    type: 'counter',
    labels: ['operation', 'verdict', 'status', 'service'],
    help: 'Requests answered, by operation, verdict (forwarded, refused, or observed: forwarded though it would have been refused), status and whether a service asked.',
  },
  cinderguard_refusals_total: {
    type: 'counter',
    labels: ['operation', 'reason', 'status'],
    help: 'Requests refused by the gateway itself (mode enforce), by operation, reason and status.',
  },
  cinderguard_would_be_refusals_total: {
    type: 'counter',
    labels: ['operation', 'reason', 'status'],
    help: 'Requests forwarded that would have been refused (mode observe), by operation, reason and the status that it would have been.',
  },
  cinderguard_trusted_service_user_requests_total: {
    type: 'counter',
    labels: ['operation'],
    help: 'Requests that counted as a service only because trusted_service_users names their user, by operation.',
  },
  cinderguard_requests_in_flight: { type: 'gauge', help: 'Requests in flight.' },
  cinderguard_decision_duration_seconds: {
    type: 'histogram',
    labels: ['operation'],
    help: 'Time from the first byte read to the decision: what the gateway adds.',
  },
  cinderguard_request_duration_seconds: {
    type: 'histogram',
    labels: ['operation'],
    help: 'Time from the first byte read to the end of the answer.',
  },
  cinderguard_stage_duration_seconds: {
    type: 'histogram',
    labels: ['stage'],
    help: 'Time that a request spent in each stage that it reached; forward is the whole exchange with Cinder.',
  },
  cinderguard_dependency_duration_seconds: {
    type: 'histogram',
    labels: ['service', 'outcome'],
    help: "Time of the gateway's own calls to Keystone, Nova and Cinder, by outcome.",
  },
  cinderguard_dependency_ready: {
    type: 'gauge',
    labels: ['service'],
    aggregator: 'max',
    help: '1 when the last probe of the service succeeded, 0 when it failed; see readiness_interval.',
  },
  cinderguard_dependency_breaker_open: {
    type: 'gauge',
    labels: ['service'],
    aggregator: 'max',
    help: '1 while the service is not asked because it failed ten times in a row.',
  },
  cinderguard_token_lookups_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Token lookups, by result: hit (cache), miss (Keystone was asked), joined (shared with one in flight).',
  },
  cinderguard_shared_cache_lookups_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Lookups in memcached, by result: hit, miss, error (a server failed or is not used: Keystone was asked).',
  },
  cinderguard_policy_info: {
    type: 'gauge',
    labels: ['version', 'digest'],
    aggregator: 'max',
    help: "Always 1; the version of the organisation's bundle (none without one) and the digest of all rules are its labels.",
  },
  cinderguard_policy_up_to_date: {
    type: 'gauge',
    aggregator: 'min',
    help: '1 when the newest policy is in force, 0 when a newer one was rejected, or the bundle has expired.',
  },
  cinderguard_policy_loads_total: {
    type: 'counter',
    labels: ['result'],
    aggregator: 'max',
    help: 'Loads of a policy, the first one included, by result: taken (in force), or refused (broken or not available; the previous one remains in force).',
  },
  cinderguard_policy_loaded_timestamp_seconds: {
    type: 'gauge',
    aggregator: 'max',
    help: 'When the policy in force was loaded, in seconds since the epoch.',
  },
  cinderguard_mode: {
    type: 'gauge',
    labels: ['mode'],
    aggregator: 'max',
    help: '1 for the mode in force overall, 0 for the other.',
  },
  cinderguard_decision_records_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Decision records, by result: written (to the file, or given to the network), dropped (lost), failed (the sink had an error).',
  },
  cinderguard_log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines dropped because they were not read in time.',
  },
  cinderguard_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    labels: ['certificate'],
    aggregator: 'min',
    help: 'When the certificate in use ends, or the first of its chain, in seconds since the epoch.',
  },
  cinderguard_workers: { type: 'gauge', help: 'Workers of this gateway; 0 when it is one process.' },
  cinderguard_workers_lost_total: {
    type: 'counter',
    help: 'Workers that ended without being asked to, and were replaced.',
  },
  cinderguard_build_info: {
    type: 'gauge',
    labels: ['version', 'node'],
    aggregator: 'max',
    help: 'Always 1; the version is its label.',
  },
} as const satisfies Record<string, MetricRow>

export type MetricName = keyof typeof METRICS
export type LabelsOf<N extends MetricName> = (typeof METRICS)[N] extends {
  readonly labels: readonly (infer L extends string)[]
}
  ? L
  : never

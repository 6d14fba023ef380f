import type { Registry } from 'prom-client'
import type { PolicyReadiness } from './readiness.ts'

/** What the console shows of this moment; counters since the start, from the metrics themselves. */
export interface Now {
  /** When it was read, ISO 8601: whoever has two of them has rates. */
  readonly at: string
  readonly version: string
  readonly mode: string
  /** ISO 8601. */
  readonly since: string
  readonly inFlight: number
  readonly requests: Readonly<Record<string, number>>
  readonly refusals: readonly Counted[]
  readonly wouldBe: readonly Counted[]
  /** Per service: `ok`, or what is wrong. */
  readonly services: Readonly<Record<string, string>>
  /** The gateway's own calls, per service. */
  readonly calls: Readonly<Record<string, Calls>>
  /** Time to the decision, of all requests together. */
  readonly decided: Timed
  /** Which policy counts. */
  readonly policy: PolicyReadiness
  readonly tokenLookups: Readonly<Record<string, number>>
}

export interface Counted {
  readonly operation: string
  readonly reason: string
  readonly count: number
}

export interface Timed {
  readonly count: number
  readonly seconds: number
}

export interface Calls extends Timed {
  /** Those of `count` that failed. */
  readonly errors: number
}

interface Value {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number | undefined>>
  /** The series of a histogram that it belongs to. */
  readonly metricName?: string
}

/** Reads the registry. */
export async function readNow(
  registry: Registry,
  known: Pick<Now, 'at' | 'version' | 'since' | 'services' | 'policy'>,
): Promise<Now> {
  const metrics = new Map(
    (await registry.getMetricsAsJSON()).map(({ name, values }) => [name, values as readonly Value[]]),
  )
  const values = (name: string): readonly Value[] => metrics.get(`cinderguard_${name}`) ?? []
  return {
    ...known,
    mode:
      values('mode')
        .find(({ value }) => value === 1)
        ?.labels.mode?.toString() ?? 'enforce',
    inFlight: values('requests_in_flight')[0]?.value ?? 0,
    requests: by(values('requests_total'), 'verdict'),
    refusals: counted(values('refusals_total')),
    wouldBe: counted(values('would_be_refusals_total')),
    calls: callsOf(values('dependency_duration_seconds')),
    decided: timed(values('decision_duration_seconds')),
    tokenLookups: by(values('token_lookups_total'), 'result'),
  }
}

function by(values: readonly Value[], label: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { value, labels } of values) {
    const key = String(labels[label])
    sums[key] = (sums[key] ?? 0) + value
  }
  return sums
}

function counted(values: readonly Value[]): readonly Counted[] {
  return values
    .filter(({ value }) => value > 0)
    .map(({ value, labels }) => ({
      operation: String(labels.operation),
      reason: String(labels.reason),
      count: value,
    }))
    .sort((a, b) => b.count - a.count)
}

function timed(histogram: readonly Value[]): Timed {
  const sum = (suffix: string) =>
    histogram
      .filter(({ metricName }) => metricName?.endsWith(suffix))
      .reduce((total, { value }) => total + value, 0)
  return { count: sum('_count'), seconds: sum('_sum') }
}

function callsOf(histogram: readonly Value[]): Record<string, Calls> {
  const services = [...new Set(histogram.map(({ labels }) => String(labels.service)))]
  return Object.fromEntries(
    services.map((service) => {
      const own = histogram.filter(({ labels }) => labels.service === service)
      const failed = own.filter(({ labels }) => labels.outcome === 'error')
      return [service, { ...timed(own), errors: timed(failed).count }]
    }),
  )
}

import type { Registry } from 'prom-client'

/** What the console shows of this moment; counters since the start, from the metrics themselves. */
export interface Now {
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
  /** Which policy counts. */
  readonly policy: string
  readonly tokenLookups: Readonly<Record<string, number>>
}

export interface Counted {
  readonly operation: string
  readonly reason: string
  readonly count: number
}

interface Value {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number | undefined>>
}

/** Reads the registry. */
export async function readNow(
  registry: Registry,
  known: Pick<Now, 'version' | 'since' | 'services' | 'policy'>,
): Promise<Now> {
  const metrics = new Map(
    (await registry.getMetricsAsJSON()).map(({ name, values }) => [name, values as readonly Value[]]),
  )
  const values = (name: string): readonly Value[] => metrics.get(`cinderguard_${name}`) ?? []
  const by = (name: string, label: string): Record<string, number> => {
    const sums: Record<string, number> = {}
    for (const { value, labels } of values(name)) {
      const key = String(labels[label])
      sums[key] = (sums[key] ?? 0) + value
    }
    return sums
  }
  const counted = (name: string): readonly Counted[] =>
    values(name)
      .filter(({ value }) => value > 0)
      .map(({ value, labels }) => ({
        operation: String(labels.operation),
        reason: String(labels.reason),
        count: value,
      }))
      .sort((a, b) => b.count - a.count)
  return {
    ...known,
    mode:
      values('mode')
        .find(({ value }) => value === 1)
        ?.labels.mode?.toString() ?? 'enforce',
    inFlight: values('requests_in_flight')[0]?.value ?? 0,
    requests: by('requests_total', 'verdict'),
    refusals: counted('refusals_total'),
    wouldBe: counted('would_be_refusals_total'),
    tokenLookups: by('token_lookups_total', 'result'),
  }
}

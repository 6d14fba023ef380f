import { Counter, type CounterConfiguration, type Histogram, type Registry } from 'prom-client'

interface Count<L extends string> {
  readonly labels: Readonly<Record<L, string>>
  count: number
}

/**
 * A counter whose labels are put together once for each combination, not for each request; prom-client gets the
 * sums with each scrape.
 */
export class Tally<L extends string> {
  readonly #counts = new Map<string, Map<number, Count<L>>>()

  constructor(configuration: Omit<CounterConfiguration<L>, 'collect'>) {
    const handOver = (counter: Counter<L>): void => {
      for (const counts of this.#counts.values())
        for (const each of counts.values()) {
          if (each.count > 0) counter.inc(each.labels, each.count)
          each.count = 0
        }
    }
    new Counter({
      ...configuration,
      collect() {
        handOver(this)
      },
    })
  }

  /** @param name with `code`, stands for the labels, of which there must be a bounded number. */
  add(name: string, code: number, labels: () => Readonly<Record<L, string>>): void {
    let counts = this.#counts.get(name)
    if (counts === undefined) {
      counts = new Map()
      this.#counts.set(name, counts)
    }
    const known = counts.get(code)
    if (known === undefined) counts.set(code, { labels: labels(), count: 1 })
    else known.count += 1
  }
}

export interface DurationsOptions {
  readonly name: string
  readonly help: string
  /** The only label. */
  readonly label: string
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[]
  readonly registry: Registry
}

interface Series {
  /** One for each bound, and one for what is longer; not yet summed up. */
  readonly buckets: number[]
  sum: number
}

/** A histogram of seconds by one label. prom-client's own takes ten times as long for an observation. */
export class Durations {
  readonly #series = new Map<string, Series>()
  readonly #options: DurationsOptions

  constructor(options: DurationsOptions) {
    this.#options = options
    const { name, help, registry } = options
    const metric = { name, help, type: 'histogram', aggregator: 'sum', get: async () => this.#read() }
    // A registry wants of a metric what its own aggregated ones have, and no more.
    registry.registerMetric(metric as unknown as Histogram)
  }

  /** @param value of the label, of which there must be a bounded number. */
  observe(value: string, seconds: number): void {
    const { bounds } = this.#options
    let series = this.#series.get(value)
    if (series === undefined) {
      series = { buckets: new Array<number>(bounds.length + 1).fill(0), sum: 0 }
      this.#series.set(value, series)
    }
    let at = 0
    while (at < bounds.length && seconds > (bounds[at] as number)) at += 1
    series.buckets[at] = (series.buckets[at] as number) + 1
    series.sum += seconds
  }

  #read() {
    const { name, help, label, bounds } = this.#options
    const values = [...this.#series].flatMap(([value, { buckets, sum }]) => {
      let count = 0
      const below = buckets.map((each, at) => {
        count += each
        return {
          metricName: `${name}_bucket`,
          labels: { le: bounds[at] ?? '+Inf', [label]: value },
          value: count,
        }
      })
      const labels = { [label]: value }
      return [
        ...below,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ]
    })
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
}

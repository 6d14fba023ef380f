import { Counter, type CounterConfiguration } from 'prom-client'

/**
 * A counter whose labels are put together once for each combination, not for each request; prom-client gets the
 * sums with each scrape.
 */
export class Tally<L extends string> {
  readonly #counts = new Map<string, { readonly labels: Readonly<Record<L, string>>; count: number }>()

  constructor(configuration: Omit<CounterConfiguration<L>, 'collect'>) {
    const handOver = (counter: Counter<L>): void => {
      for (const each of this.#counts.values()) {
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

  /** @param key stands for the labels, of which there must be a bounded number. */
  add(key: string, labels: () => Readonly<Record<L, string>>): void {
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { labels: labels(), count: 1 })
    else known.count += 1
  }
}

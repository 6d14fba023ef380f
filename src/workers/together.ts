import { AggregatorRegistry, type Registry } from 'prom-client'
import { mergedReport } from '../rollout/merge.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import type { Snapshot } from './messages.ts'

/** What all workers know together. Of a worker that ended its counters stay, as Prometheus expects of a counter. */
export class Together {
  readonly #alive = new Map<number, Snapshot>()
  #ended: Snapshot[] = []

  /** The newest word of a worker. */
  update(worker: number, snapshot: Snapshot): void {
    this.#alive.set(worker, snapshot)
  }

  /** A worker ended: what it said last is kept, but for what is only true of a living one. */
  end(worker: number): void {
    const last = this.#alive.get(worker)
    this.#alive.delete(worker)
    if (last === undefined) return
    const lasting = { ...last, metrics: last.metrics.filter(({ type }) => String(type) !== 'gauge') }
    const [before] = this.#ended
    this.#ended = [before === undefined ? lasting : sumOf([before, lasting])]
  }

  /** @param own what the primary itself counts. */
  registry(own: Snapshot['metrics']): Registry {
    return aggregate([own, ...this.#all().map(({ metrics }) => metrics)])
  }

  report(own: ReadinessReport): ReadinessReport {
    return mergedReport([own, ...this.#all().map(({ report }) => report)])
  }

  #all(): readonly Snapshot[] {
    return [...this.#ended, ...this.#alive.values()]
  }
}

function sumOf(snapshots: readonly Snapshot[]): Snapshot {
  const metrics: Snapshot['metrics'][number][] = []
  for (const metric of aggregate(snapshots.map((each) => each.metrics)).getMetricsAsArray())
    metrics.push(metric as unknown as Snapshot['metrics'][number])
  const [first, ...rest] = snapshots.map(({ report }) => report)
  if (first === undefined) throw new Error('nothing to add up')
  return { metrics, report: mergedReport([first, ...rest]) }
}

function aggregate(all: readonly Snapshot['metrics'][]): Registry {
  return AggregatorRegistry.aggregate(all.map((metrics) => [...metrics]))
}

import { AggregatorRegistry, type Registry } from 'prom-client'
import { mergedReport } from '../rollout/merge.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import type { PolicyState, Snapshot } from './messages.ts'

/** What outlives a worker. */
type Counted = Omit<Snapshot, 'policy'>

/** What all workers know together. Of a worker that ended its counters stay, as Prometheus expects of a counter. */
export class Together {
  readonly #alive = new Map<number, Snapshot>()
  #ended: Counted[] = []

  /** The newest word of a worker. */
  update(worker: number, snapshot: Snapshot): void {
    this.#alive.set(worker, snapshot)
  }

  /** A worker ended: what it said last is kept, but for what is only true of a living one. */
  end(worker: number): void {
    const last = this.#alive.get(worker)
    this.#alive.delete(worker)
    if (last === undefined) return
    const { report } = last
    const lasting = { report, metrics: last.metrics.filter(({ type }) => String(type) !== 'gauge') }
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

  /** The primary's, and where a worker still decides by another one, that. */
  policy(own: PolicyState): PolicyState {
    const others = [...this.#alive.values()].map(({ policy }) => policy)
    const strayed = others.filter(({ digest, version }) => digest !== own.digest || version !== own.version)
    const said = [own, ...others].map(({ problem }) => problem)
    if (strayed.length > 0) {
      const names = strayed.map(({ version, digest }) => `${version ?? 'no bundle'} ${digest.slice(0, 12)}`)
      said.push(`${strayed.length} worker(s) decide by another policy: ${[...new Set(names)].join(', ')}`)
    }
    const problem = [...new Set(said.filter((each) => each !== null))].join('; ')
    return { ...own, problem: problem === '' ? null : problem }
  }

  #all(): readonly Counted[] {
    return [...this.#ended, ...this.#alive.values()]
  }
}

function sumOf(snapshots: readonly Counted[]): Counted {
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

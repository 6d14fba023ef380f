import { type ReadinessReport, type ReportRow, readinessOf, type SeenService } from './report.ts'

/** One report of several, such as those of a gateway's workers. */
export function mergedReport([first, ...rest]: readonly [
  ReadinessReport,
  ...ReadinessReport[],
]): ReadinessReport {
  const all = [first, ...rest]
  return readinessOf({
    mode: first.mode,
    since: all.map(({ since }) => since).toSorted()[0] ?? first.since,
    guarded: sum(all.map(({ guarded }) => guarded)),
    others: sum(all.map(({ others }) => others)),
    rows: merged(
      all.flatMap(({ rows }) => rows),
      ({ count: _count, first: _first, last: _last, hint: _hint, ...same }) => JSON.stringify(same),
      (a, b): ReportRow => ({
        ...(a.last < b.last ? b : a),
        count: a.count + b.count,
        first: [a.first, b.first].toSorted()[0] ?? a.first,
      }),
    ),
    services: merged(
      all.flatMap(({ services }) => services),
      ({ userId }) => userId,
      (a, b): SeenService => ({
        ...(a.last < b.last ? b : a),
        count: a.count + b.count,
        addresses: [...new Set([...a.addresses, ...b.addresses])].slice(0, 64),
      }),
    ),
  })
}

function merged<T>(rows: readonly T[], keyOf: (row: T) => string, add: (a: T, b: T) => T): readonly T[] {
  const byKey = new Map<string, T>()
  for (const row of rows) {
    const known = byKey.get(keyOf(row))
    byKey.set(keyOf(row), known === undefined ? row : add(known, row))
  }
  return [...byKey.values()]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

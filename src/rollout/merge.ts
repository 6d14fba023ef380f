import { readinessOf } from './readiness.ts'
import type { ReadinessReport, ReportRow, SeenService, TrustedUser } from './report.ts'

/** One report of several: those of a gateway's workers, or of several gateways. */
export function mergedReport([first, ...rest]: readonly [
  ReadinessReport,
  ...ReadinessReport[],
]): ReadinessReport {
  const all = [first, ...rest]
  const unlisted = all.flatMap((report) => report.unlisted ?? [])
  return readinessOf({
    mode: all.every(({ mode }) => mode === first.mode) ? first.mode : 'mixed',
    since: earliest(all.map(({ since }) => since)),
    guarded: sum(all.map(({ guarded }) => guarded)),
    others: sum(all.map(({ others }) => others)),
    unlisted:
      unlisted.length === 0
        ? null
        : { count: sum(unlisted.map(({ count }) => count)), last: latest(unlisted.map(({ last }) => last)) },
    rows: merged(
      all.flatMap(({ rows }) => rows),
      keyOf,
      (a, b): ReportRow => {
        const newer = a.last < b.last ? b : a
        const passed = latest([a.passed ?? '', b.passed ?? ''])
        return {
          ...newer,
          count: a.count + b.count,
          first: earliest([a.first, b.first]),
          passed: passed > newer.last ? passed : null,
        }
      },
    ),
    services: merged(
      all.flatMap(({ services }) => services),
      ({ userId }) => userId,
      (a, b): SeenService => ({
        ...(a.last < b.last ? b : a),
        count: a.count + b.count,
        guarded: a.guarded + b.guarded,
        from: merged(
          [...a.from, ...b.from],
          ({ address }) => address,
          (x, y) => ({
            address: x.address,
            first: earliest([x.first, y.first]),
            last: latest([x.last, y.last]),
          }),
        ).slice(0, 64),
      }),
    ),
    trusted: merged(
      all.flatMap(({ trusted }) => trusted),
      ({ userId }) => userId,
      (a, b): TrustedUser => ({ ...(a.last < b.last ? b : a), count: a.count + b.count }),
    ),
  })
}

/** All that does not change from one time to the next. */
function keyOf({
  count,
  first,
  last,
  hint,
  passed,
  resolved,
  blocks,
  userAgent,
  ...same
}: ReportRow): string {
  return JSON.stringify(same.kind === 'problem' ? same : { ...same, userAgent })
}

function merged<T>(rows: readonly T[], keyOf: (row: T) => string, add: (a: T, b: T) => T): readonly T[] {
  const byKey = new Map<string, T>()
  for (const row of rows) {
    const known = byKey.get(keyOf(row))
    byKey.set(keyOf(row), known === undefined ? row : add(known, row))
  }
  return [...byKey.values()]
}

function earliest(times: readonly string[]): string {
  return times.filter((time) => time !== '').toSorted()[0] ?? ''
}

function latest(times: readonly string[]): string {
  return times.toSorted().at(-1) ?? ''
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

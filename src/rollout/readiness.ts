import type { Counted, ReadinessReport, ReportRow, SeenService } from './report.ts'

const DAY = 86_400_000

/** What was counted, put in order, and what follows from it. */
export function readinessOf(counted: Counted): ReadinessReport {
  const rows = counted.rows
    .map((row): ReportRow => {
      const resolved = resolvedAt(row, counted.services)
      return { ...row, resolved, blocks: row.kind === 'problem' && resolved === null }
    })
    .toSorted((a, b) => Number(b.blocks) - Number(a.blocks) || rank(a) - rank(b) || b.count - a.count)
  const blocking = rows.filter(({ blocks }) => blocks)
  const isProven =
    counted.services.some(({ guarded }) => guarded > 0) || counted.trusted.some(({ count }) => count > 0)
  return {
    ...counted,
    rows,
    services: counted.services.toSorted((a, b) => b.count - a.count),
    ready: blocking.length === 0 && counted.unlisted === null && isProven,
    advice: adviceOn(blocking, counted, isProven),
  }
}

/**
 * What was last seen before a moment is left out, as mended: the counts of the rest stay.
 * @param since ISO 8601, UTC
 */
export function reportSince(report: ReadinessReport, since: string): ReadinessReport {
  const recent = <T extends { readonly last: string }>(seen: readonly T[]) =>
    seen.filter(({ last }) => last >= since)
  return readinessOf({
    ...report,
    since: report.since < since ? since : report.since,
    rows: recent(report.rows),
    services: recent(report.services),
    trusted: recent(report.trusted),
    unlisted: report.unlisted !== null && report.unlisted.last >= since ? report.unlisted : null,
  })
}

/**
 * When a problem is known to be mended, or null. A service without the role is, when its user's token is good; one
 * without a token, when a good one came from its address later. An address that sent both before, such as that of a
 * proxy which is not in trusted_proxies, must have been without fault for a day.
 */
function resolvedAt(row: ReportRow, services: readonly SeenService[]): string | null {
  if (row.kind !== 'problem') return null
  if (row.reason === 'service_role_missing' || row.reason === 'service_role_required') {
    const service = services.find(({ userId }) => userId === row.serviceUserId)
    return service !== undefined && service.last > row.last ? service.last : null
  }
  if (row.caller !== 'service-without-token' && row.caller !== 'service-with-bad-token') return row.passed
  const from = services.flatMap((service) =>
    row.address === null || row.address === ''
      ? []
      : service.from.filter(({ address }) => address === row.address),
  )
  const good = from.find(({ last }) => last > row.last)
  if (good === undefined) return null
  const isShared = from.some(({ first }) => first <= row.last)
  return !isShared || Date.parse(good.last) - Date.parse(row.last) > DAY ? good.last : null
}

/** Services without their tokens first: they are what breaks a cloud. */
function rank({ reason }: ReportRow): number {
  if (reason === 'service_token_missing' || reason === 'service_role_missing') return 0
  return reason === 'invalid_service_token' || reason === 'service_role_required' ? 1 : 2
}

function adviceOn(blocking: readonly ReportRow[], { mode, unlisted }: Counted, isProven: boolean): string {
  const [first] = blocking
  if (first !== undefined)
    return `${blocking.length} ${blocking.length === 1 ? 'finding blocks' : 'findings block'} enforcement; first: ${first.hint ?? first.reason}`
  if (unlisted !== null)
    return `${unlisted.count} refusals that block enforcement are not listed, the last at ${unlisted.last}: see the decision records.`
  if (!isProven)
    return 'No service has detached a volume with a valid service token yet: attach and detach one through the Compute API, then run this again.'
  return mode === 'observe'
    ? 'Nothing that should work would be refused: set [cinderguard] mode = enforce.'
    : 'Nothing that should work is refused.'
}

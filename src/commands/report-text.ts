import type { ReadinessReport, ReportRow } from '../rollout/report.ts'

/** So many rows of what blocks nothing; the rest is in `--format json`. */
const SHOWN = 10

/** The report as a person reads it. */
export function reportText(found: ReadinessReport): string {
  const { mode, since, guarded, ready, advice, rows, unlisted, others } = found
  const of = (kind: ReportRow['kind']) => rows.filter((row) => row.kind === kind)
  const head =
    mode === 'recorded'
      ? `Decision records since ${since}: ${guarded} guarded operations.`
      : `Mode ${mode}, since ${since}: ${guarded} guarded operations judged.`
  const blocking = rows.filter(({ blocks }) => blocks)
  const lines = [
    head,
    `${ready ? 'READY' : 'NOT READY'} to enforce. ${advice}`,
    '',
    ...section('Blocking enforcement', blocking, blocking.length, true),
    ...(unlisted === null
      ? []
      : [
          `  ${unlisted.count} more are not listed, the last at ${unlisted.last}: too many different ones.`,
          '',
        ]),
    ...section(
      'Fixed since',
      rows.filter(({ resolved }) => resolved !== null),
      SHOWN,
    ),
    ...section('Refused as intended, or as Cinder itself refuses', of('intended'), SHOWN, true),
    ...section('Outages of the services that the gateway asks', of('outage'), SHOWN),
    ...section('Ambiguous requests, refused in observe mode too', of('unreadable'), SHOWN),
    ...seen(found),
  ]
  if (others > 0)
    lines.push('', `${others} more refusals, none of them blocking, are not listed: too many different ones.`)
  return `${lines.join('\n')}\n`
}

function section(
  title: string,
  rows: readonly ReportRow[],
  shown: number,
  always = false,
): readonly string[] {
  if (rows.length === 0) return always ? [title, '  none', ''] : []
  const more = rows.length - shown
  return [
    title,
    ...rows.slice(0, shown).flatMap(rowLines),
    ...(more > 0 ? [`  and ${more} more: --format json`] : []),
    '',
  ]
}

function rowLines(row: ReportRow): readonly string[] {
  const rule = row.rule === null ? '' : ` (${row.rule})`
  const who = `${row.userName ?? 'an unknown caller'} (user ${row.userId ?? '-'}, project ${row.projectId ?? '-'})`
  const service = row.serviceUser === null ? '' : `, with a service token of ${row.serviceUser}`
  return [
    `  ${row.count} × ${row.operation}: ${row.reason}${rule}${row.verdict === 'observed' ? ', only observed' : ''}`,
    `      by ${who}${service}`,
    `      from ${row.address || '-'}, ${row.userAgent ?? 'no user agent'}; ${row.first} to ${row.last}`,
    ...(row.resolved === null ? [] : [`      succeeded at ${row.resolved}`]),
    ...(row.hint === null || row.resolved !== null ? [] : [`      ${row.hint}`]),
  ]
}

function seen({ services, trusted }: ReadinessReport): readonly string[] {
  const lines = ['Services seen with valid service tokens']
  if (services.length === 0)
    lines.push(
      '  none yet. Nova must be among them before enforcing: detach a volume through the Compute API.',
    )
  for (const { userName, count, guarded, last, roles, from } of services)
    lines.push(
      `  ${userName}  ${count} × (${guarded} guarded operations), last ${last}, roles ${roles.join(', ')}, from ${from.map(({ address }) => address || 'a unix socket').join(', ')}`,
    )
  if (services.length > 0 && !services.some(({ userName }) => /nova|compute/i.test(userName)))
    lines.push("  No name looks like Nova's. Make sure that Nova's user is among them before enforcing.")
  if (trusted.length > 0)
    lines.push('', 'Treated as services because of trusted_service_users: a temporary exception')
  for (const { userName, userId, count, last } of trusted)
    lines.push(`  ${userName} (${userId})  ${count} ×, last ${last}`)
  return lines
}

import type { ReadinessReport, ReportRow } from '../rollout/report.ts'
import { askAdmin } from './ask-admin.ts'
import { configurationOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags } from './own-flags.ts'

/**
 * `cinderguard report`: asks the running gateway who is refused, or would be, and what to fix before enforcing.
 * Exit code 0: ready to enforce; 1: not, or no gateway answers; 2: wrong command line or configuration.
 */
export async function report(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, ['format'])
  const format = formatOf(values.format)
  if (format === undefined) {
    process.stderr.write('cinderguard report: --format is text or json\n')
    return 2
  }
  const loaded = configurationOf(rest, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'The configuration, which says where the gateway is, is wrong:')
    return 2
  }
  try {
    const token = process.env.OS_TOKEN
    const found = (await askAdmin(loaded.config.cinderguard, '/api/v1/report', token)) as ReadinessReport
    process.stdout.write(format === 'json' ? `${JSON.stringify(found, null, 2)}\n` : reportText(found))
    return found.ready ? 0 : 1
  } catch (error) {
    process.stderr.write(`cinderguard report: ${error instanceof Error ? error.message : 'failed'}\n`)
    return 1
  }
}

/** The report as a person reads it. */
export function reportText(found: ReadinessReport): string {
  const lines = [
    `Mode ${found.mode}, since ${found.since}: ${found.guarded} guarded operations judged.`,
    `${found.ready ? 'READY' : 'NOT READY'} to enforce. ${found.advice}`,
    '',
    ...section(
      'In the way of enforcing',
      found.rows.filter(({ blocks }) => blocks),
    ),
    ...section(
      'Refused as intended',
      found.rows.filter(({ blocks }) => !blocks),
    ),
    'Services seen with good service tokens',
    ...(found.services.length === 0
      ? [
          '  none yet. Nova must be among them before enforcing: detach a volume by the Compute API and look again.',
        ]
      : found.services.map(
          ({ userName, count, last, roles, addresses }) =>
            `  ${userName}  ${count} times, last ${last}, roles ${roles.join(', ')}, from ${addresses.join(', ')}`,
        )),
  ]
  if (found.others > 0)
    lines.push('', `${found.others} more refusals are not listed: too many different ones.`)
  return `${lines.join('\n')}\n`
}

function section(title: string, rows: readonly ReportRow[]): readonly string[] {
  if (rows.length === 0) return [title, '  none', '']
  return [title, ...rows.flatMap(rowLines), '']
}

function rowLines(row: ReportRow): readonly string[] {
  const rule = row.rule === null ? '' : ` (${row.rule})`
  const who = `${row.userName ?? 'nobody known'} (user ${row.userId ?? '-'}, project ${row.projectId ?? '-'})`
  return [
    `  ${row.count} × ${row.operation}: ${row.reason}${rule}${row.verdict === 'observed' ? ', only observed' : ''}`,
    `      by ${who}`,
    `      from ${row.address ?? '-'}, ${row.userAgent ?? 'no user agent'}; ${row.first} to ${row.last}`,
    ...(row.hint === null ? [] : [`      ${row.hint}`]),
  ]
}

import { readRecorded } from '../record/recorded.ts'
import { mergedReport } from '../rollout/merge.ts'
import { reportSince } from '../rollout/readiness.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import { askAdmin } from './ask-admin.ts'
import { adminsOf, printProblems } from './configuration.ts'
import { asksHelp, formatOf, ownFlags, sinceOf } from './own-flags.ts'
import { reportText } from './report-text.ts'

export const REPORT_USAGE = `cinderguard report: who is refused, or would be, and what to fix before enforcing.
  --admin URL        ask this gateway, http://HOST:PORT or unix:/PATH; again for each further one, to be added up.
                     Otherwise the one at [cinderguard] admin_bind of the configuration (--config-file FILE).
                     The token in OS_TOKEN is sent where admin_bind is not a loopback address.
  --audit-log FILE   read decision records instead; again for each further file, oldest first; also .gz
  --since WHEN       leave out what was not seen since: 2026-11-25T10:00Z, or 90m, 6h, 2d ago
  --format json      for programs
Exit codes: 0 ready to enforce, 1 not ready, 2 wrong command line, configuration or file, 3 a gateway gave no answer.
`

/** `cinderguard report`. */
export async function report(argv: readonly string[]): Promise<number> {
  if (asksHelp(argv)) {
    process.stdout.write(REPORT_USAGE)
    return 0
  }
  const { values, all, rest } = ownFlags(argv, ['format', 'admin', 'audit-log', 'since'])
  const format = formatOf(values.format)
  const since = values.since === undefined ? '' : sinceOf(values.since, Date.now())
  const files = all['audit-log'] ?? []
  if (format === undefined || since === undefined || (files.length > 0 && all.admin !== undefined)) {
    process.stderr.write(REPORT_USAGE)
    return 2
  }
  try {
    const found =
      files.length > 0 ? await readRecorded(files, since) : await asked(all.admin ?? [], rest, since)
    if (found === null) return 2
    process.stdout.write(format === 'json' ? `${JSON.stringify(found, null, 2)}\n` : reportText(found))
    return found.ready ? 0 : 1
  } catch (error) {
    process.stderr.write(`cinderguard report: ${error instanceof Error ? error.message : 'failed'}\n`)
    return files.length > 0 ? 2 : 3
  }
}

/** What the gateways say together; null when it cannot be told who they are, which is printed. */
async function asked(
  admins: readonly string[],
  rest: readonly string[],
  since: string,
): Promise<ReadinessReport | null> {
  const addresses = adminsOf(admins, rest, process.env)
  if ('problems' in addresses) {
    printProblems(addresses.problems, 'Where the gateway is cannot be told:')
    return null
  }
  const [first, ...others] = addresses
  const ask = async (address: typeof first) =>
    (await askAdmin(address, '/api/v1/report', process.env.OS_TOKEN)) as ReadinessReport
  const found = mergedReport(await Promise.all([ask(first), ...others.map(ask)]))
  return since === '' ? found : reportSince(found, since)
}

import { problemOf } from '../file-problem.ts'
import { readRecorded } from '../record/recorded.ts'
import { mergedReport } from '../rollout/merge.ts'
import { reportSince } from '../rollout/readiness.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import { askAdmin } from './ask-admin.ts'
import { adminsOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags, sinceOf } from './own-flags.ts'
import { printed } from './printed.ts'
import { reportText } from './report-text.ts'
import { COMMANDS } from './table.ts'
import { usageOf } from './usage.ts'

/** `cinderguard report`. */
export async function report(argv: readonly string[]): Promise<number> {
  const { values, all, rest } = ownFlags(argv, ['format', 'admin', 'audit-log', 'since'])
  const format = formatOf(values.format)
  const since = values.since === undefined ? '' : sinceOf(values.since, Date.now())
  const files = all['audit-log'] ?? []
  if (format === undefined || since === undefined || (files.length > 0 && all.admin !== undefined)) {
    const problem =
      since === undefined
        ? `--since ${values.since} is not a time (2026-11-25T10:00Z) or a duration (90m, 6h, 2d)`
        : 'takes either --admin or --audit-log, not both'
    process.stderr.write(`cinderguard report: ${problem}\n\n${usageOf(['report'], COMMANDS.report)}`)
    return 2
  }
  try {
    const found =
      files.length > 0 ? await readRecorded(files, since) : await asked(all.admin ?? [], rest, since)
    if (found === null) return 2
    process.stdout.write(
      format === 'json' ? `${JSON.stringify(found, null, 2)}\n` : printed(reportText(found)),
    )
    return found.ready ? 0 : 1
  } catch (error) {
    process.stderr.write(`cinderguard report: ${problemOf(error, 'failed')}\n`)
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
    printProblems(addresses.problems, 'Cannot determine where the gateway is:')
    return null
  }
  const [first, ...others] = addresses
  const ask = async (address: typeof first) =>
    (await askAdmin(address, '/api/v1/report', process.env.OS_TOKEN)) as ReadinessReport
  const found = mergedReport(await Promise.all([ask(first), ...others.map(ask)]))
  return since === '' ? found : reportSince(found, since)
}

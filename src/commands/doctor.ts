import { existsSync } from 'node:fs'
import { findFile } from '../config/load.ts'
import type { Config } from '../config/options.ts'
import { diagnose } from '../doctor/diagnose.ts'
import type { Finding, Level } from '../doctor/finding.ts'
import { look } from '../doctor/look.ts'
import { readTraffic } from '../doctor/recorded.ts'
import type { Survey } from '../doctor/survey.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import { askAdmin } from './ask-admin.ts'
import { configurationOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags } from './own-flags.ts'

const MARKS: Readonly<Record<Level, string>> = {
  ok: 'ok     ',
  info: 'info   ',
  warning: 'WARNING',
  error: 'ERROR  ',
}

/**
 * `cinderguard doctor [--audit-log FILE] [--format json]`: looks at a whole installation and says what to do.
 * Exit codes: 0 nothing to do, 1 warnings or errors, 2 wrong command line or configuration.
 */
export async function doctor(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, ['audit-log', 'format'])
  const format = formatOf(values.format)
  if (format === undefined) {
    process.stderr.write('cinderguard doctor: --format is text or json\n')
    return 2
  }
  const loaded = configurationOf(rest, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'The configuration is wrong:')
    return 2
  }
  const { config } = loaded
  const traffic = await trafficOf(config, values['audit-log'])
  const findings = diagnose(await look(config, { traffic, policyFiles: policyFilesOf(config) }))
  process.stdout.write(
    format === 'json' ? `${JSON.stringify({ findings }, null, 2)}\n` : findingsText(findings),
  )
  return findings.some(({ level }) => level === 'warning' || level === 'error') ? 1 : 0
}

async function trafficOf(config: Config, file: string | undefined): Promise<Survey['traffic']> {
  try {
    if (file !== undefined) return readTraffic(file)
    return (await askAdmin(config.cinderguard, '/api/v1/report', process.env.OS_TOKEN)) as ReadinessReport
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'failed' }
  }
}

function policyFilesOf({ oslo_policy, sources }: Config): readonly string[] {
  return [oslo_policy.policy_file, ...oslo_policy.policy_dirs]
    .map((path) => findFile(path, sources))
    .filter((path): path is string => path !== undefined && existsSync(path))
}

/** The findings as a person reads them, what is worst last, where the eye is. */
export function findingsText(findings: readonly Finding[]): string {
  const order: readonly Level[] = ['ok', 'info', 'warning', 'error']
  const sorted = [...findings].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
  const lines = sorted.flatMap(({ level, what, why, fix }) => [
    `${MARKS[level]}  ${what}`,
    ...(why === '' ? [] : [`         ${why}`]),
    ...fix.map((line) => `             ${line}`),
  ])
  const bad = findings.filter(({ level }) => level === 'warning' || level === 'error').length
  return `${lines.join('\n')}\n\n${bad === 0 ? 'Nothing to do.' : `${bad} thing${bad === 1 ? '' : 's'} to do.`}\n`
}

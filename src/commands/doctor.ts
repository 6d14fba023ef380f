import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findFile } from '../config/load.ts'
import type { Config } from '../config/options.ts'
import { Secret } from '../config/secret.ts'
import { diagnose } from '../doctor/diagnose.ts'
import type { Finding, Level } from '../doctor/finding.ts'
import { type Given, look } from '../doctor/look.ts'
import { readRecorded } from '../record/recorded.ts'
import { mergedReport } from '../rollout/merge.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import { AdminError, askAdmin } from './ask-admin.ts'
import { clientAccount } from './client-account.ts'
import { type Admins, adminsOf, configurationOf, printProblems } from './configuration.ts'
import { formatOf, ownFlags } from './own-flags.ts'
import { printed } from './printed.ts'
import { COMMANDS } from './table.ts'
import { usageOf } from './usage.ts'

const MARKS: Readonly<Record<Level, string>> = {
  ok: 'ok     ',
  info: 'info   ',
  warning: 'WARNING',
  error: 'ERROR  ',
}

/** `cinderguard doctor`. */
export async function doctor(argv: readonly string[]): Promise<number> {
  const { values, all, rest } = ownFlags(argv, ['admin', 'audit-log', 'fail-on', 'format'])
  const format = formatOf(values.format)
  const failOn = values['fail-on'] ?? 'error'
  if (format === undefined || (failOn !== 'error' && failOn !== 'warning')) {
    process.stderr.write(usageOf(['doctor'], COMMANDS.doctor))
    return 2
  }
  const loaded = configurationOf(rest, process.env)
  const admins = adminsOf(all.admin ?? [], rest, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'The configuration is invalid:')
    return 2
  }
  if ('problems' in admins) {
    printProblems(admins.problems, 'Cannot determine where the gateway is:')
    return 2
  }
  const { config } = loaded
  const operator = operatorOf(config)
  if (typeof operator === 'string') {
    process.stderr.write(`cinderguard doctor: ${operator}\n`)
    return 2
  }
  const traffic = await trafficOf(admins, all['audit-log'] ?? [])
  const isRunning = await sawRequest(admins, 'req-none').then(
    () => true,
    () => false,
  )
  const saw = isRunning ? (id: string) => sawRequest(admins, id) : null
  const findings = diagnose(
    await look(config, {
      traffic,
      policyFiles: policyFilesOf(config),
      policyJson: policyJsonOf(config),
      operator,
      saw,
    }),
  )
  process.stdout.write(
    format === 'json' ? `${JSON.stringify({ findings }, null, 2)}\n` : printed(findingsText(findings)),
  )
  return findings.some(({ level }) => level === 'error' || level === failOn) ? 1 : 0
}

/** The operator's own account, or what is wrong with it. */
function operatorOf(config: Config): Given['operator'] | string {
  const account = clientAccount(process.env, config.credentials.keystone_authtoken.authUrl)
  if (account !== null) return 'problems' in account ? account.problems.join('; ') : account
  const { OS_TOKEN } = process.env
  return OS_TOKEN === undefined || OS_TOKEN === '' ? null : new Secret(OS_TOKEN)
}

async function trafficOf([first, ...others]: Admins, files: readonly string[]): Promise<Given['traffic']> {
  const ask = async (address: Admins[number]) =>
    (await askAdmin(address, '/api/v1/report', process.env.OS_TOKEN)) as ReadinessReport
  try {
    if (files.length > 0) return await readRecorded(files)
    return mergedReport(await Promise.all([ask(first), ...others.map(ask)]))
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'failed' }
  }
}

/** Whether one of the gateways has decided on the request. @throws when one cannot be asked. */
async function sawRequest(admins: Admins, requestId: string): Promise<boolean> {
  const path = `/api/v1/decisions/${requestId}`
  const answers = await Promise.all(
    admins.map((address) =>
      askAdmin(address, path, process.env.OS_TOKEN).then(
        () => true,
        (error: unknown) => {
          if (error instanceof AdminError && error.status === 404) return false
          throw error
        },
      ),
    ),
  )
  return answers.includes(true)
}

function policyFilesOf({ oslo_policy, sources }: Config): readonly string[] {
  return [oslo_policy.policy_file, ...oslo_policy.policy_dirs]
    .map((path) => findFile(path, sources))
    .filter((path): path is string => path !== undefined && existsSync(path))
}

/** A policy.json where policy_file is looked for, when policy_file itself is not there; null without one. */
function policyJsonOf({ oslo_policy: { policy_file }, sources }: Config): string | null {
  if (findFile(policy_file, sources) !== undefined) return null
  return findFile(join(dirname(policy_file), 'policy.json'), sources) ?? null
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

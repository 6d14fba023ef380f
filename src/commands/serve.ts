import type { Logger } from 'pino'
import { type PolicyEvents, startPolicy } from '../organisation/live.ts'
import { createLogger } from '../record/log.ts'
import { startGateway } from '../serve.ts'
import { configurationOf, printProblems } from './configuration.ts'
import { untilSignal } from './signals.ts'

/** `cinderguard serve`: runs until SIGTERM or SIGINT, then drains. A wrong configuration never starts. */
export async function serve(argv: readonly string[]): Promise<number> {
  const loaded = configurationOf(argv, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'cinderguard does not start with a wrong configuration:')
    return 2
  }
  const log = createLogger(loaded.config.cinderguard.log_level)
  const policy = await startPolicy(loaded.config, policyEvents(log))
  if ('problems' in policy) {
    process.stderr.write(
      `cinderguard does not start without a good policy:\n  ${policy.problems.join('\n  ')}\n`,
    )
    return 2
  }
  for (const notice of loaded.notices) log.warn({ where: notice.where }, notice.message)
  try {
    const gateway = await startGateway(loaded.config, policy, log)
    process.on('SIGHUP', () => {
      gateway.reopen()
      void policy.refresh()
    })
    log.info({ signal: await untilSignal() }, 'stopping')
    policy.stop()
    await gateway.stop()
    return 0
  } catch (error) {
    process.stderr.write(
      `cinderguard cannot start: ${error instanceof Error ? error.message : 'unknown error'}\n`,
    )
    return 1
  }
}

/** A problem is said once, and once more when it is over. */
function policyEvents(log: Logger): PolicyEvents {
  let told: string | null = null
  return {
    loaded: ({ version, digest }) => log.info({ version, digest }, 'policy in force'),
    refused(problem) {
      if (problem === told) return
      told = problem
      if (problem === null) log.info('the newest policy is in force again')
      else log.error({ problem }, 'a newer policy is not taken; the last good one stays')
    },
  }
}

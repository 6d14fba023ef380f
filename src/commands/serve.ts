import cluster from 'node:cluster'
import type { Logger } from 'pino'
import type { Config } from '../config/options.ts'
import { problemOf } from '../file-problem.ts'
import { type PolicyEvents, startPolicy } from '../organisation/live.ts'
import { closeLogger, createLogger } from '../record/log.ts'
import { startGateway } from '../serve.ts'
import type { FromWorker } from '../workers/messages.ts'
import { startPrimary } from '../workers/primary.ts'
import { startWorker } from '../workers/worker.ts'
import { configurationOf, printProblems } from './configuration.ts'
import { reload } from './reload.ts'
import { untilSignal } from './signals.ts'

/** `cinderguard serve`: runs until SIGTERM or SIGINT, then drains. Refuses to start with an invalid configuration. */
export async function serve(argv: readonly string[]): Promise<number> {
  const loaded = configurationOf(argv, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, 'cinderguard refuses to start with an invalid configuration:')
    return 2
  }
  const log = createLogger(loaded.config.cinderguard.log_level)
  const part = cluster.isWorker ? 'follows' : 'keeps'
  const policy = await startPolicy(loaded.config, policyEvents(log), part)
  if ('problems' in policy) {
    process.stderr.write(
      `cinderguard refuses to start without a valid policy:\n  ${policy.problems.join('\n  ')}\n`,
    )
    return 2
  }
  if (!cluster.isWorker)
    for (const notice of loaded.notices) log.warn({ where: notice.where }, notice.message)
  const start = cluster.isWorker
    ? startWorker
    : loaded.config.cinderguard.workers > 1
      ? startPrimary
      : startGateway
  try {
    const gateway = await start(loaded.config, policy, log)
    let inForce = loaded.config
    process.on('SIGHUP', () => {
      const take = (config: Config): void => {
        gateway.take(config)
        log.level = config.cinderguard.log_level
      }
      // Before all else: it may be how a gateway is backed out.
      inForce = reload(argv, inForce, take, cluster.isWorker ? null : log)
      gateway.reopen()
      void policy.refresh()
    })
    log.info({ signal: await untilSignal() }, 'stopping')
    policy.stop()
    await gateway.stop()
    await closeLogger(log)
    // A worker's channel to its primary would keep it here.
    process.disconnect?.()
    return 0
  } catch (error) {
    const problem = problemOf(error)
    if (cluster.isWorker) process.send?.({ say: 'failed', problem } satisfies FromWorker)
    else process.stderr.write(`cinderguard cannot start: ${problem}\n`)
    process.disconnect?.()
    return 1
  }
}

/** A problem is said once, and once more when it is over. */
function policyEvents(log: Logger): PolicyEvents {
  let told: string | null = null
  let noticed: readonly string[] = []
  return {
    loaded({ version, digest }, notices) {
      log.info({ version, digest }, 'policy in force')
      // Workers would say it once more each.
      if (!cluster.isWorker)
        for (const notice of notices) if (!noticed.includes(notice)) log.warn({ notice }, 'policy')
      noticed = notices
    },
    refused(problem) {
      if (problem === told) return
      told = problem
      if (problem === null) log.info('the newest policy is in force again')
      else log.error({ problem }, 'a newer policy was rejected; the last good one remains in force')
    },
  }
}

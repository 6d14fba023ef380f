import { loadPolicyOf } from '../policy/load.ts'
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
  const policy = loadPolicyOf(loaded.config)
  if ('problems' in policy) {
    process.stderr.write(
      `cinderguard does not start with a wrong policy:\n  ${policy.problems.join('\n  ')}\n`,
    )
    return 2
  }
  const log = createLogger(loaded.config.cinderguard.log_level)
  for (const notice of loaded.notices) log.warn({ where: notice.where }, notice.message)
  try {
    const gateway = await startGateway(loaded.config, policy, log)
    process.on('SIGHUP', gateway.reopen)
    log.info({ signal: await untilSignal() }, 'stopping')
    await gateway.stop()
    return 0
  } catch (error) {
    process.stderr.write(
      `cinderguard cannot start: ${error instanceof Error ? error.message : 'unknown error'}\n`,
    )
    return 1
  }
}

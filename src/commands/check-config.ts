import { readJwsKeys } from '../identity/jws.ts'
import { loadPolicyOf } from '../policy/load.ts'
import { configurationOf, printProblems } from './configuration.ts'

/** `cinderguard check-config`: every problem of configuration and policy at once. Starts nothing, asks nobody. */
export async function checkConfig(argv: readonly string[]): Promise<number> {
  const loaded = configurationOf(argv, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, `${loaded.problems.length} problem(s) in the configuration:`)
    return 2
  }
  if (loaded.notices.length > 0) printProblems(loaded.notices, 'To be noted:')
  const policy = loadPolicyOf(loaded.config)
  const keys = await readJwsKeys(loaded.config.cinderguard.jws_public_keys).then(
    () => [],
    (error: unknown) => [error instanceof Error ? error.message : 'jws_public_keys cannot be read'],
  )
  const problems = ['problems' in policy ? policy.problems : [], keys].flat()
  if (problems.length > 0) {
    process.stderr.write(
      `${problems.length} problem(s) in files that the configuration names:\n  ${problems.join('\n  ')}\n`,
    )
    return 2
  }
  process.stdout.write('The configuration is good.\n')
  return 0
}

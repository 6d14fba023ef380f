import { existsSync } from 'node:fs'
import type { Config } from '../config/options.ts'
import { loadPolicyOf } from '../organisation/layers.ts'
import { startPolicy } from '../organisation/live.ts'
import type { RuleSet } from '../policy/ruleset.ts'
import { readModes } from '../rollout/mode.ts'
import { configurationOf, printProblems } from './configuration.ts'
import { problemsOfFiles } from './named-files.ts'

/** `cinderguard check-config`: the problems of the configuration or, where it can be read, of the files it names and of
 * the policy. Starts nothing, contacts nobody. */
export async function checkConfig(argv: readonly string[]): Promise<number> {
  const loaded = configurationOf(argv, process.env)
  if ('problems' in loaded) {
    printProblems(loaded.problems, `${loaded.problems.length} problem(s) in the configuration:`)
    return 2
  }
  if (loaded.notices.length > 0) printProblems(loaded.notices, 'Warnings:')
  const policy = await policyAtHand(loaded.config)
  const files = await problemsOfFiles(loaded.config)
  const { mode, mode_overrides } = loaded.config.cinderguard
  const modes =
    'problems' in policy ? null : readModes(mode, mode_overrides, (name) => policy.current().has(name))
  const problems = [
    'problems' in policy ? policy.problems : [],
    files,
    modes !== null && 'problems' in modes
      ? modes.problems.map((problem) => `mode_overrides: ${problem}`)
      : [],
  ].flat()
  if (problems.length > 0) {
    process.stderr.write(
      `${problems.length} problem(s) in what the configuration names:\n  ${problems.join('\n  ')}\n`,
    )
    return 2
  }
  process.stdout.write('The configuration is valid.\n')
  return 0
}

/** The bundle, too, if one was kept here: nobody is asked for it. */
async function policyAtHand(
  config: Config,
): Promise<{ current(): RuleSet } | { readonly problems: readonly string[] }> {
  const { bundle_url, bundle_cache } = config.policy
  if (bundle_url === undefined || !existsSync(bundle_cache)) return loadPolicyOf(config)
  const policy = await startPolicy(
    config,
    {
      loaded: (_identity, notices) => {
        if (notices.length > 0) process.stderr.write(`Warnings:\n  ${notices.join('\n  ')}\n`)
      },
      refused: () => undefined,
    },
    'follows',
  )
  if (!('problems' in policy)) policy.stop()
  return policy
}

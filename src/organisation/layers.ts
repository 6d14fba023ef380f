import { type Config, OPTIONS } from '../config/options.ts'
import { problemText } from '../policy/references.ts'
import { type BundleRule, compileRules, type Override, type RuleSet } from '../policy/ruleset.ts'
import { readFiles } from '../policy/source.ts'
import { policyPaths } from './files.ts'
import { identityOf } from './identity.ts'
import type { LivePolicy } from './live.ts'

/** A policy that nobody looks for changes of. */
export type StaticPolicy = Pick<LivePolicy, 'current' | 'identity' | 'problem' | 'history'>

/** A policy made of its layers, to be taken or not. */
export interface Made {
  readonly rules: RuleSet
  /** Rules of the local files, from which it is made. */
  readonly local: ReadonlyMap<string, Override>
  /** Files that those come from. */
  readonly files: readonly string[]
  /** What is wrong with the files as they are now: the local rules are those of before. */
  readonly problem: string | null
}

/**
 * Puts Cinder's defaults, the bundle and the local files as they are now together. Broken files do not keep a bundle
 * out: the local rules of the `last` policy count with it.
 *
 * @param last the policy in force, if any.
 */
export function makePolicy(
  config: Config,
  bundle: ReadonlyMap<string, BundleRule> | undefined,
  last: Made | null = null,
): Made | { readonly problems: readonly string[] } {
  const options = {
    enforceNewDefaults: config.oslo_policy.enforce_new_defaults,
    defaultRule: config.oslo_policy.policy_default_rule,
    ...(bundle === undefined ? {} : { bundle }),
  }
  try {
    const { files, dirs } = policyPaths(config)
    const read = readFiles(files, dirs)
    const fresh = compileRules(read.overrides, options)
    const wrong = [...read.problems, ...('problems' in fresh ? fresh.problems : [])].map(problemText)
    const problems = [...missing(config, files), ...wrong]
    if (problems.length === 0 && !('problems' in fresh))
      return { rules: fresh, local: read.overrides, files: read.files, problem: null }
    if (last === null) return { problems }
    const rules = compileRules(last.local, options)
    return 'problems' in rules ? { problems } : { ...last, rules, problem: problems.join('; ') }
  } catch (error) {
    // Whatever a file does to its readers, the last good policy stays.
    return { problems: [`the policy cannot be read: ${error instanceof Error ? error.message : 'failed'}`] }
  }
}

/** oslo.policy would go on with its defaults, which is right for nobody who named a file. */
function missing({ oslo_policy: { policy_file } }: Config, found: readonly string[]): readonly string[] {
  const isNamed = policy_file !== OPTIONS.oslo_policy.policy_file.default
  return isNamed && found.length === 0 ? [`[oslo_policy] policy_file: there is no ${policy_file}`] : []
}

/** The policy that the files name, without the organisation's, as it is now; it stays so. */
export function loadPolicyOf(config: Config): StaticPolicy | { readonly problems: readonly string[] } {
  const made = makePolicy(config, undefined)
  if ('problems' in made) return made
  const identity = identityOf(made.rules, null, config.oslo_policy.enforce_new_defaults)
  const takenAt = Date.now()
  return {
    current: () => made.rules,
    identity: () => identity,
    problem: () => null,
    history: () => ({ taken: 1, refused: 0, takenAt }),
  }
}

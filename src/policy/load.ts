import type { PolicySource } from '../checks/policy.ts'
import { findFile } from '../config/load.ts'
import type { Config } from '../config/options.ts'
import { problemText } from './references.ts'
import type { BundleRule, RuleSet } from './ruleset.ts'
import { loadPolicy } from './source.ts'

/** Where the policy files are: `policy_file` and `policy_dirs`, looked for as oslo.config does. */
export function policyPaths(config: Config): {
  readonly files: readonly string[]
  readonly dirs: readonly string[]
} {
  const { policy_file, policy_dirs } = config.oslo_policy
  const find = (path: string): readonly string[] => {
    const found = findFile(path, config.sources)
    return found === undefined ? [] : [found]
  }
  return { files: find(policy_file), dirs: policy_dirs.flatMap(find) }
}

/** The rules that the files hold, over those of the organisation. */
export function loadRules(
  config: Config,
  bundle?: ReadonlyMap<string, BundleRule>,
): { readonly ruleSet: RuleSet } | { readonly problems: readonly string[] } {
  const { files, dirs } = policyPaths(config)
  const loaded = loadPolicy(files, dirs, {
    enforceNewDefaults: config.oslo_policy.enforce_new_defaults,
    defaultRule: config.oslo_policy.policy_default_rule,
    ...(bundle === undefined ? {} : { bundle }),
  })
  return 'problems' in loaded ? { problems: loaded.problems.map(problemText) } : loaded
}

/** The policy that the files name, without the organisation's, as it is now. */
export function loadPolicyOf(
  config: Config,
): (PolicySource & { current(): RuleSet }) | { readonly problems: readonly string[] } {
  const loaded = loadRules(config)
  return 'problems' in loaded ? loaded : { current: () => loaded.ruleSet }
}

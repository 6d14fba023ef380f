import type { PolicySource } from '../checks/policy.ts'
import { findFile } from '../config/load.ts'
import type { Config } from '../config/options.ts'
import { problemText } from './references.ts'
import { loadPolicy } from './source.ts'

/** The policy that the configuration names: `policy_file` and `policy_dirs`, looked for as oslo.config does. */
export function loadPolicyOf(config: Config): PolicySource | { readonly problems: readonly string[] } {
  const { policy_file, policy_dirs, enforce_new_defaults } = config.oslo_policy
  const find = (path: string): readonly string[] => {
    const found = findFile(path, config.sources)
    return found === undefined ? [] : [found]
  }
  const loaded = loadPolicy(find(policy_file), policy_dirs.flatMap(find), {
    enforceNewDefaults: enforce_new_defaults,
  })
  if ('problems' in loaded) return { problems: loaded.problems.map(problemText) }
  return { current: () => loaded.ruleSet }
}

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findFile } from '../config/load.ts'
import type { Config } from '../config/options.ts'
import { stateOf } from '../file-state.ts'

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

/** Changes when a policy file does, comes or goes. What cannot be looked at is a state like any other. */
export function signatureOf(config: Config): string {
  const { files, dirs } = policyPaths(config)
  const listed = dirs.flatMap((dir) => {
    try {
      return readdirSync(dir).map((name) => join(dir, name))
    } catch {
      return []
    }
  })
  return [...files, ...listed].map(stateOf).join('\n')
}

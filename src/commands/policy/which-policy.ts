import type { Config } from '../../config/options.ts'
import { BundleError, claimedBundle, rulesOf } from '../../organisation/bundle.ts'
import { startPolicy } from '../../organisation/live.ts'
import { problemText } from '../../policy/references.ts'
import { compileRules, type RuleSet } from '../../policy/ruleset.ts'
import { readFiles } from '../../policy/source.ts'
import { configurationOf } from '../configuration.ts'
import { formatOf } from '../own-flags.ts'
import { readText } from './read-file.ts'
import { UsageError } from './usage-error.ts'

/** Flags that say which policy a tool speaks of. */
export const POLICY_FLAGS = ['policy-file', 'enforce-new-defaults', 'format'] as const
export type PolicyFlags = Readonly<Partial<Record<(typeof POLICY_FLAGS)[number], string>>>

/** The policy of `--policy-file`, or else of the configuration, with the bundle; nothing is written. */
export async function policyOf(flags: PolicyFlags, rest: readonly string[]): Promise<RuleSet> {
  const file = flags['policy-file']
  if (file !== undefined) {
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is not expected here`)
    return policyIn(file, newDefaults(flags) === 'true')
  }
  return policyInForce(configOf(rest))
}

/** What a gateway with this configuration would decide by now. @throws UsageError */
export async function policyInForce(config: Config): Promise<RuleSet> {
  const note = (text: string): boolean => process.stderr.write(`Warning: ${text}\n`)
  const events = {
    loaded: (_identity: unknown, notices: readonly string[]) => void notices.forEach(note),
    refused: () => undefined,
  }
  const policy = await startPolicy(config, events, 'looks')
  if ('problems' in policy) throw new UsageError(policy.problems.join('\n'))
  policy.stop()
  const problem = policy.problem()
  if (problem !== null) note(problem)
  return policy.current()
}

/** @throws UsageError for another value. */
export function newDefaults(flags: PolicyFlags): 'true' | 'false' | 'after' {
  const value = flags['enforce-new-defaults'] ?? 'false'
  if (value !== 'true' && value !== 'false' && value !== 'after')
    throw new UsageError('--enforce-new-defaults is true or false; for policy diff also after')
  return value
}

/** @throws UsageError for neither text nor json. */
export function isJson(flags: PolicyFlags): boolean {
  const format = formatOf(flags.format)
  if (format === undefined) throw new UsageError('--format is text or json')
  return format === 'json'
}

/** The policy of some files, divided by commas; one that is a signed bundle counts below the others. */
export function policyIn(files: string, enforceNewDefaults = false): RuleSet {
  // A file that is not there means Cinder's defaults to a gateway; here it is a slip of the pen.
  const texts = files.split(',').map((path) => ({ path, text: readText(path) }))
  const isBundle = ({ text }: { readonly text: string }): boolean =>
    /^\s*eyJ[\w-]+\.[\w-]+\.[\w-]+\s*$/.test(text)
  const [bundle, ...more] = texts.filter(isBundle)
  if (more.length > 0) throw new UsageError('one bundle at a time')
  const read = readFiles(
    texts.filter((each) => !isBundle(each)).map(({ path }) => path),
    [],
  )
  const rules = compileRules(read.overrides, {
    enforceNewDefaults,
    ...(bundle === undefined ? {} : { bundle: rulesOf(bundleIn(bundle)) }),
  })
  const problems = [...read.problems, ...('problems' in rules ? rules.problems : [])]
  if ('problems' in rules || problems.length > 0) throw new UsageError(problems.map(problemText).join('\n'))
  return rules
}

function bundleIn({ path, text }: { readonly path: string; readonly text: string }) {
  try {
    const bundle = claimedBundle(text)
    process.stderr.write(
      `Warning: ${path} is version ${bundle.version}; its signature is not verified here\n`,
    )
    return bundle
  } catch (error) {
    if (error instanceof BundleError) throw new UsageError(`${path}: ${error.message}`)
    throw error
  }
}

/** @throws UsageError with every problem of the configuration. */
export function configOf(rest: readonly string[]): Config {
  const loaded = configurationOf(rest, process.env)
  if ('config' in loaded) return loaded.config
  const lines = loaded.problems.map(({ where, message }) => `${where}: ${message}`)
  throw new UsageError(['the configuration is invalid (or name a --policy-file):', ...lines].join('\n  '))
}

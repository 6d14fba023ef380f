import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/options.ts'
import { readJwsKeys } from '../identity/jws.ts'
import { loadRules, policyPaths } from '../policy/load.ts'
import type { BundleRule, RuleSet } from '../policy/ruleset.ts'
import { rulesOf } from './bundle.ts'
import { BundleKeeper } from './keeper.ts'

/** Which policy is in force, so that gateways can be compared. */
export interface PolicyIdentity {
  /** Version of the organisation's bundle; null without one. */
  readonly version: number | null
  /** SHA-256 of all rules that somebody wrote, with their layers, in hexadecimal. */
  readonly digest: string
}

export interface LivePolicy {
  current(): RuleSet
  identity(): PolicyIdentity
  /** What keeps a newer policy out, or null. */
  problem(): string | null
  /** How many were taken so far and how many were not, and when the one in force was (milliseconds). */
  history(): { readonly taken: number; readonly refused: number; readonly takenAt: number }
  /** Looks at the files and asks for the bundle now. */
  refresh(): Promise<void>
  stop(): void
}

/** What happens to the policy; for logs and metrics. */
export interface PolicyEvents {
  readonly loaded: (identity: PolicyIdentity) => void
  /** A newer policy is not taken; null when all is well again. */
  readonly refused: (problem: string | null) => void
}

/**
 * The policy in force: Cinder's defaults, the organisation's bundle, local files. Files are looked at and the bundle
 * is asked for again and again; what is broken is not taken, and the last good policy stays.
 *
 * @returns the problems when there is no good policy to begin with: without the organisation's there is none.
 */
export async function startPolicy(
  config: Config,
  events: PolicyEvents,
): Promise<LivePolicy | { readonly problems: readonly string[] }> {
  const { bundle_url, bundle_public_keys, bundle_cache, reload_interval, bundle_interval } = config.policy
  let rules: RuleSet | null = null
  let bundleRules: ReadonlyMap<string, BundleRule> | undefined
  let keeper: BundleKeeper | null = null
  let seen = ''
  const problems = { files: null as string | null, bundle: null as string | null }
  const history = { taken: 0, refused: 0, takenAt: 0 }

  const compile = (bundle: ReadonlyMap<string, BundleRule> | undefined): readonly string[] => {
    const loaded = loadRules(config, bundle)
    if ('problems' in loaded) return loaded.problems
    rules = loaded.ruleSet
    bundleRules = bundle
    return []
  }
  if (bundle_url !== undefined) {
    if (bundle_public_keys.length === 0) return { problems: ['[policy] bundle_url needs bundle_public_keys'] }
    keeper = new BundleKeeper({
      url: bundle_url,
      keys: await readJwsKeys(bundle_public_keys),
      cache: bundle_cache,
      now: Date.now,
      tries: (bundle) => compile(rulesOf(bundle)).join('; ') || null,
    })
    const kept = await keeper.restore()
    const fetched = await keeper.refresh()
    if (keeper.current === null) {
      const why = typeof fetched === 'object' ? fetched.problem : 'there is none'
      return { problems: [`the organisation's policy: ${why}`, ...(kept === null ? [] : [kept])] }
    }
    problems.bundle = typeof fetched === 'object' ? fetched.problem : null
  } else {
    const wrong = compile(undefined)
    if (wrong.length > 0) return { problems: wrong }
  }
  seen = signatureOf(config)

  const inForce = (): RuleSet => {
    if (rules === null) throw new Error('there is no policy')
    return rules
  }
  let identity: PolicyIdentity
  const announce = (): void => {
    identity = { version: keeper?.current?.version ?? null, digest: digestOf(inForce()) }
    history.taken += 1
    history.takenAt = Date.now()
    events.loaded(identity)
  }
  const problem = (): string | null => {
    const expired = keeper?.isExpired === true ? `bundle ${keeper.current?.version} has expired` : null
    return [problems.files, problems.bundle, expired].filter((each) => each !== null).join('; ') || null
  }
  const lookAtFiles = (): void => {
    const now = signatureOf(config)
    if (now === seen) return
    seen = now
    const wrong = compile(bundleRules)
    problems.files = wrong.length === 0 ? null : wrong.join('; ')
    if (wrong.length === 0) announce()
    else history.refused += 1
    events.refused(problem())
  }
  const askForBundle = async (): Promise<void> => {
    const result = await keeper?.refresh()
    problems.bundle = typeof result === 'object' ? result.problem : null
    if (problems.bundle !== null) history.refused += 1
    if (result === 'changed') announce()
    events.refused(problem())
  }
  announce()
  events.refused(problem())
  const timers = [
    setInterval(lookAtFiles, reload_interval * 1000),
    ...(keeper === null ? [] : [setInterval(() => void askForBundle(), bundle_interval * 1000)]),
  ]
  for (const timer of timers) timer.unref()
  return {
    current: inForce,
    identity: () => identity,
    problem,
    history: () => ({ ...history }),
    async refresh() {
      lookAtFiles()
      if (keeper !== null) await askForBundle()
    },
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

/** Changes when a policy file does, comes or goes. */
function signatureOf(config: Config): string {
  const { files, dirs } = policyPaths(config)
  const listed = dirs.flatMap((dir) => {
    try {
      return readdirSync(dir).map((name) => join(dir, name))
    } catch {
      return []
    }
  })
  return [...files, ...listed]
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false })
      return `${path} ${stat?.mtimeMs ?? 'none'} ${stat?.size} ${stat?.ino}`
    })
    .join('\n')
}

function digestOf(rules: RuleSet): string {
  const written = rules.names().flatMap((name) => {
    const source = rules.source(name)
    if (source === undefined || source.from === 'default') return []
    return [[name, source.layer, source.check, source.and ?? null]]
  })
  return createHash('sha256').update(JSON.stringify(written)).digest('hex')
}

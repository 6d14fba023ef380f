import type { Config } from '../config/options.ts'
import { stateOf } from '../file-state.ts'
import { readJwsKeys } from '../identity/jws.ts'
import { noticesOf } from '../policy/notices.ts'
import type { BundleRule, RuleSet } from '../policy/ruleset.ts'
import { rulesOf } from './bundle.ts'
import { signatureOf } from './files.ts'
import { identityOf, type PolicyIdentity } from './identity.ts'
import { BundleKeeper, type Refreshed } from './keeper.ts'
import { type Made, makePolicy } from './layers.ts'

export interface LivePolicy {
  current(): RuleSet
  identity(): PolicyIdentity
  /** What keeps a newer policy out, or null. */
  problem(): string | null
  /** Has the listener called whenever another policy is in force. */
  onChange(listener: () => void): void
  /** How many were taken so far and how many were not, and when the one in force was (milliseconds). */
  history(): { readonly taken: number; readonly refused: number; readonly takenAt: number }
  /** Looks at the files and asks for the bundle now. */
  refresh(): Promise<void>
  stop(): void
}

/** What happens to the policy; for logs and metrics. */
export interface PolicyEvents {
  /** @param notices what is in force and may not be what was meant, one line each. */
  readonly loaded: (identity: PolicyIdentity, notices: readonly string[]) => void
  /** A newer policy is not taken; null when all is well again. */
  readonly refused: (problem: string | null) => void
}

/**
 * Which part a process has in the organisation's policy: it fetches and keeps it (a gateway, or the primary of its
 * workers), follows what that one keeps (a worker), or only looks (a tool): then nothing is written.
 */
export type Part = 'keeps' | 'follows' | 'looks'

/**
 * The policy in force: Cinder's defaults, the organisation's bundle, local files. Files are looked at and the bundle
 * is asked for again and again; what is broken is not taken, and the last good policy stays.
 *
 * @returns the problems when there is no good policy to begin with: without the organisation's there is none.
 */
export async function startPolicy(
  config: Config,
  events: PolicyEvents,
  part: Part = 'keeps',
): Promise<LivePolicy | { readonly problems: readonly string[] }> {
  const { bundle_cache, reload_interval, bundle_interval } = config.policy
  const problems = { files: null as string | null, bundle: null as string | null }
  const listeners: (() => void)[] = []
  let made: Made | null = null
  let gone: readonly string[] = []
  let bundleRules: ReadonlyMap<string, BundleRule> | undefined
  // Before the files are read: what changes meanwhile is then seen with the next look.
  let seen = signatureOf(config)
  let kept = ''
  const history = { taken: 0, refused: 0, takenAt: 0 }

  const take = (next: Made, bundle: typeof bundleRules): void => {
    gone = made?.files.filter((file) => !next.files.includes(file)) ?? []
    made = next
    bundleRules = bundle
    problems.files = next.problem
  }
  const tries: ConstructorParameters<typeof BundleKeeper>[0]['tries'] = (bundle) => {
    const rules = rulesOf(bundle)
    const next = makePolicy(config, rules, made)
    return 'problems' in next ? { problem: next.problems.join('; ') } : () => take(next, rules)
  }
  const keeper = await keeperOf(config, part, tries)
  if (keeper !== null && 'problems' in keeper) return keeper
  if (keeper === null) {
    const first = makePolicy(config, undefined)
    if ('problems' in first) return first
    take(first, undefined)
  } else {
    const restored = problemOf(await keeper.restore())
    const fetched = part === 'follows' ? restored : problemOf(await keeper.refresh())
    if (keeper.current === null) {
      const why = [fetched ?? 'there is none', ...(restored === null ? [] : [restored])]
      return { problems: [...new Set(why)].map((each) => `the organisation's policy: ${each}`) }
    }
    problems.bundle = fetched ?? restored
  }

  const inForce = (): Made => {
    if (made === null) throw new Error('there is no policy')
    return made
  }
  let identity: PolicyIdentity
  const announce = (): void => {
    const { rules } = inForce()
    const version = keeper?.current?.version ?? null
    identity = identityOf(rules, version, config.oslo_policy.enforce_new_defaults)
    history.taken += 1
    history.takenAt = Date.now()
    events.loaded(identity, [
      ...noticesOf(rules),
      ...lockNotices(rules, config),
      ...gone.map((file) => `${file} is gone: the rules that it had count no longer`),
    ])
    for (const listener of listeners) listener()
  }
  const problem = (): string | null => {
    const expired = keeper?.isExpired === true ? `bundle ${keeper.current?.version} has expired` : null
    return [problems.files, problems.bundle, expired].filter((each) => each !== null).join('; ') || null
  }
  const lookAtFiles = (): void => {
    const now = signatureOf(config)
    if (now === seen) return
    seen = now
    const next = makePolicy(config, bundleRules, made)
    problems.files = 'problems' in next ? next.problems.join('; ') : next.problem
    if ('problems' in next || next.problem !== null) history.refused += 1
    else {
      take(next, bundleRules)
      announce()
    }
    events.refused(problem())
  }
  const hear = (result: Refreshed): void => {
    problems.bundle = problemOf(result)
    if (problems.bundle !== null) history.refused += 1
    if (result === 'changed') announce()
    events.refused(problem())
  }
  const lookAtBundle = async (bundles: BundleKeeper): Promise<void> => {
    if (part !== 'follows') return hear(await bundles.refresh())
    const now = stateOf(bundle_cache)
    if (now === kept) return
    kept = now
    hear(await bundles.restore())
  }
  announce()
  events.refused(problem())
  const interval = part === 'follows' ? reload_interval : bundle_interval
  const timers = [
    setInterval(lookAtFiles, reload_interval * 1000),
    ...(keeper === null ? [] : [setInterval(() => void lookAtBundle(keeper), interval * 1000)]),
  ]
  for (const timer of timers) timer.unref()
  return {
    current: () => inForce().rules,
    identity: () => identity,
    problem,
    onChange: (listener) => void listeners.push(listener),
    history: () => ({ ...history }),
    async refresh() {
      lookAtFiles()
      if (keeper !== null) await lookAtBundle(keeper)
    },
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

async function keeperOf(
  { policy }: Config,
  part: Part,
  tries: ConstructorParameters<typeof BundleKeeper>[0]['tries'],
): Promise<BundleKeeper | null | { readonly problems: readonly string[] }> {
  const { bundle_url, bundle_public_keys, bundle_cache } = policy
  if (bundle_url === undefined) return null
  if (bundle_public_keys.length === 0) return { problems: ['[policy] bundle_url needs bundle_public_keys'] }
  try {
    const keys = await readJwsKeys(bundle_public_keys)
    const options = { url: new URL(bundle_url), keys, cache: bundle_cache, now: Date.now, tries }
    return new BundleKeeper({ ...options, keeps: part === 'keeps' })
  } catch (error) {
    return {
      problems: [`[policy] bundle_public_keys: ${error instanceof Error ? error.message : 'unreadable'}`],
    }
  }
}

const problemOf = (result: Refreshed): string | null => (typeof result === 'object' ? result.problem : null)

/** What the configuration says against what the organisation locks; the lock holds. */
function lockNotices(rules: RuleSet, { cinderguard }: Config): readonly string[] {
  const isLocked = (name: string): boolean => rules.source(name)?.locked === true
  const undone = cinderguard.mode_overrides.filter((item) => {
    const [name = '', mode] = item.split('=').map((part) => part.trim())
    return mode === 'observe' && isLocked(name)
  })
  return [
    ...undone.map((item) => `mode_overrides: ${item} has no effect, the organisation locks that rule`),
    ...(cinderguard.mode === 'observe' && rules.names().some(isLocked)
      ? ['mode = observe: what the organisation locks is only observed, like everything']
      : []),
  ]
}

import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Option } from '../config/option.ts'
import { type Config, OPTIONS } from '../config/options.ts'
import { describeProblem } from '../config/problem.ts'
import { Secret } from '../config/secret.ts'
import { configurationOf } from './configuration.ts'

/**
 * Re-reads the configuration, as SIGHUP asks for. What takes effect without a restart is adopted; of all else the log
 * says what changed and was not. With an invalid configuration everything remains as it is.
 *
 * @param argv the command line that the gateway was started with
 * @param inForce the configuration as it is in force
 * @param take goes on with a new one. @throws when it cannot be used
 * @param log null: another process of the same gateway tells
 * @returns the configuration that is in force then
 */
export function reload(
  argv: readonly string[],
  inForce: Config,
  take: (config: Config) => void,
  log: Pick<Logger, 'info' | 'warn' | 'error'> | null,
): Config {
  const loaded = configurationOf(argv, process.env)
  if ('problems' in loaded) {
    log?.error({ problems: loaded.problems.map(describeProblem) }, REFUSED)
    return inForce
  }
  const { live, dead } = changes(inForce, loaded.config)
  const fresh = withLive(inForce, loaded.config)
  try {
    take(fresh)
  } catch (error) {
    log?.error({ problems: [error instanceof Error ? error.message : 'unusable'] }, REFUSED)
    return inForce
  }
  if (dead.length > 0) log?.warn({ options: dead }, 'changed options that take effect only after a restart')
  const { mode } = fresh.cinderguard
  log?.info({ changed: live, mode }, 'the configuration was re-read')
  return fresh
}

const REFUSED = 'the configuration is invalid and was rejected; the old one remains in force'

/** Names of the options that differ, as `[section] name`. */
function changes(before: Config, after: Config): { live: readonly string[]; dead: readonly string[] } {
  const live: string[] = []
  const dead: string[] = []
  for (const [section, name, option] of rows()) {
    if (isSame(valueIn(before, section, name), valueIn(after, section, name))) continue
    const list = option.live === true ? live : dead
    list.push(`[${section}] ${name}`)
  }
  return { live, dead }
}

function withLive(before: Config, after: Config): Config {
  const names = rows().filter(([section, , { live }]) => section === 'cinderguard' && live === true)
  const taken = names.map(([section, name]) => [name, valueIn(after, section, name)])
  // Each value stands under the name that it was read by.
  return { ...before, cinderguard: { ...before.cinderguard, ...Object.fromEntries(taken) } }
}

function rows(): readonly (readonly [section: string, name: string, option: Option])[] {
  return Object.entries(OPTIONS).flatMap(([section, options]) =>
    Object.entries<Option>(options).map(([name, option]) => [section, name, option] as const),
  )
}

function valueIn(config: Config, section: string, name: string): unknown {
  return (config as unknown as Record<string, Record<string, unknown>>)[section]?.[name]
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Secret && b instanceof Secret) return a.reveal() === b.reveal()
  return isDeepStrictEqual(a, b)
}

import type { PolicySource } from './checks/policy.ts'
import type { Config } from './config/options.ts'
import { type Mode, type Modes, readModes } from './rollout/mode.ts'

/** What of the configuration counts without a restart, in the form in which requests need it. */
export interface Settings {
  readonly modes: Modes
  /** Ids of users whose calls count as a service's without a service token. */
  readonly trustedServiceUsers: ReadonlySet<string>
}

/** The settings in force, which may change while the gateway runs. */
export class LiveSettings {
  readonly #policy: PolicySource
  readonly #listeners: ((mode: Mode) => void)[] = []
  #current: Settings

  /** @throws on mode_overrides that name nothing. */
  constructor(config: Config, policy: PolicySource) {
    this.#policy = policy
    this.#current = this.#read(config)
  }

  current(): Settings {
    return this.#current
  }

  /** What was judged before stays as it was. @throws on mode_overrides that name nothing; the old ones stay then. */
  take(config: Config): void {
    this.#current = this.#read(config)
    for (const listener of this.#listeners) listener(this.#current.modes.overall)
  }

  /** Tells the mode of all now, and whenever it is taken anew. */
  onMode(listener: (mode: Mode) => void): void {
    this.#listeners.push(listener)
    listener(this.#current.modes.overall)
  }

  #read(config: Config): Settings {
    const { mode, mode_overrides, trusted_service_users } = config.cinderguard
    const modes = readModes(mode, mode_overrides, (name) => this.#policy.current().has(name))
    if ('problems' in modes) throw new Error(`[cinderguard] mode_overrides: ${modes.problems.join('; ')}`)
    return { modes, trustedServiceUsers: new Set(trusted_service_users) }
  }
}

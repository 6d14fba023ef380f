import type { CatalogEntry } from '../clouds/session.ts'
import type { Config } from '../config/options.ts'
import type { Version } from '../operation/version.ts'
import type { ReadinessReport } from '../rollout/report.ts'

/** Could not be learnt, and why, in words that name no secret. */
export interface Unknown {
  readonly problem: string
}

/** Everything the doctor looked at. What it makes of it is `diagnose`. */
export interface Survey {
  readonly config: Config
  readonly own: Unknown | OwnAccount
  /** Newest microversion of the upstream Cinder. */
  readonly cinder: Unknown | { readonly maximum: Version }
  readonly nova: Unknown | { readonly endpoint: string; readonly maximum: Version }
  /** Seconds by which this machine's clock is ahead of Keystone's; null when Keystone does not say. */
  readonly clockAhead: number | null
  /** Addresses of this machine, loopback aside, on which the upstream's port answers. */
  readonly upstreamSeenAt: readonly string[]
  readonly certificates: readonly Certificate[]
  /** What the running gateway has seen, or a recorded log. */
  readonly traffic: Unknown | ReadinessReport
  /** Policy files that were found. */
  readonly policyFiles: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface OwnAccount {
  readonly userName: string
  readonly roles: readonly string[]
  readonly catalog: readonly CatalogEntry[]
}

export interface Certificate {
  readonly of: string
  readonly host: string
  /** Milliseconds since the epoch. */
  readonly validTo: number
}

export function isUnknown(value: object): value is Unknown {
  return 'problem' in value
}

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
  /** The account in [keystone_authtoken]. */
  readonly own: Unknown | (OwnAccount & { readonly catalog: readonly CatalogEntry[] })
  /** The account in [service_user], where that is another one; null when it is the same. */
  readonly service: Unknown | OwnAccount | null
  /** Whose token, not its own, the account had checked by Keystone; null when there was none to try. */
  readonly validated: Unknown | { readonly userName: string } | null
  /** Newest microversion of the upstream Cinder. */
  readonly cinder: Unknown | { readonly maximum: Version }
  readonly nova: Unknown | { readonly endpoint: string; readonly maximum: Version }
  /** Seconds by which this machine's clock is ahead of Keystone's; null when Keystone does not say. */
  readonly clockAhead: number | null
  readonly reach: UpstreamReach
  /** What became of requests that were sent to the catalogue's endpoints; empty when no gateway could be asked. */
  readonly proofs: readonly EndpointProof[]
  readonly certificates: readonly Certificate[]
  /** What the running gateway has seen, or a recorded log. */
  readonly traffic: Unknown | ReadinessReport
  /** Policy files that were found. */
  readonly policyFiles: readonly string[]
  /** A policy.json that is not read, where policy_file is looked for and not found. */
  readonly policyJson: string | null
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface OwnAccount {
  readonly userId: string
  readonly userName: string
  readonly projectId: string | null
  readonly roles: readonly string[]
}

/** Who else can reach the upstream. */
export type UpstreamReach =
  /** A unix socket; whether every user of this machine may connect to it. */
  | { readonly kind: 'socket'; readonly path: string; readonly isOpen: boolean }
  /** A loopback address, and this machine's other addresses on which the same port answers. */
  | { readonly kind: 'loopback'; readonly openAt: readonly string[] }
  /** Another address: who reaches it cannot be seen from here. */
  | {
      readonly kind: 'network'
      /** Over TLS: whether somebody without a client certificate is answered; null when that is not asked. */
      readonly answersAnybody: boolean | null
    }

/** Whether this gateway, or another that was asked, saw a request that was sent to an endpoint. */
export interface EndpointProof {
  readonly interface: string
  readonly url: string
  readonly result: 'seen' | 'not-seen' | Unknown
}

export interface Certificate {
  readonly of: string
  /** Host or file. */
  readonly where: string
  /** Milliseconds since the epoch. */
  readonly validTo: number | Unknown
}

export function isUnknown(value: object): value is Unknown {
  return 'problem' in value
}

/** What Cinder would execute for a request. Five kinds are guarded; all others are `other`. */
interface Common {
  /** Project id in the URL, as typed, or null in the project-less form (Cinder 20.0.0 and later). */
  readonly projectInUrl: string | null
  /** Effective microversion, such as `3.27`. */
  readonly version: string
  /** Policy rules that the gateway enforces besides those of the guarded operations, in Cinder's order. */
  readonly rules?: readonly ApiRule[]
  /** The request itself, for policy checks that look at it. */
  readonly asked?: AskedBy
}

/** What of a request policy checks may look at. */
export interface AskedBy {
  /** The client's address, resolved through trusted_proxies; empty on a unix socket. */
  readonly address: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The body's value at a path of keys; undefined where there is none. */
  readonly bodyAt: (path: readonly string[]) => unknown
}

/** What a policy rule is judged against. */
export type RuleTarget =
  /** The caller's own project and user. */
  | { readonly kind: 'context' }
  | { readonly kind: 'project'; readonly projectId: string }
  | { readonly kind: 'volume'; readonly volumeId: string }
  /** The volume that a transfer offers. */
  | { readonly kind: 'transfer'; readonly transferId: string }
  | { readonly kind: 'attachment'; readonly attachmentId: string }
  | { readonly kind: 'object'; readonly collection: ObjectCollection; readonly id: string }
export type ObjectCollection =
  | 'snapshots'
  | 'backups'
  | 'groups'
  | 'group_snapshots'
  | 'messages'
  | 'types'
  | 'volume-transfers'

export interface ApiRule {
  readonly name: string
  readonly target: RuleTarget
  /** The rule counts only for a target like this, or only for one that is not. */
  readonly onlyWhile?: Readonly<Record<string, unknown>>
  readonly exceptWhile?: Readonly<Record<string, unknown>>
  /** A refusal says so, and does not hide the volume. */
  readonly openly?: true
}

export interface VolumeDetach extends Common {
  readonly kind: 'volume-detach'
  /** As the client typed it; compare only ids out of Cinder's answers. */
  readonly volumeId: string
  readonly attachmentId: string | null
  /** `{"os-detach": null}`: Cinder answers 500 once it has found the volume. */
  readonly nullBody: boolean
}
export interface VolumeForceDetach extends Common {
  readonly kind: 'volume-force-detach'
  readonly volumeId: string
  readonly attachmentId: string | null
}
export interface VolumeTerminateConnection extends Common {
  readonly kind: 'volume-terminate-connection'
  readonly volumeId: string
}
export interface VolumeMigrateCompletion extends Common {
  readonly kind: 'volume-migrate-completion'
  readonly volumeId: string
  readonly newVolumeId: string
  /** Python truth of the `error` field: the string "false" is true. */
  readonly error: boolean
}
export interface AttachmentDelete extends Common {
  readonly kind: 'attachment-delete'
  readonly attachmentId: string
}
/** `os-reset_status` to `detached`: not guarded by any Cinder; see `guard_reset_status`. */
export interface VolumeResetStatus extends Common {
  readonly kind: 'volume-reset-status'
  readonly volumeId: string
}
export interface AttachmentUpdate extends Common {
  readonly kind: 'attachment-update'
  readonly attachmentId: string
}
export interface AttachmentCreate extends Common {
  readonly kind: 'attachment-create'
  readonly volumeId: string
}
export interface Other extends Common {
  readonly kind: 'other'
}

export type GuardedOperation =
  | VolumeDetach
  | VolumeForceDetach
  | VolumeTerminateConnection
  | VolumeMigrateCompletion
  | AttachmentDelete
/** Not guarded by a fixed Cinder, but able to change what a check rests on. */
export type WatchedOperation = VolumeResetStatus | AttachmentUpdate | AttachmentCreate
/** One for which the gateway enforces a rule. */
export type RuledOther = Other & { readonly rules: readonly [ApiRule, ...ApiRule[]] }
/** What checks decide on. */
export type JudgedOperation = GuardedOperation | WatchedOperation | RuledOther
/** What Cinder would do with a request. */
export type Operation = GuardedOperation | WatchedOperation | Other
export type OperationKind = Operation['kind']

const EACH_KIND: Readonly<Record<OperationKind, true>> = {
  'volume-detach': true,
  'volume-force-detach': true,
  'volume-terminate-connection': true,
  'volume-migrate-completion': true,
  'attachment-delete': true,
  'volume-reset-status': true,
  'attachment-update': true,
  'attachment-create': true,
  other: true,
}
/** Every kind by its name, as operators write it. */
export const OPERATION_KINDS: readonly string[] = Object.keys(EACH_KIND)

export const GUARDED_KINDS = [
  'volume-detach',
  'volume-force-detach',
  'volume-terminate-connection',
  'volume-migrate-completion',
  'attachment-delete',
] as const satisfies readonly GuardedOperation['kind'][]

const GUARDED: ReadonlySet<OperationKind> = new Set(GUARDED_KINDS)

export function isGuarded(operation: Operation): operation is GuardedOperation {
  return GUARDED.has(operation.kind)
}

export function isJudged(operation: Operation): operation is JudgedOperation {
  return operation.kind !== 'other' || (operation.rules?.length ?? 0) > 0
}

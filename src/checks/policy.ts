import { type Rejection, reject } from '../http/rejection.ts'
import { type GuardedOperation, isGuarded, type Operation, type RuleTarget } from '../operation/operation.ts'
import type { Asker } from '../policy/attributes.ts'
import type { Rule } from '../policy/grammar.ts'
import { credentialsFor } from './caller.ts'
import {
  ALLOW,
  type Answer,
  type Ask,
  allowedBy,
  ask,
  type Check,
  type Known,
  type Question,
} from './check.ts'
import { askerOf, isAsk, seenAttachment, unknownTarget, volumeTarget } from './target.ts'

type Values = Readonly<Record<string, unknown>>

/** oslo.policy, as far as a check needs it. */
export interface PolicyRules {
  /** No file and no bundle has a rule. */
  readonly isDefault: boolean
  has(rule: string): boolean
  /** Somebody wrote the rule, or another that it refers to. */
  isWritten(rule: string): boolean
  /** Attributes of the target that a rule may read. */
  reads(rule: string): ReadonlySet<string>
  /** It allows, whatever the target's UNKNOWN attributes are. */
  allowsAnyway(rule: string, credentials: Values, target: Values): boolean
  /** Where a rule comes from, and whether the organisation locks it; for whoever shows it. */
  source(rule: string): PolicyRuleSource | undefined
  /** The rule as it is judged, for explanations. */
  rule(name: string): Rule | undefined
  allows(rule: string, credentials: Values, target: Values): boolean
  /** Like `allows`, but names the URL of a remote check that must be asked first. */
  decide(
    rule: string,
    credentials: Values,
    target: Values,
    remote: (url: string) => boolean | undefined,
  ): boolean | { readonly ask: string }
}

export interface PolicyRuleSource {
  readonly from: string
  readonly layer: string
  readonly check: unknown
  readonly locked?: true | undefined
}

/** For the record and for locks: the answer does not name it. */
export function withRule(refusal: Rejection, rule: string): Rejection {
  return { ...refusal, detail: { ...refusal.detail, rule } }
}

/** Judges one rule; where another server must be asked, its answer is a fact like any other. */
export function judged(
  policy: PolicyRules,
  rule: string,
  credentials: Values,
  target: Values,
  known: Known,
): boolean | Ask {
  const question = (url: string) => ({ fact: 'remote', url, rule, credentials, target }) as const
  const verdict = policy.decide(rule, credentials, target, (url) => known.get(question(url)))
  return typeof verdict === 'boolean' ? verdict : ask(question(verdict.ask))
}

/** A rule allows whatever its target is: then that need not be fetched. What it refuses may not be there, which counts first. */
export function allowsAnyway(
  policy: PolicyRules,
  rule: string,
  credentials: Values,
  target: RuleTarget,
  asker: Asker,
): boolean {
  const unknown = unknownTarget(target, policy.reads(rule), asker)
  return unknown !== null && policy.allowsAnyway(rule, credentials, unknown)
}

/** The rules in force now; a reload swaps them whole. */
export interface PolicySource {
  current(): PolicyRules
  /** Which policy it is, so that gateways can be compared. */
  identity(): { readonly version: number | null; readonly digest: string }
  /** What keeps a newer policy out, or null. */
  problem(): string | null
  /** How many were taken so far and how many were not, and when the one in force was (milliseconds). */
  history(): { readonly taken: number; readonly refused: number; readonly takenAt: number }
}

type Phase = 'before' | 'between' | 'after'
/** A rule, and what it is asked of: the volume, the attachment, or the volume that a migration leads to. */
type Step = string | { readonly rule: string; readonly of: 'new' }
const VOLUME_GET = 'volume:get'
const ACTIONS = 'volume_extension:volume_actions'
const ADMIN_ACTIONS = 'volume_extension:volume_admin_actions'

/**
 * The rules that Cinder evaluates on the guarded paths, in its order: `before` the safety check, `between` its two
 * (os-force_detach) or before each attachment's (migration), and `after` it.
 */
const RULES: Readonly<Record<GuardedOperation['kind'], Readonly<Partial<Record<Phase, readonly Step[]>>>>> = {
  'volume-detach': { before: [VOLUME_GET, `${ACTIONS}:detach`] },
  'volume-terminate-connection': { before: [VOLUME_GET, `${ACTIONS}:terminate_connection`] },
  'volume-force-detach': {
    before: [VOLUME_GET, `${ADMIN_ACTIONS}:force_detach`, `${ACTIONS}:terminate_connection`],
    between: [`${ACTIONS}:unreserve`, `${ACTIONS}:detach`],
  },
  'volume-migrate-completion': {
    before: [VOLUME_GET, `${ADMIN_ACTIONS}:migrate_volume_completion`, { rule: VOLUME_GET, of: 'new' }],
    between: [`${ACTIONS}:detach`],
    after: [{ rule: `${ACTIONS}:attach`, of: 'new' }],
  },
  'attachment-delete': { before: ['volume:attachment_delete'] },
}
/** The rules that may have a say about an operation. */
export function rulesAskedOf(operation: Operation): readonly string[] {
  const own = (operation.rules ?? []).map(({ name }) => name)
  if (!isGuarded(operation)) return own
  return [...own, ...Object.values(RULES[operation.kind]).flatMap((steps) => steps.map(nameOf))]
}

const NAMES = { before: 'policy', between: 'policy-between', after: 'policy-after' } as const

/**
 * "oslo.policy allows it": 403 with the rule's name, or 404 where `volume:get` refuses, as Cinder answers.
 *
 * @param leaveServices a service's calls are left to the upstream's own policy: the safety check, before which these
 *   rules must stand, spares services, and nobody wrote a rule that the upstream does not have.
 */
export function policyCheck(phase: Phase, policy: PolicyRules, leaveServices = false): Check {
  return {
    name: NAMES[phase],
    decide(operation, identity, known) {
      if (!isGuarded(operation) || (leaveServices && identity.isService)) return ALLOW
      const steps = RULES[operation.kind][phase] ?? []
      if (steps.length === 0) return ALLOW
      const credentials = credentialsFor(operation, identity, policy)
      const judge = { policy, credentials, asker: askerOf(identity, credentials.is_admin === true), known }
      const answer =
        operation.kind === 'attachment-delete'
          ? onAttachment(operation, steps, judge)
          : phase !== 'before' && operation.kind === 'volume-migrate-completion'
            ? onMigrated(operation, steps, judge)
            : onVolumes(operation, steps, judge)
      if (answer.verdict !== 'ask' || !allowsAll(operation, steps, judge)) return answer
      return allowedBy(steps.map(nameOf))
    },
  }
}

/** All that a rule is judged with, but its target. */
interface Judge {
  readonly policy: PolicyRules
  readonly credentials: Values
  readonly asker: Asker
  readonly known: Known
}
type VolumeOperation = Exclude<GuardedOperation, { kind: 'attachment-delete' }>
type Migration = Extract<GuardedOperation, { kind: 'volume-migrate-completion' }>

const nameOf = (step: Step): string => (typeof step === 'string' ? step : step.rule)

function allowsAll(
  operation: GuardedOperation,
  steps: readonly Step[],
  { policy, credentials, asker }: Judge,
): boolean {
  // Cinder stumbles over null only where there is a volume.
  if (operation.kind === 'volume-detach' && operation.nullBody) return false
  const target =
    operation.kind === 'attachment-delete'
      ? ({ kind: 'attachment', attachmentId: operation.attachmentId } as const)
      : ({ kind: 'volume', volumeId: operation.volumeId } as const)
  return steps.every((step) => allowsAnyway(policy, nameOf(step), credentials, target, asker))
}

function onVolumes(operation: VolumeOperation, steps: readonly Step[], judge: Judge): Answer {
  const { policy, credentials, asker, known } = judge
  const idOf = (step: Step): string =>
    typeof step !== 'string' && operation.kind === 'volume-migrate-completion'
      ? operation.newVolumeId
      : operation.volumeId
  const ids = [...new Set(steps.map(idOf))]
  const missing: Question[] = ids.map((volumeId) => ({ fact: 'volume', volumeId }))
  const [first, ...rest] = missing.filter((question) => known.get(question) === undefined)
  if (first !== undefined) return ask(first, ...rest)
  const targets = new Map<string, Values>()
  for (const step of steps) {
    const volumeId = idOf(step)
    const volume = known.get({ fact: 'volume', volumeId })
    if (volume === 'not-authorized') return reject('not_authorized')
    const notFound = reject('volume_not_found', { volume: volumeId })
    if (volume === undefined || volume === 'absent') return notFound
    const rule = nameOf(step)
    const target = targets.get(volumeId) ?? volumeTarget(volume, asker)
    targets.set(volumeId, target)
    const verdict = judged(policy, rule, credentials, target, known)
    if (typeof verdict !== 'boolean') return verdict
    if (!verdict && rule === VOLUME_GET) return withRule(notFound, rule)
    if (!verdict) return reject('policy', { rule })
    // Cinder stumbles over null once it may see the volume, before its own rule of the action.
    if (operation.kind === 'volume-detach' && operation.nullBody) return reject('null_body')
  }
  return allowedBy(steps.map(nameOf))
}

/** A migration that is not under way moves every attachment by hand, with the rules of detaching and attaching. */
function onMigrated(operation: Migration, steps: readonly Step[], judge: Judge): Answer {
  const { known } = judge
  if (operation.error) return ALLOW
  const source = { fact: 'volume', volumeId: operation.volumeId } as const
  const target = { fact: 'volume', volumeId: operation.newVolumeId } as const
  const [from, to] = [known.get(source), known.get(target)]
  if (from === undefined || to === undefined) return ask(source, target)
  if (typeof from === 'string' || typeof to === 'string') return onVolumes(operation, steps, judge)
  if (from.migrationStatus !== null || to.migrationStatus !== null) return ALLOW
  const list = { fact: 'attachments', volumeId: from.id } as const
  const attachments = known.get(list)
  if (attachments === undefined) return ask(list)
  return attachments.length === 0 ? ALLOW : onVolumes(operation, steps, judge)
}

function onAttachment(
  operation: Extract<GuardedOperation, { kind: 'attachment-delete' }>,
  steps: readonly Step[],
  { policy, credentials, asker, known }: Judge,
): Answer {
  const { attachmentId } = operation
  const question = { fact: 'attachment', attachmentId } as const
  const attachment = known.get(question)
  if (attachment === undefined) return ask(question)
  if (attachment === 'absent') return reject('attachment_not_found', { attachment: attachmentId })
  const target = seenAttachment(attachmentId, attachment, asker, known)
  if (isAsk(target)) return target
  for (const step of steps) {
    const rule = nameOf(step)
    const verdict = judged(policy, rule, credentials, target, known)
    if (typeof verdict !== 'boolean') return verdict
    if (!verdict) return reject('policy', { rule })
  }
  return allowedBy(steps.map(nameOf))
}

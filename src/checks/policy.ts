import { type Rejection, reject } from '../http/rejection.ts'
import { type Identity, projectOf } from '../identity/identity.ts'
import { type GuardedOperation, isGuarded, type Operation } from '../operation/operation.ts'
import { completeCredentials } from '../policy/credentials.ts'
import { REQUEST } from '../policy/evaluate.ts'
import type { Rule } from '../policy/grammar.ts'
import {
  ALLOW,
  type Answer,
  type Ask,
  allowedBy,
  ask,
  type Check,
  type Facts,
  type Known,
  type Question,
  type Volume,
} from './check.ts'

/** oslo.policy, as far as a check needs it. */
export interface PolicyRules {
  /** No file and no bundle has a rule. */
  readonly isDefault?: boolean
  has(rule: string): boolean
  /** Where a rule comes from, and whether the organisation locks it; for whoever shows it. */
  source?(rule: string): PolicyRuleSource | undefined
  /** The rule as it is judged, for explanations. */
  rule?(name: string): Rule | undefined
  allows(rule: string, credentials: Record<string, unknown>, target: Record<string, unknown>): boolean
  /** Like `allows`, but names the URL of a remote check that must be asked first. */
  decide?(
    rule: string,
    credentials: Record<string, unknown>,
    target: Record<string, unknown>,
    remote: (url: string) => boolean | undefined,
  ): boolean | { readonly ask: string }
}

export interface PolicyRuleSource {
  readonly from: string
  readonly layer: string
  readonly check: unknown
  readonly locked?: true | undefined
}

/** Judges one rule; where another server must be asked, its answer is a fact like any other. */
export function judged(
  policy: PolicyRules,
  rule: string,
  credentials: Record<string, unknown>,
  target: Record<string, unknown>,
  known: Known,
): boolean | Ask {
  if (policy.decide === undefined) return policy.allows(rule, credentials, target)
  const question = (url: string) => ({ fact: 'remote', url, rule, credentials, target }) as const
  const verdict = policy.decide(rule, credentials, target, (url) => known.get(question(url)))
  return typeof verdict === 'boolean' ? verdict : ask(question(verdict.ask))
}

/** The rules in force now; a reload swaps them whole. */
export interface PolicySource {
  current(): PolicyRules
  /** Which policy it is, so that gateways can be compared. */
  identity?(): { readonly version: number | null; readonly digest: string }
  /** What keeps a newer policy out, or null. */
  problem?(): string | null
  /** How many were taken so far and how many were not, and when the one in force was (milliseconds). */
  history?(): { readonly taken: number; readonly refused: number; readonly takenAt: number }
}

type Phase = 'before' | 'between'
const VOLUME_GET = 'volume:get'
const ACTIONS = 'volume_extension:volume_actions'
const ADMIN_ACTIONS = 'volume_extension:volume_admin_actions'

/**
 * The rules that Cinder evaluates on the guarded paths, in its order: `before` the safety check, and, for
 * os-force_detach, `between` its two.
 */
const RULES: Readonly<Record<GuardedOperation['kind'], Readonly<Record<Phase, readonly string[]>>>> = {
  'volume-detach': { before: [VOLUME_GET, `${ACTIONS}:detach`], between: [] },
  'volume-terminate-connection': { before: [VOLUME_GET, `${ACTIONS}:terminate_connection`], between: [] },
  'volume-force-detach': {
    before: [VOLUME_GET, `${ADMIN_ACTIONS}:force_detach`, `${ACTIONS}:terminate_connection`],
    between: [`${ACTIONS}:unreserve`, `${ACTIONS}:detach`],
  },
  'volume-migrate-completion': {
    before: [VOLUME_GET, `${ADMIN_ACTIONS}:migrate_volume_completion`],
    between: [],
  },
  'attachment-delete': { before: ['volume:attachment_delete'], between: [] },
}

/**
 * "oslo.policy allows it": 403 with the rule's name, or 404 where `volume:get` refuses, as Cinder answers.
 *
 * @param leaveServices a service's calls are left to the upstream's own policy: the safety check, before which these
 *   rules must stand, spares services, and nobody wrote a rule that the upstream does not have.
 */
export function policyCheck(phase: Phase, policy: PolicyRules, leaveServices = false): Check {
  return {
    name: phase === 'before' ? 'policy' : 'policy-between',
    decide(operation, identity, known) {
      if (!isGuarded(operation) || (leaveServices && identity.isService)) return ALLOW
      const rules = RULES[operation.kind][phase]
      if (rules.length === 0) return ALLOW
      return operation.kind === 'attachment-delete'
        ? onAttachment(operation, rules, identity, known, policy)
        : onVolumes(operation, rules, identity, known, policy)
    },
  }
}

type VolumeOperation = Exclude<GuardedOperation, { kind: 'attachment-delete' }>

function onVolumes(
  operation: VolumeOperation,
  rules: readonly string[],
  identity: Identity,
  known: Known,
  policy: PolicyRules,
): Answer {
  const ids =
    operation.kind === 'volume-migrate-completion'
      ? [operation.volumeId, operation.newVolumeId]
      : [operation.volumeId]
  const missing: Question[] = ids.map((volumeId) => ({ fact: 'volume', volumeId }))
  const [first, ...rest] = missing.filter((question) => known.get(question) === undefined)
  if (first !== undefined) return ask(first, ...rest)
  const credentials = withRequest(credentialsOf(identity, policy), operation, identity)
  for (const volumeId of ids) {
    const volume = known.get({ fact: 'volume', volumeId })
    if (volume === 'not-authorized') return reject('not_authorized')
    const notFound = reject('volume_not_found', { volume: volumeId })
    if (volume === undefined || volume === 'absent') return notFound
    const target = volumeTarget(volume, identity)
    for (const rule of rules) {
      const verdict = judged(policy, rule, credentials, target, known)
      if (typeof verdict !== 'boolean') return verdict
      if (!verdict) return rule === VOLUME_GET ? notFound : reject('policy', { rule })
      // Cinder stumbles over null once it may see the volume, before its own rule of the action.
      if (operation.kind === 'volume-detach' && operation.nullBody) return reject('null_body')
    }
  }
  return allowedBy(rules)
}

/** Its target is the attachment, with the project of its volume; an attachment has no user of its own. */
function onAttachment(
  operation: Extract<GuardedOperation, { kind: 'attachment-delete' }>,
  rules: readonly string[],
  identity: Identity,
  known: Known,
  policy: PolicyRules,
): Answer {
  const { attachmentId } = operation
  const question = { fact: 'attachment', attachmentId } as const
  const attachment = known.get(question)
  if (attachment === undefined) return ask(question)
  if (attachment === 'absent') return reject('attachment_not_found', { attachment: attachmentId })
  const target = attachmentTarget(operation, attachment, identity, known)
  if ('verdict' in target) return target as Ask
  const credentials = withRequest(credentialsOf(identity, policy), operation, identity)
  for (const rule of rules) {
    const verdict = judged(policy, rule, credentials, target, known)
    if (typeof verdict !== 'boolean') return verdict
    if (!verdict) return refuse(rule)
  }
  return allowedBy(rules)
}

/**
 * An attachment as Cinder's rules see it, with the project of its volume and the caller for its user; or what must be
 * known first.
 */
export function attachmentTarget(
  { attachmentId }: { readonly attachmentId: string },
  attachment: Exclude<Facts['attachment']['answer'], 'absent'>,
  identity: Identity,
  known: Known,
): Record<string, unknown> | Ask {
  const own = { user_id: identity.user.userId }
  // A volume that the caller cannot see is another project's: the target then has no project at all.
  if (attachment === 'hidden') return { id: attachmentId, ...own }
  const { id, volumeId } = attachment
  const question = { fact: 'volume', volumeId } as const
  const volume = known.get(question)
  if (volume === undefined) return ask(question)
  const projectId = typeof volume === 'string' ? {} : { project_id: projectIdOf(volume, identity) }
  return { id, volume_id: volumeId, ...own, ...projectId }
}

function refuse(rule: string): Rejection {
  return reject('policy', { rule })
}

/** Cinder's `to_policy_values`, completed. */
export function credentialsOf(identity: Identity, policy: PolicyRules): Record<string, unknown> {
  const { user, service } = identity
  const { scope } = user
  const known = {
    user_id: user.userId,
    user_domain_id: user.userDomainId,
    project_id: projectOf(user),
    project_domain_id: scope.kind === 'project' ? scope.projectDomainId : null,
    domain_id: scope.kind === 'domain' ? scope.domainId : null,
    system_scope: scope.kind === 'system' ? 'all' : null,
    roles: user.roles,
    is_admin_project: user.isAdminProject,
    service_user_id: service?.userId ?? null,
    service_user_domain_id: service?.userDomainId ?? null,
    service_project_id: service === undefined ? null : projectOf(service),
    service_project_domain_id: service?.scope.kind === 'project' ? service.scope.projectDomainId : null,
    service_roles: service?.roles ?? [],
  }
  return completeCredentials(known, policy) as unknown as Record<string, unknown>
}

/** Whether Cinder takes somebody for an admin, who may then see every project's rows. */
export function isAdmin(identity: Identity, policy: PolicyRules): boolean {
  return credentialsOf(identity, policy).is_admin === true
}

/** The credentials with the request itself, for the checks of `src/policy/extensions.ts`. */
export function withRequest(
  credentials: Record<string, unknown>,
  { asked, version }: Operation,
  { service }: Identity,
): Record<string, unknown> {
  if (asked === undefined) return credentials
  return Object.assign(credentials, { [REQUEST]: { ...asked, version, service: service?.userName ?? null } })
}

/** A volume as Cinder's rules see it. */
export function volumeTarget(volume: Volume, identity: Identity): Record<string, unknown> {
  return {
    ...volume.view,
    id: volume.id,
    project_id: projectIdOf(volume, identity),
    user_id: volume.userId ?? undefined,
  }
}

/** Where Cinder hides a volume's project, a caller who is no admin sees volumes of its own project only. */
function projectIdOf(volume: Volume, identity: Identity): string | null {
  return volume.projectId ?? projectOf(identity.user)
}

import type { Facts, Question } from '../../checks/check.ts'
import { policyCheck } from '../../checks/policy.ts'
import { rulesCheck } from '../../checks/rules.ts'
import { FAMILIES } from '../../checks/target.ts'
import { Secret } from '../../config/secret.ts'
import { isRejection } from '../../http/rejection.ts'
import type { Identity, Token } from '../../identity/identity.ts'
import { classify } from '../../operation/classify.ts'
import { isGuarded } from '../../operation/operation.ts'
import { viewFrom } from '../../policy/attributes.ts'
import { bodyOf, withRules } from '../../policy/enforced.ts'
import { PolicyError } from '../../policy/evaluate.ts'
import type { ServiceUser } from '../../policy/extensions.ts'
import type { PolicyCase } from '../../policy/load-cases.ts'
import { rulesFor } from '../../policy/operations.ts'
import { originText } from '../../policy/origin.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { UnknownAttributeError } from '../../policy/template.ts'
import { trace } from '../../policy/trace.ts'
import { credentialsFrom, requestFrom, type Told, toldOf } from './who.ts'

export interface Judged {
  /** `allow`, `refuse`, or why there is no answer. */
  readonly found: string
  /** The rule that refuses, and where it comes from. */
  readonly by: string | null
}

/** What the policy says of a case: of one rule, or of a request as the gateway judges it with `enforce = all`. */
export function judgeCase(each: PolicyCase, rules: RuleSet): Judged {
  const told = toldOf(each.credentials)
  return each.rule === null
    ? ofRequest(each, each.request ?? '', told, rules)
    : ofRule(each, each.rule, told, rules)
}

function ofRule({ target, asked }: PolicyCase, rule: string, told: Told, rules: RuleSet): Judged {
  if (!rules.has(rule)) return { found: 'no such rule', by: null }
  const { project_id, user_id } = told
  const on = Object.keys(target).length === 0 ? { project_id, user_id } : target
  const { result } = trace({ kind: 'rule', name: rule }, rules.rule, credentialsFrom(told, rules, asked), on)
  if (typeof result === 'string') return { found: result, by: null }
  return result ? { found: 'allow', by: null } : refusedBy(rule, rules)
}

const refusedBy = (rule: string, rules: RuleSet): Judged => ({
  found: 'refuse',
  by: `${rule} (${originText(rules.source(rule))})`,
})

/** The newest that the table of operations knows. */
const VERSION = '3.71'

/** Bodies without which Cinder does not come to its policy. */
const BODIES: Readonly<Record<string, object>> = {
  'os-terminate_connection': { connector: {} },
  'os-migrate_volume_completion': { new_volume: 'new', error: false },
}

function ofRequest(each: PolicyCase, request: string, told: Told, rules: RuleSet): Judged {
  const [method = '', path = '', action] = request.split(' ')
  const [bare = '', query = ''] = path.split(/\?(.*)/s)
  const asked = requestFrom(each.asked)
  const plain = action === undefined ? undefined : { [action]: BODIES[action] ?? {} }
  const said = each.asked.body ?? plain
  const body = Buffer.from(said === undefined ? '' : JSON.stringify(said))
  const segments = bare.split('/').slice(1)
  const version = asked.version === '' ? VERSION : asked.version
  const contentType = 'application/json'
  const call = { mount: 'v3', method, segments, query, contentType, body } as const
  if (rulesFor({ method, segments, query, version, action: action ?? null, bodyAt: bodyOf(body) }) === null)
    return { found: 'no such operation', by: null }
  const identity = identityOf(told, asked.service)
  const operation = classify(
    { ...call, apiVersion: `volume ${version}` },
    { tokenProject: told.project_id, maximum: null },
  )
  if (isRejection(operation)) return { found: `not judged: ${operation.reason}`, by: null }
  const ruled = withRules(operation, call, { enforce: 'all', unknown_operations: 'forward' }, rules)
  if (ruled.kind === 'other' && ruled.rules === undefined) return { found: 'allow', by: null }
  const judged = { ...ruled, asked: { address: asked.address, time: asked.time, bodyAt: bodyOf(body) } }
  const checks = isGuarded(ruled)
    ? [policyCheck('before', rules), policyCheck('between', rules), policyCheck('after', rules)]
    : [rulesCheck(rules)]
  const known = { get: (question: Question) => factOf(question, each.target, told) as never }
  try {
    for (const check of checks) {
      const answer = check.decide(judged as Parameters<typeof check.decide>[0], identity, known)
      if (answer.verdict === 'ask') return { found: 'asks', by: null }
      if (isRejection(answer)) return refusedBy(answer.detail.rule ?? 'volume:get', rules)
    }
    return { found: 'allow', by: null }
  } catch (error) {
    if (error instanceof PolicyError || error instanceof UnknownAttributeError)
      return { found: 'error', by: null }
    throw error
  }
}

/** Every object of a case is its target; of other servers nothing is known. */
function factOf(
  question: Question,
  target: PolicyCase['target'],
  told: Told,
): Facts[Question['fact']]['answer'] | undefined {
  const text = (name: string): string | null => (typeof target[name] === 'string' ? target[name] : null)
  const isOwn = Object.keys(target).length === 0
  switch (question.fact) {
    case 'volume':
      return {
        id: question.volumeId,
        projectId: text('project_id'),
        userId: isOwn ? told.user_id : text('user_id'),
        status: text('status') ?? 'available',
        migrationStatus: null,
        view: viewFrom('volume', target),
      }
    case 'attachment':
      return {
        id: question.attachmentId,
        volumeId: text('volume_id') ?? 'volume',
        view: viewFrom('attachment', target),
      }
    case 'object':
      return viewFrom(FAMILIES[question.collection], isOwn ? { user_id: told.user_id } : target)
    default:
      return undefined
  }
}

function identityOf(told: Told, service: ServiceUser | null): Identity {
  const user: Token = {
    userId: told.user_id ?? '',
    userName: told.user_id ?? '',
    userDomainId: told.user_domain_id,
    roles: told.roles,
    scope: scopeOf(told.system_scope, told.project_id, told.project_domain_id, told.domain_id),
    isAdminProject: told.is_admin_project,
    expiresAt: Number.POSITIVE_INFINITY,
    hasAccessRules: false,
  }
  const hasService = service !== null || told.service_user_id !== null || told.service_roles.length > 0
  const through: Token = {
    ...user,
    userId: told.service_user_id ?? service?.id ?? '',
    userName: service?.name ?? '',
    userDomainId: told.service_user_domain_id ?? service?.domain ?? null,
    roles: told.service_roles,
    scope: scopeOf(null, told.service_project_id, told.service_project_domain_id, null),
  }
  // Who is said to come through a service comes through one that counts.
  const isService = service !== null || told.service_roles.includes('service')
  return { user, ...(hasService ? { service: through } : {}), isService, userToken: new Secret('') }
}

function scopeOf(
  system: string | null,
  projectId: string | null,
  projectDomainId: string | null,
  domainId: string | null,
): Token['scope'] {
  if (system !== null && system !== '') return { kind: 'system' }
  if (projectId !== null) return { kind: 'project', projectId, projectDomainId }
  return domainId === null ? { kind: 'unscoped' } : { kind: 'domain', domainId }
}

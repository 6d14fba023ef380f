import { type Identity, projectOf } from '../identity/identity.ts'
import type { Operation } from '../operation/operation.ts'
import { completeCredentials } from '../policy/credentials.ts'
import { REQUEST } from '../policy/evaluate.ts'
import type { PolicyRules } from './policy.ts'

type Credentials = Readonly<Record<string, unknown>>

/** Cinder's `to_policy_values`, completed. */
export function credentialsOf(
  identity: Identity,
  policy: Pick<PolicyRules, 'allows' | 'has'>,
): Record<string, unknown> {
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

interface Made {
  readonly identity: Identity
  readonly policy: PolicyRules
  readonly credentials: Credentials
}
const MADE = new WeakMap<Operation, Made>()

/**
 * The credentials with the request itself, for the checks of `src/policy/extensions.ts`; made once for a decision,
 * however often its checks ask.
 */
export function credentialsFor(operation: Operation, identity: Identity, policy: PolicyRules): Credentials {
  const made = MADE.get(operation)
  if (made !== undefined && made.identity === identity && made.policy === policy) return made.credentials
  const credentials = credentialsOf(identity, policy)
  const { asked, version } = operation
  if (asked !== undefined)
    Object.assign(credentials, { [REQUEST]: { ...asked, version, service: serviceOf(identity) } })
  MADE.set(operation, { identity, policy, credentials })
  return credentials
}

/** Any user can send a token as service token; only one with a service role speaks for a service. */
function serviceOf({ service, isService, isTrustedUser }: Identity) {
  if (service === undefined || !isService || isTrustedUser === true) return null
  return { name: service.userName, id: service.userId, domain: service.userDomainId }
}

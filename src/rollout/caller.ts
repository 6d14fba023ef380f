import { type Reason, type Rejection, reject } from '../http/rejection.ts'
import type { GuardedRequest } from '../http/request.ts'
import { type Identity, withoutRole } from '../identity/identity.ts'

/**
 * Who seems to have sent a request. Cinder cannot tell a user's own call from one of a Nova that forgot its service
 * token: both carry the user's token. `service-without-token` is a guess, and so is whose the bad token is in
 * `service-with-bad-token`; that a service token was good and had no service role (`service-without-role`) is known.
 * For metrics, records and advice only; no decision rests on it.
 */
export type CallerKind =
  | 'service'
  | 'trusted-user'
  | 'service-without-token'
  | 'service-without-role'
  | 'service-with-bad-token'
  | 'user'
  | 'unknown'

/** Addresses that are known to be services' hosts: `[cinderguard] service_hosts`. */
export interface ServiceHosts {
  has(address: string): boolean
}

/** OpenStack services pass on their request's id and call through a Python client; a person's client does not. */
const SERVICE_AGENTS = /^(?:python-cinderclient|nova|cinder|glance|ironic|manila|openstacksdk\b.*\bnova)\b/i

export function callerKindOf(
  request: GuardedRequest | undefined,
  identity: Identity | null | undefined,
  hosts: ServiceHosts,
): CallerKind {
  if (request === undefined || identity === null) return 'unknown'
  if (identity === undefined)
    return request.serviceToken !== undefined && looksLikeService(request, hosts)
      ? 'service-with-bad-token'
      : 'unknown'
  if (identity.isService) return identity.isTrustedUser === true ? 'trusted-user' : 'service'
  const looks = looksLikeService(request, hosts)
  const { user, service } = identity
  if (service === undefined) return looks ? 'service-without-token' : 'user'
  // A person who sends his own token as a service token is no service.
  return looks || service.userId !== user.userId ? 'service-without-role' : 'user'
}

function looksLikeService({ clientAddress, headers }: GuardedRequest, hosts: ServiceHosts): boolean {
  if (hosts.has(clientAddress)) return true
  return headers.has('x-openstack-request-id') && SERVICE_AGENTS.test(headers.get('user-agent') ?? '')
}

/** Refusals because a server uses the volume: a service that proves itself meets none of them. */
const IN_USE: ReadonlySet<Reason> = new Set<Reason>([
  'attachment_in_use',
  'attachment_ambiguous',
  'shared_connector',
  'reset_status_in_use',
  'update_in_use',
])

/**
 * The 409s apart: the answer is the same, the reason is not.
 * @param role one that the service's user should have, of `[keystone_authtoken] service_token_roles`
 */
export function refine(
  rejection: Rejection,
  caller: CallerKind,
  service: Identity['service'],
  role: string,
): Rejection {
  if (!IN_USE.has(rejection.reason)) return rejection
  const server = rejection.detail.server ?? ''
  if (caller === 'service-without-token') return reject('service_token_missing', { server })
  if (caller !== 'service-without-role' || service === undefined) return rejection
  const { reason, detail } = reject('service_role_missing', { server })
  return { ...rejection, reason, detail: { ...detail, ...withoutRole(service, role) } }
}

/** What to do about a refusal, for records and reports; null when there is nothing to advise. */
export function hintFor({ reason, detail }: Rejection, volumeId: string | null): string | null {
  switch (reason) {
    case 'service_token_missing':
      return 'A service seems to have called without its service token: set [service_user] send_service_user_token = true with a user that has a role of service_token_roles, there where the call came from.'
    case 'service_role_missing':
    case 'service_role_required':
      return roleHint(detail)
    case 'attachment_in_use':
      return `Detach it through the Compute API: openstack server remove volume ${detail.server ?? 'SERVER'} ${volumeId ?? 'VOLUME'}`
    case 'attachment_ambiguous':
      return 'The volume has several attachments, or the one named is not its own: name the attachment, or detach it through the Compute API: openstack server remove volume SERVER VOLUME'
    case 'invalid_service_token':
      return 'The service token is unknown or expired: see the account in [service_user] of the calling service.'
    case 'policy':
      return `Rule ${detail.rule ?? ''} refuses it. If Cinder lets it pass, the two read different policies: cinderguard policy explain --rule ${detail.rule ?? ''}`
    default:
      return null
  }
}

function roleHint({
  service_user,
  service_user_id,
  service_project,
  service_roles,
  role,
}: Rejection['detail']) {
  const who = service_user ?? 'of the calling service'
  const has = service_roles ? `has only ${service_roles}` : 'has no role'
  return `A service token was sent, but its user ${who} ${service_user === undefined ? 'has no service role' : has}: openstack role add --user ${service_user_id ?? 'USER'} --project ${service_project || 'service'} ${role ?? 'service'}`
}

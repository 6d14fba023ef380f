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
  const { user, service } = identity
  if (service === undefined) return looksLikeService(request, hosts) ? 'service-without-token' : 'user'
  // Whoever sends his own token as a service token is no service, whatever he calls himself.
  const isAnother = service.userId !== user.userId || hosts.has(request.clientAddress)
  return isAnother ? 'service-without-role' : 'user'
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

import { type Rejection, reject } from '../http/rejection.ts'
import type { GuardedRequest } from '../http/request.ts'
import type { Identity } from '../identity/identity.ts'

/**
 * Who seems to have sent a request. Cinder cannot tell a user's own call from one of a Nova that forgot its service
 * token: both carry the user's token. `service-without-token` is a guess, for metrics, records and advice only; no
 * decision rests on it.
 */
export type CallerKind = 'service' | 'trusted-user' | 'service-without-token' | 'user' | 'unknown'

/** Addresses that are known to be services' hosts: configured, or seen sending good service tokens. */
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
  if (request === undefined || identity === undefined || identity === null) return 'unknown'
  if (identity.isService) return identity.isTrustedUser === true ? 'trusted-user' : 'service'
  if (hosts.has(request.clientAddress)) return 'service-without-token'
  const passesItsRequestId = request.headers.has('x-openstack-request-id')
  const agent = request.headers.get('user-agent') ?? ''
  return passesItsRequestId && SERVICE_AGENTS.test(agent) ? 'service-without-token' : 'user'
}

/** The two 409s apart: the answer is the same, the reason is not. */
export function refine(rejection: Rejection, caller: CallerKind): Rejection {
  if (caller !== 'service-without-token') return rejection
  const { reason, detail } = rejection
  if (reason !== 'attachment_in_use' && reason !== 'attachment_ambiguous') return rejection
  return reject('service_token_missing', { server: detail.server ?? '' })
}

/** What to do about a refusal, for records and reports; null when there is nothing to advise. */
export function hintFor(rejection: Rejection, volumeId: string | null): string | null {
  switch (rejection.reason) {
    case 'service_token_missing':
      return 'A service seems to have called without its service token: set [service_user] send_service_user_token = true with a user that has a role of service_token_roles, there where the call came from.'
    case 'attachment_in_use':
      return `Detach it by the Compute API: openstack server remove volume ${rejection.detail.server ?? 'SERVER'} ${volumeId ?? 'VOLUME'}`
    case 'attachment_ambiguous':
      return 'The volume has several attachments, or the one named is not its own: name the attachment, or detach it by the Compute API: openstack server remove volume SERVER VOLUME'
    case 'invalid_service_token':
      return 'The service token is unknown or expired: see the account in [service_user] of the calling service.'
    case 'service_role_required':
      return "The calling service's user has none of service_token_roles: openstack role add --project service --user USER service"
    default:
      return null
  }
}

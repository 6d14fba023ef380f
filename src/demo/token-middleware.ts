import type { Keystone } from './keystone.ts'
import type { ReceivedRequest } from './listener.ts'
import type { TokenRecord } from './tokens.ts'

/**
 * Who asks, as the token middleware of Cinder and Nova decides it: the service token first, of which a bad one spoils a
 * good user token; a user token may be past its end when a service with the role vouches for it.
 *
 * @param rolesRequired `service_token_roles_required`.
 */
export function callerOf(
  keystone: Keystone,
  request: ReceivedRequest,
  rolesRequired: boolean,
): TokenRecord | undefined {
  const serviceToken = request.header('x-service-token')
  const service = keystone.lookup(serviceToken)
  if (serviceToken && !service) return undefined
  const isService = service?.roles.includes('service') ?? false
  if (service && !isService && rolesRequired) return undefined
  const user = keystone.lookup(request.header('x-auth-token') ?? request.header('x-storage-token'), isService)
  const rules = user?.applicationCredential?.accessRules
  if (rules === undefined || service) return user
  const path = request.target.split('?', 1)[0] ?? ''
  return rules.some((rule) => rule.method === request.method && rule.path === path) ? user : undefined
}

import type { Secret } from '../config/secret.ts'
import { type Rejection, reject } from '../http/rejection.ts'
import type { Identity, Token, TokenValidator } from './identity.ts'

export interface AuthenticateOptions {
  /** `[keystone_authtoken] service_token_roles`: any one of them, exact case. */
  readonly serviceTokenRoles: readonly string[]
  /** `[keystone_authtoken] service_token_roles_required`. */
  readonly serviceTokenRolesRequired: boolean
  /** `[cinderguard] trusted_service_users`: ids of users whose calls count as a service's without a service token. */
  readonly trustedServiceUsers?: ReadonlySet<string>
}

export interface Credentials {
  readonly userToken?: Secret
  readonly serviceToken?: Secret
  readonly requestId: string
}

/**
 * Decides who asks, as keystonemiddleware does: the service token first, then the user token, which may be past
 * its end only when a service with a service role vouches for it. Both are looked up side by side.
 *
 * @throws when Keystone cannot be asked.
 */
export async function authenticate(
  credentials: Credentials,
  validator: TokenValidator,
  options: AuthenticateOptions,
  now: () => number,
): Promise<Identity | Rejection> {
  const { userToken, serviceToken, requestId } = credentials
  const checked = async (token: Secret, allowExpired: boolean): Promise<Token | 'invalid'> => {
    const found = await validator.validate(token, allowExpired, requestId)
    return found !== 'invalid' && !allowExpired && found.expiresAt < now() ? 'invalid' : found
  }
  const userLookup = userToken === undefined ? null : settled(checked(userToken, false))
  let service: Token | undefined
  let isService = false
  if (serviceToken !== undefined) {
    const found = await checked(serviceToken, false)
    if (found === 'invalid') return reject('invalid_service_token')
    service = found
    isService = found.roles.some((role) => options.serviceTokenRoles.includes(role))
    if (!isService && options.serviceTokenRolesRequired) return reject('service_role_required')
  }
  if (userToken === undefined || userLookup === null) return reject('no_user_token')
  let user = resultOf(await userLookup)
  if (user === 'invalid' && isService) user = await checked(userToken, true)
  if (user === 'invalid') return reject('invalid_user_token')
  const isTrustedUser = !isService && options.trustedServiceUsers?.has(user.userId) === true
  return {
    user,
    ...(service === undefined ? {} : { service }),
    isService: isService || isTrustedUser,
    ...(isTrustedUser ? { isTrustedUser } : {}),
    userToken,
  }
}

type Settled<T> = { readonly value: T } | { readonly error: unknown }

/** A look-up that may fail before anybody waits for it must not become an unhandled rejection. */
function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
}

function resultOf<T>(outcome: Settled<T>): T {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

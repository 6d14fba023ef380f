import type { Secret } from '../config/secret.ts'
import { type Rejection, reject } from '../http/rejection.ts'
import { type Eventually, type Identity, type Token, type TokenValidator, withoutRole } from './identity.ts'

export interface AuthenticateOptions {
  /** `[keystone_authtoken] service_token_roles`: any one of them, exact case. */
  readonly serviceTokenRoles: readonly string[]
  /** `[keystone_authtoken] service_token_roles_required`. */
  readonly serviceTokenRolesRequired: boolean
  /** `[cinderguard] trusted_service_users`: ids of users whose calls count as a service's without a service token. */
  readonly trustedServiceUsers?: ReadonlySet<string>
}

export interface Credentials {
  readonly userToken?: Secret | undefined
  readonly serviceToken?: Secret | undefined
  readonly requestId: string
  /** The request's own, whose trace goes on to Keystone. */
  readonly headers?: ReadonlyMap<string, string>
}

/**
 * Decides who asks, as keystonemiddleware does: the service token first, then the user token, which may be past
 * its end only when a service with a service role vouches for it. Both are looked up side by side; a user token
 * alone that is known already is judged at once.
 *
 * @throws when Keystone cannot be asked.
 */
export function authenticate(
  credentials: Credentials,
  validator: TokenValidator,
  options: AuthenticateOptions,
  now: () => number,
): Eventually<Identity | Rejection> {
  const { userToken, serviceToken, requestId, headers } = credentials
  if (userToken === undefined && serviceToken === undefined) return reject('no_user_token')
  const user = userToken === undefined ? null : validator.validate(userToken, false, requestId, headers)
  if (serviceToken === undefined && userToken !== undefined && user !== null && !(user instanceof Promise))
    return identityOf({ userToken, user: inTime(user, now), isService: false }, options)
  return bothOf(credentials, user, validator, options, now)
}

async function bothOf(
  { userToken, serviceToken, requestId, headers }: Credentials,
  lookup: Eventually<Token | 'invalid'> | null,
  validator: TokenValidator,
  options: AuthenticateOptions,
  now: () => number,
): Promise<Identity | Rejection> {
  const userLookup = lookup === null ? null : settled(Promise.resolve(lookup))
  let service: Token | undefined
  let isService = false
  if (serviceToken !== undefined) {
    const found = inTime(await validator.validate(serviceToken, false, requestId, headers), now)
    if (found === 'invalid') return reject('invalid_service_token')
    service = found
    isService = found.roles.some((role) => options.serviceTokenRoles.includes(role))
    if (!isService && options.serviceTokenRolesRequired) {
      const detail = withoutRole(service, options.serviceTokenRoles[0] ?? 'service')
      return { ...reject('service_role_required'), detail }
    }
  }
  if (userToken === undefined || userLookup === null) return reject('no_user_token')
  let user = inTime(resultOf(await userLookup), now)
  if (user === 'invalid' && isService) user = await validator.validate(userToken, true, requestId, headers)
  return identityOf({ userToken, user, serviceToken, service, isService }, options)
}

function identityOf(
  found: {
    readonly userToken: Secret
    readonly user: Token | 'invalid'
    readonly serviceToken?: Secret | undefined
    readonly service?: Token | undefined
    readonly isService: boolean
  },
  { trustedServiceUsers }: AuthenticateOptions,
): Identity | Rejection {
  const { userToken, user, serviceToken, service, isService } = found
  if (user === 'invalid') return reject('invalid_user_token')
  const isTrustedUser = !isService && trustedServiceUsers?.has(user.userId) === true
  return {
    user,
    ...(service === undefined ? {} : { service }),
    isService: isService || isTrustedUser,
    ...(isTrustedUser ? { isTrustedUser } : {}),
    ...(isService && serviceToken !== undefined ? { serviceToken } : {}),
    userToken,
  }
}

function inTime(token: Token | 'invalid', now: () => number): Token | 'invalid' {
  return token !== 'invalid' && token.expiresAt < now() ? 'invalid' : token
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

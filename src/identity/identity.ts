import type { Secret } from '../config/secret.ts'

/** What a token is good for. Keystone gives a token exactly one scope, or none. */
export type Scope =
  | { readonly kind: 'project'; readonly projectId: string; readonly projectDomainId: string | null }
  | { readonly kind: 'domain'; readonly domainId: string }
  | { readonly kind: 'system' }
  | { readonly kind: 'unscoped' }

/** A token that Keystone has vouched for. */
export interface Token {
  readonly userId: string
  readonly userName: string
  readonly userDomainId: string | null
  /** Role names as Keystone spells them. */
  readonly roles: readonly string[]
  readonly scope: Scope
  /** Keystone sets `is_admin_project` only where an admin project is configured; absent means true. */
  readonly isAdminProject: boolean
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** An application credential's access rules bind the token: Cinder must check them itself. */
  readonly hasAccessRules: boolean
  /** Milliseconds since the epoch until which it may be believed without asking Keystone again, if that is less. */
  readonly trustedUntil?: number
}

/** Who asks, and through which service. */
export interface Identity {
  readonly user: Token
  readonly service?: Token
  /** The service token carries one of `service_token_roles`: Cinder's `is_service_request`. */
  readonly isService: boolean
  /** It counts as a service only because `trusted_service_users` names its user. */
  readonly isTrustedUser?: boolean
  /** The very token the caller sent; used to ask Cinder and Nova with the caller's eyes. */
  readonly userToken: Secret
}

/**
 * Asks whether a token is valid.
 * @throws when no answer can be had (Keystone away, slow or odd): the request is then refused with 503.
 */
export interface TokenValidator {
  /**
   * @param allowExpired accept a token past its end, within Keystone's `allow_expired_window`.
   * @param headers of the request, whose trace goes on.
   */
  validate(
    token: Secret,
    allowExpired: boolean,
    requestId: string,
    headers?: ReadonlyMap<string, string>,
  ): Eventually<Token | 'invalid'>
}

/**
 * What a refusal notes of a service token that is good, and whose user has no service role; the client reads none
 * of it.
 * @param role one that its user should have
 */
export function withoutRole(
  { userId, userName, roles, scope }: Token,
  role: string,
): Readonly<Record<string, string>> {
  return {
    service_user: userName,
    service_user_id: userId,
    service_roles: roles.join(', '),
    service_project: scope.kind === 'project' ? scope.projectId : '',
    role,
  }
}

/** Known at once, or later. */
export type Eventually<T> = T | Promise<T>

/** The project that a token acts in, or null (system, domain and unscoped tokens). */
export function projectOf(token: Token): string | null {
  return token.scope.kind === 'project' ? token.scope.projectId : null
}

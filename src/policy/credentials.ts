/**
 * The caller as Cinder shows it to oslo.policy: oslo.context's policy values and Cinder's `is_admin`. Null stands
 * for Python's None.
 */
export interface Credentials {
  readonly user_id: string | null
  readonly user_domain_id: string | null
  readonly system_scope: string | null
  /** oslo.policy adds it when `system_scope` is not empty. */
  readonly system?: string
  readonly domain_id: string | null
  readonly project_id: string | null
  readonly project_domain_id: string | null
  readonly roles: readonly string[]
  readonly is_admin_project: boolean
  readonly service_user_id: string | null
  readonly service_user_domain_id: string | null
  readonly service_project_id: string | null
  readonly service_project_domain_id: string | null
  readonly service_roles: readonly string[]
  readonly is_admin: boolean
}

/** Nobody: what is not known of a caller is empty. */
export const NOBODY: Omit<Credentials, 'is_admin' | 'system'> = {
  user_id: null,
  user_domain_id: null,
  system_scope: null,
  domain_id: null,
  project_id: null,
  project_domain_id: null,
  roles: [],
  is_admin_project: true,
  service_user_id: null,
  service_user_domain_id: null,
  service_project_id: null,
  service_project_domain_id: null,
  service_roles: [],
}

/** All that a check can read of a caller. */
export const CREDENTIALS: ReadonlySet<string> = new Set([...Object.keys(NOBODY), 'is_admin', 'system'])

interface Judge {
  allows(
    rule: string,
    credentials: Readonly<Record<string, unknown>>,
    target: Readonly<Record<string, unknown>>,
  ): boolean
}

/**
 * Completes credentials as Cinder's RequestContext and oslo.policy do: `system`, and `is_admin`, which is the rule
 * `context_is_admin` judged against the credentials themselves while `is_admin` is still None.
 * @throws PolicyError
 */
export function completeCredentials(
  known: Omit<Credentials, 'is_admin' | 'system'>,
  rules: Judge,
): Credentials {
  const credentials = {
    ...known,
    ...(known.system_scope === null || known.system_scope === '' ? {} : { system: known.system_scope }),
  }
  const unknown = { ...credentials, is_admin: null }
  return { ...credentials, is_admin: rules.allows('context_is_admin', unknown, unknown) }
}

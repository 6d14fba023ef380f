import type { Option, ValueOf } from './option.ts'
import { Flaw } from './problem.ts'
import type { Secret } from './secret.ts'

/**
 * The options by which a section names an account in Keystone, as keystoneauth calls them. `auth_section` of the
 * same section moves all of them to another one.
 */
export const AUTH_OPTIONS = {
  auth_type: {
    type: 'enum',
    choices: ['password', 'v3password', 'v3applicationcredential'],
    default: 'password',
    deprecated: ['auth_plugin'],
    redirected: true,
    help: 'How the gateway authenticates to Keystone. Both password kinds use the v3 API; v2.0 is not supported.',
  },
  auth_url: {
    type: 'url',
    redirected: true,
    help: "Keystone's URL, with or without /v3. Required with an account in this section.",
  },
  username: {
    type: 'string',
    deprecated: ['user_name'],
    redirected: true,
    help: 'Name of the account; needs user_domain_name or user_domain_id beside it.',
  },
  password: {
    type: 'secret',
    redirected: true,
    help: 'Password of the account. Write a dollar sign twice ($$): a single one starts a reference to another option.',
  },
  user_id: { type: 'string', redirected: true, help: 'Id of the account, instead of its name and domain.' },
  user_domain_name: { type: 'string', redirected: true, help: 'Name of the domain the account is in.' },
  user_domain_id: { type: 'string', redirected: true, help: 'Id of the domain the account is in.' },
  project_name: {
    type: 'string',
    deprecated: ['tenant_name'],
    redirected: true,
    help: 'Project the token is for; needs project_domain_name or project_domain_id beside it.',
  },
  project_id: {
    type: 'string',
    deprecated: ['tenant_id'],
    redirected: true,
    help: 'Id of the project the token is for, instead of its name and domain.',
  },
  project_domain_name: { type: 'string', redirected: true, help: 'Name of the domain the project is in.' },
  project_domain_id: { type: 'string', redirected: true, help: 'Id of the domain the project is in.' },
  default_domain_name: {
    type: 'string',
    redirected: true,
    help: 'Domain name for user and project where neither has one of its own.',
  },
  default_domain_id: {
    type: 'string',
    redirected: true,
    help: 'Domain id for user and project where neither has one of its own.',
  },
  application_credential_id: {
    type: 'string',
    redirected: true,
    help: 'Id of the application credential, for auth_type v3applicationcredential.',
  },
  application_credential_name: {
    type: 'string',
    redirected: true,
    help: 'Name of the application credential, instead of its id; needs user_id, or username and its domain.',
  },
  application_credential_secret: {
    type: 'secret',
    redirected: true,
    help: 'Secret of the application credential. A dollar sign must be written twice.',
  },
} as const satisfies Record<string, Option>

/** Which certificates are trusted; these stay in their section when auth_section is set. */
export const TLS_OPTIONS = {
  cafile: {
    type: 'path',
    help: 'PEM file of the CAs to trust instead of the system ones. With a wrong file every call fails.',
  },
  certfile: {
    type: 'path',
    help: 'Client certificate (PEM) that the gateway presents to the service. With keyfile, unless the key is in the same file.',
  },
  keyfile: { type: 'path', help: 'Key of certfile (PEM, unencrypted).' },
  insecure: {
    type: 'bool',
    default: 'false',
    notice: {
      value: 'true',
      message: 'certificates are not checked: whoever is in between can read the password',
    },
    help: 'Accept any certificate. For test systems only: anybody on the network path can impersonate the service.',
  },
} as const satisfies Record<string, Option>

const ACCOUNT_OPTIONS = { ...AUTH_OPTIONS, ...TLS_OPTIONS }

/** A section's account options, read. */
export type Account = { readonly [N in keyof typeof ACCOUNT_OPTIONS]: ValueOf<(typeof ACCOUNT_OPTIONS)[N]> }

export type Domain = { readonly id: string } | { readonly name: string }
export type Named = { readonly id: string } | { readonly name: string; readonly domain: Domain }

/** What the gateway needs to get a token of its own from Keystone's v3 API. */
export type Credentials = {
  /** Without a final slash; may or may not end in /v3. */
  readonly authUrl: string
} & (
  | { readonly kind: 'password'; readonly user: Named; readonly password: Secret; readonly project: Named }
  | {
      readonly kind: 'application_credential'
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: Named }
      readonly secret: Secret
    }
)

/** The credentials of a section, or everything that is missing from it. */
export function credentialsOf(account: Account): Credentials | readonly Flaw[] {
  const flaws: Flaw[] = []
  const needed = <T>(value: T | undefined, message: string): T | undefined => {
    if (value === undefined) flaws.push(new Flaw('missing', message))
    return value
  }
  const named = (what: string, id?: string, name?: string, domain?: Domain): Named | undefined => {
    if (id !== undefined) return { id }
    if (name === undefined) return undefined
    const place = needed(
      domain,
      `${what}_domain_name or ${what}_domain_id is needed with the name of the ${what}`,
    )
    return { name, domain: place ?? { name: '' } }
  }
  const domain = (id?: string, name?: string): Domain | undefined => {
    if (id !== undefined) return { id }
    return name === undefined ? undefined : { name }
  }

  const a = account
  const fallback = domain(a.default_domain_id, a.default_domain_name)
  const userDomain = domain(a.user_domain_id, a.user_domain_name) ?? fallback
  const projectDomain = domain(a.project_domain_id, a.project_domain_name) ?? fallback
  const authUrl = needed(a.auth_url, 'auth_url is needed')
  const common = { authUrl: authUrl ?? '' }
  const user = named('user', a.user_id, a.username, userDomain)

  if (a.auth_type === 'v3applicationcredential') {
    const secret = needed(a.application_credential_secret, 'application_credential_secret is needed')
    const { application_credential_id: id, application_credential_name: name } = a
    needed(id ?? name, 'application_credential_id or application_credential_name is needed')
    if (id === undefined && name !== undefined) {
      needed(user, 'user_id or username is needed with application_credential_name')
    }
    const credential = id !== undefined ? { id } : name && user ? { name, user } : undefined
    if (flaws.length > 0 || secret === undefined || credential === undefined) return flaws
    return { ...common, kind: 'application_credential', credential, secret }
  }

  needed(user, 'username or user_id is needed')
  const password = needed(a.password, 'password is needed')
  const project = named('project', a.project_id, a.project_name, projectDomain)
  needed(project, 'project_name or project_id is needed')
  if (flaws.length > 0 || !user || !password || !project) return flaws
  return { ...common, kind: 'password', user, password, project }
}

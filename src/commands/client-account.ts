import { type Account, AUTH_OPTIONS, type Credentials, credentialsOf } from '../config/credentials.ts'
import { Secret } from '../config/secret.ts'

/** keystoneauth's names of what a client's environment calls otherwise. */
const AUTH_TYPES: Readonly<Record<string, Account['auth_type']>> = {
  password: 'password',
  v3password: 'v3password',
  v3applicationcredential: 'v3applicationcredential',
}

/**
 * The account of the operator who runs a command, by the variables that OpenStack's clients read: OS_AUTH_URL,
 * OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME and the like, or OS_APPLICATION_CREDENTIAL_ID and its secret.
 * @param authUrl where Keystone is when OS_AUTH_URL does not say
 * @returns null when no such variables are set; what is wrong with them otherwise
 */
export function clientAccount(
  env: NodeJS.ProcessEnv,
  authUrl: string,
): Credentials | { readonly problems: readonly string[] } | null {
  const isApplication = env.OS_APPLICATION_CREDENTIAL_SECRET !== undefined
  if (env.OS_PASSWORD === undefined && !isApplication) return null
  const kind = env.OS_AUTH_TYPE ?? (isApplication ? 'v3applicationcredential' : 'password')
  const auth_type = AUTH_TYPES[kind]
  if (auth_type === undefined) return { problems: [`OS_AUTH_TYPE ${kind} is not known; use OS_TOKEN`] }
  const values: Record<string, unknown> = { insecure: false }
  for (const [name, option] of Object.entries<{ readonly type: string }>(AUTH_OPTIONS)) {
    const text = env[`OS_${name.toUpperCase()}`]
    if (text !== undefined && text !== '') values[name] = option.type === 'secret' ? new Secret(text) : text
  }
  // As written for Keystone v2, and still in use.
  values.project_name ??= env.OS_TENANT_NAME
  values.auth_url ??= authUrl
  const account = { ...values, auth_type } as unknown as Account
  const credentials = credentialsOf(account)
  if ('authUrl' in credentials) return credentials
  return {
    problems: credentials.map(({ message }) => message.replace(/\b[a-z]+(?:_[a-z]+)+\b/g, asVariable)),
  }
}

function asVariable(name: string): string {
  return Object.hasOwn(AUTH_OPTIONS, name) ? `OS_${name.toUpperCase()}` : name
}

import type { Credentials } from '../config/credentials.ts'
import { Secret } from '../config/secret.ts'
import { CloudError, isRecord, jsonObject, type Send, textAt } from './client.ts'

/** The gateway's own token and the catalogue that came with it. */
export interface Session {
  readonly token: Secret
  readonly projectId: string | null
  readonly catalog: readonly CatalogEntry[]
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}
export interface CatalogEntry {
  readonly type: string
  readonly endpoints: readonly { readonly interface: string; readonly region: string; readonly url: string }[]
}

export interface SessionKeeper {
  /**
   * A live session; logs in when there is none. Callers at the same time share one login.
   * @param requestId of the request that needs it. @throws CloudError
   */
  get(requestId?: string): Promise<Session>
  /** Forget the session: its token was refused. */
  invalidate(session: Session): void
}

/** A token is renewed this long before its end, in milliseconds. */
const MARGIN = 30_000
/** After a failed login nobody tries again for this long, in milliseconds: Keystone counts failures. */
const COOLDOWN = 1_000

export function createSession(
  send: Send,
  credentials: Credentials,
  /** Milliseconds since the epoch. */
  now: () => number,
): SessionKeeper {
  let current: Session | null = null
  let login: Promise<Session> | null = null
  let failed: { readonly at: number; readonly error: unknown } | null = null

  async function logIn(requestId: string | undefined): Promise<Session> {
    const answer = await send({
      method: 'POST',
      url: `${identityUrlOf(credentials.authUrl)}/auth/tokens`,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(requestId === undefined ? {} : { 'x-openstack-request-id': requestId }),
      },
      body: JSON.stringify({ auth: authBody(credentials) }),
    })
    if (answer.status !== 201) throw new CloudError('keystone', `our own login was answered ${answer.status}`)
    const subject = answer.headers['x-subject-token']
    const token = jsonObject('keystone', answer).token
    if (typeof subject !== 'string' || !isRecord(token))
      throw new CloudError('keystone', 'an odd answer to our login')
    const project = token.project
    return {
      token: new Secret(subject),
      projectId: isRecord(project) ? textAt(project, 'id') : null,
      catalog: Array.isArray(token.catalog) ? token.catalog.flatMap(catalogEntry) : [],
      expiresAt: Date.parse(textAt(token, 'expires_at') ?? '') || now() + 300_000,
    }
  }

  return {
    async get(requestId) {
      if (current !== null && current.expiresAt - MARGIN > now()) return current
      const cooling = failed !== null && now() - failed.at < COOLDOWN && now() >= failed.at
      if (cooling && current !== null && current.expiresAt > now()) return current
      if (cooling && failed !== null) throw failed.error
      login ??= logIn(requestId)
        .then(
          (session) => {
            failed = null
            current = session
            return session
          },
          (error: unknown) => {
            failed = { at: now(), error }
            if (current !== null && current.expiresAt > now()) return current
            throw error
          },
        )
        .finally(() => {
          login = null
        })
      return login
    },
    invalidate(session) {
      if (current === session) current = null
    },
  }
}

/** Keystone's v3 API, whether or not `auth_url` names it. */
export function identityUrlOf(authUrl: string): string {
  const base = authUrl.replace(/\/+$/, '')
  return base.endsWith('/v3') ? base : `${base}/v3`
}

function authBody(own: Credentials): object {
  if (own.kind === 'application_credential') {
    const application_credential = { ...own.credential, secret: own.secret.reveal() }
    return { identity: { methods: ['application_credential'], application_credential } }
  }
  const user = { ...own.user, password: own.password.reveal() }
  return { identity: { methods: ['password'], password: { user } }, scope: { project: own.project } }
}

function catalogEntry(value: unknown): CatalogEntry[] {
  if (!isRecord(value) || !Array.isArray(value.endpoints)) return []
  const endpoints = value.endpoints.flatMap((endpoint: unknown) =>
    isRecord(endpoint)
      ? [
          {
            interface: textAt(endpoint, 'interface') ?? '',
            region: textAt(endpoint, 'region_id') ?? textAt(endpoint, 'region') ?? '',
            url: textAt(endpoint, 'url') ?? '',
          },
        ]
      : [],
  )
  return [{ type: textAt(value, 'type') ?? '', endpoints }]
}

/** The URL of a service in the catalogue, or null. Without a region the first fitting endpoint counts. */
export function endpointOf(
  session: Session,
  types: readonly string[],
  iface: string,
  region: string | null,
): string | null {
  for (const entry of session.catalog) {
    if (!types.includes(entry.type)) continue
    const found = entry.endpoints.find(
      (endpoint) => endpoint.interface === iface && (region === null || endpoint.region === region),
    )
    if (found !== undefined) return found.url.replace(/\/+$/, '')
  }
  return null
}

import { randomBytes } from 'node:crypto'
import { type ApplicationCredential, type Directory, find, rolesOn, type User } from './directory.ts'
import type { Reply } from './listener.ts'
import type { TokenRecord } from './tokens.ts'

interface Issuer {
  readonly directory: Directory
  readonly tokenLifetimeMs: number
  now(): number
  lookup(token: string | undefined): TokenRecord | undefined
}

interface AuthRequest {
  readonly identity?: {
    readonly methods?: readonly string[]
    readonly password?: { readonly user?: { readonly password?: unknown } }
    readonly token?: { readonly id?: unknown }
    readonly application_credential?: {
      readonly id?: unknown
      readonly name?: unknown
      readonly secret?: unknown
      readonly user?: unknown
    }
  }
  readonly scope?:
    | 'unscoped'
    | { readonly project?: unknown; readonly domain?: unknown; readonly system?: unknown }
}

/** Who was proved, and the earlier token or credential that limits what comes of it. */
interface Proof {
  readonly user: User
  readonly method: string
  readonly from?: TokenRecord
  readonly credential?: ApplicationCredential
}

/** Keystone writes its errors without spaces and with a line end, unlike its tokens. */
export function keystoneError(code: number, title: string, message: string): Reply {
  const body = `${JSON.stringify({ error: { code, message, title } })}\n`
  return { status: code, headers: { 'content-type': 'application/json', vary: 'X-Auth-Token' }, body }
}

export function isRefused(outcome: TokenRecord | Reply): outcome is Reply {
  return 'status' in outcome
}

/** `POST /v3/auth/tokens`: the token to give out, or the refusal. */
export function issueToken(keystone: Issuer, body: unknown): TokenRecord | Reply {
  const auth = (body as { auth?: AuthRequest } | null)?.auth
  const methods = auth?.identity?.methods
  if (!auth || !Array.isArray(methods) || methods.length === 0) {
    return keystoneError(
      400,
      'Bad Request',
      "Invalid input for field 'identity': 'methods' is a required property",
    )
  }
  const proof = prove(keystone, auth)
  if (!proof) return denied()
  if (proof.from?.applicationCredential) {
    const message = 'You are not authorized to perform the requested action: rescope a scoped token.'
    return keystoneError(403, 'Forbidden', message)
  }
  const scope = scopeOf(keystone.directory, auth, proof)
  if (!scope) return denied()
  const now = keystone.now()
  const { id, name } = proof.user
  return {
    user: { id, name },
    ...scope,
    methods: proof.from ? [...new Set(['token', ...proof.from.methods])] : [proof.method],
    auditId: randomBytes(16).toString('base64url'),
    issuedAt: now,
    expiresAt: proof.from?.expiresAt ?? now + keystone.tokenLifetimeMs,
    ...(proof.credential ? { applicationCredential: proof.credential } : {}),
  }
}

function prove(keystone: Issuer, { identity }: AuthRequest): Proof | undefined {
  const { directory } = keystone
  const [method] = identity?.methods ?? []
  if (method === 'password') {
    const claimed = identity?.password?.user
    const user = find(directory.users, claimed)
    return user && user.password === claimed?.password ? { user, method } : undefined
  }
  if (method === 'token') {
    const from = keystone.lookup(String(identity?.token?.id ?? ''))
    const user = from && find(directory.users, { id: from.user.id })
    return user ? { user, method, from } : undefined
  }
  if (method === 'application_credential') {
    const claimed = identity?.application_credential
    const owner = find(directory.users, claimed?.user)
    const credential = directory.applicationCredentials.find((one) =>
      claimed?.id === undefined
        ? one.name === claimed?.name && one.userId === owner?.id
        : one.id === claimed.id,
    )
    const user = credential && find(directory.users, { id: credential.userId })
    return user && credential.secret === claimed?.secret ? { user, method, credential } : undefined
  }
  return undefined
}

function scopeOf(
  directory: Directory,
  { scope }: AuthRequest,
  { user, credential }: Proof,
): Pick<TokenRecord, 'scope' | 'project' | 'roles'> | undefined {
  if (credential) {
    const project = find(directory.projects, { id: credential.projectId })
    return project && scope === undefined ? { scope: 'project', project, roles: credential.roles } : undefined
  }
  if (scope === 'unscoped') return { scope: 'unscoped', roles: [] }
  if (scope?.system !== undefined) {
    const roles = rolesOn(directory, user.id, 'system')
    return roles.length > 0 ? { scope: 'system', roles } : undefined
  }
  if (scope?.domain !== undefined) return undefined // nobody has a role on a domain here
  const wanted = scope?.project ?? (user.defaultProject ? { id: user.defaultProject } : undefined)
  if (wanted === undefined) return { scope: 'unscoped', roles: [] }
  const project = find(directory.projects, wanted)
  const roles = project ? rolesOn(directory, user.id, project.id) : []
  return project && roles.length > 0 ? { scope: 'project', project, roles } : undefined
}

function denied(): Reply {
  return keystoneError(401, 'Unauthorized', 'The request you have made requires authentication.')
}

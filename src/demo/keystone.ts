import { randomBytes } from 'node:crypto'
import { catalog, type Endpoints } from './catalog.ts'
import { type AccessRule, type Directory, type Named, rolesOn } from './directory.ts'
import { jsonReply, newRequestId, withHeaders } from './faults.ts'
import { isRefused, issueToken, keystoneError } from './keystone-issue.ts'
import { Listener, type ListenOptions, type ReceivedRequest, type Reply } from './listener.ts'
import { readPythonJson } from './python-json.ts'
import { type TokenRecord, Tokens, tokenBody } from './tokens.ts'

/** A token a test wants to exist. Names or ids of the fixture; unknown ones are invented. */
export interface NewToken {
  readonly user: string
  /** Project name or id; null = unscoped; `system` or `domain` = that scope. */
  readonly project?: string | null
  readonly roles?: readonly string[]
  /** Milliseconds since 1970; an hour from now unless given. */
  readonly expiresAt?: number
  /** The token string itself, random unless given. */
  readonly id?: string
  readonly accessRules?: readonly AccessRule[]
  readonly bind?: Readonly<Record<string, unknown>>
}

/** Stand-in Keystone v3: tokens only. */
export class Keystone extends Listener {
  readonly directory: Directory
  readonly tokens = new Tokens()
  /** Catalogue URLs; a test or the demo may point `volumev3` at the gateway. */
  endpoints: Endpoints = { identity: '', compute: '', volumev3: '' }
  /** The clock for expiry, milliseconds. */
  now: () => number = Date.now
  tokenLifetimeMs = 3_600_000

  constructor(directory: Directory) {
    super((request) => withHeaders(this.#answer(request), { 'x-openstack-request-id': newRequestId() }))
    this.directory = directory
  }

  override async listen(options?: ListenOptions): Promise<void> {
    await super.listen(options)
    this.endpoints.identity = `${this.url}/v3`
  }

  /** How often somebody had a token looked up over HTTP. */
  get validations(): number {
    return this.count('GET', /^\/v3\/auth\/tokens/)
  }

  /** Makes a token without asking for a password. */
  addToken(wanted: NewToken): string {
    const { directory } = this
    const byName = <T extends Named>(all: readonly T[], key: string) =>
      all.find((one) => one.name === key || one.id === key)
    const user = byName(directory.users, wanted.user) ?? { id: wanted.user, name: wanted.user }
    const assigned = directory.assignments.find((a) => a.userId === user.id)
    const target = wanted.project === undefined ? (assigned?.on ?? null) : wanted.project
    const scope =
      target === null ? 'unscoped' : target === 'system' || target === 'domain' ? target : 'project'
    const project = byName(directory.projects, target ?? '') ?? { id: target ?? '', name: target ?? '' }
    const now = this.now()
    const record: TokenRecord = {
      user,
      scope,
      ...(scope === 'project' ? { project } : {}),
      roles: wanted.roles ?? rolesOn(directory, user.id, scope === 'system' ? 'system' : project.id),
      methods: wanted.accessRules ? ['application_credential'] : ['password'],
      auditId: randomBytes(16).toString('base64url'),
      issuedAt: now,
      expiresAt: wanted.expiresAt ?? now + this.tokenLifetimeMs,
      ...(wanted.accessRules
        ? { applicationCredential: { id: 'limited', name: 'limited', accessRules: wanted.accessRules } }
        : {}),
      ...(wanted.bind ? { bind: wanted.bind } : {}),
    }
    return this.tokens.add(record, wanted.id)
  }

  /** True when there was such a token. */
  revoke(token: string): boolean {
    return this.tokens.revoke(token)
  }

  /** In-process look-up for the other stand-ins. */
  lookup(token: string | undefined, allowExpired = false): TokenRecord | undefined {
    return this.tokens.valid(token, this.now(), allowExpired)
  }

  #answer(request: ReceivedRequest): Reply {
    const [path = '', query = ''] = request.target.split('?', 2)
    const parameters = new URLSearchParams(query)
    if (path === '/' || path === '') return jsonReply(300, { versions: { values: [this.#version()] } })
    if (path === '/v3' || path === '/v3/') return jsonReply(200, { version: this.#version() })
    if (path !== '/v3/auth/tokens')
      return keystoneError(404, 'Not Found', `(http://localhost${path}): The resource could not be found.`)
    if (request.method === 'POST') return this.#issue(request, parameters)
    if (request.method === 'GET' || request.method === 'HEAD') return this.#validate(request, parameters)
    if (request.method === 'DELETE') return this.#revoke(request)
    return keystoneError(405, 'Method Not Allowed', 'The method is not allowed for the requested URL.')
  }

  #issue(request: ReceivedRequest, parameters: URLSearchParams): Reply {
    const body = readPythonJson(request.body)
    const issued =
      body === 'malformed'
        ? keystoneError(400, 'Bad Request', 'Could not decode the request body.')
        : issueToken(this, body.value)
    if (isRefused(issued)) return issued
    return this.#show(201, this.tokens.add(issued), issued, parameters)
  }

  #validate(request: ReceivedRequest, parameters: URLSearchParams): Reply {
    const refusal = this.#refusal(request)
    if (refusal) return refusal
    const subject = request.header('x-subject-token')
    if (!subject) return keystoneError(404, 'Not Found', 'No token in the request')
    const record = this.lookup(subject, ['1', 'true'].includes(parameters.get('allow_expired') ?? ''))
    // Keystone hides a token with access rules from services that do not say they understand them.
    const hidden =
      record?.applicationCredential?.accessRules && !request.header('openstack-identity-access-rules')
    if (!record || hidden) return keystoneError(404, 'Not Found', `Could not find token: ${subject}.`)
    return this.#show(200, subject, record, parameters)
  }

  #revoke(request: ReceivedRequest): Reply {
    const refusal = this.#refusal(request)
    if (refusal) return refusal
    const subject = request.header('x-subject-token') ?? ''
    return this.revoke(subject)
      ? { status: 204 }
      : keystoneError(404, 'Not Found', `Could not find token: ${subject}.`)
  }

  #refusal(request: ReceivedRequest): Reply | undefined {
    const own = this.lookup(request.header('x-auth-token'))
    if (!own) {
      const reply = keystoneError(401, 'Unauthorized', 'The request you have made requires authentication.')
      return withHeaders(reply, { 'www-authenticate': `Keystone uri="${this.url}/"` })
    }
    const itself = request.header('x-auth-token') === request.header('x-subject-token')
    const entitled = own.roles.some((role) => role === 'admin' || role === 'service')
    if (itself || entitled || (own.scope === 'system' && own.roles.includes('reader'))) return undefined
    const message = 'You are not authorized to perform the requested action: identity:validate_token.'
    return keystoneError(403, 'Forbidden', message)
  }

  #show(status: number, id: string, record: TokenRecord, parameters: URLSearchParams): Reply {
    const services = parameters.has('nocatalog') ? undefined : catalog(this.endpoints, record.project?.id)
    const headers = { 'x-subject-token': id, vary: 'X-Auth-Token' }
    return jsonReply(status, { token: tokenBody(record, services) }, headers)
  }

  #version(): unknown {
    return {
      id: 'v3.14',
      status: 'stable',
      updated: '2020-04-07T00:00:00Z',
      links: [{ rel: 'self', href: `${this.url}/v3/` }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
    }
  }
}

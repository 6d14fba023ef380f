import { traceContextOf } from '../http/trace-context.ts'
import type { Token, TokenValidator } from '../identity/identity.ts'
import { CloudError, type CloudResponse, isRecord, jsonObject, type Send, textAt } from './client.ts'
import type { SessionKeeper } from './session.ts'

/** Characters. Keystone's `max_token_size` never was larger by default; a JWS token has some hundreds. */
const LONGEST = 8192

/**
 * Asks Keystone about a token: `GET /v3/auth/tokens` with the gateway's own one. When that is refused, it logs in
 * again, once.
 */
export function keystoneValidator(send: Send, identityUrl: string, session: SessionKeeper): TokenValidator {
  async function lookUp(
    subject: string,
    allowExpired: boolean,
    passedOn: Readonly<Record<string, string>>,
  ): Promise<CloudResponse> {
    for (let tries = 0; ; tries += 1) {
      const own = await session.get(passedOn['x-openstack-request-id'])
      const answer = await send({
        method: 'GET',
        url: `${identityUrl}/auth/tokens?nocatalog${allowExpired ? '&allow_expired=1' : ''}`,
        headers: {
          'x-auth-token': own.token.reveal(),
          'x-subject-token': subject,
          'openstack-identity-access-rules': '1',
          accept: 'application/json',
          ...passedOn,
        },
      })
      if (answer.status !== 401 || tries > 0) return answer
      session.invalidate(own)
    }
  }

  return {
    async validate(token, allowExpired, requestId, headers) {
      const subject = token.reveal()
      // What cannot be a header value cannot be a token, nor can what Keystone's server would not even read.
      if (subject.length > LONGEST || !/^[\x21-\x7e]+$/.test(subject)) return 'invalid'
      const passedOn = { 'x-openstack-request-id': requestId, ...traceContextOf(headers) }
      const answer = await lookUp(subject, allowExpired, passedOn)
      if (answer.status === 404) {
        if (!isKeystoneFault(answer)) throw new CloudError('keystone', 'a 404 that Keystone did not write')
        return 'invalid'
      }
      if (answer.status !== 200)
        throw new CloudError('keystone', `a token lookup was answered ${answer.status}`)
      return readToken(answer)
    },
  }
}

function isKeystoneFault(answer: CloudResponse): boolean {
  return isRecord(jsonObject('keystone', answer).error)
}

/** @throws CloudError when what makes up an identity is missing. */
function readToken(answer: CloudResponse): Token {
  const token = jsonObject('keystone', answer).token
  if (!isRecord(token) || !isRecord(token.user)) throw new CloudError('keystone', 'a token without a user')
  const userId = textAt(token.user, 'id')
  const expiresAt = Date.parse(textAt(token, 'expires_at') ?? '')
  if (userId === null || Number.isNaN(expiresAt))
    throw new CloudError('keystone', 'a token without user id or end')
  const roles = Array.isArray(token.roles) ? token.roles : []
  const credential = token.application_credential
  return {
    userId,
    userName: textAt(token.user, 'name') ?? '',
    userDomainId: idOf(token.user.domain),
    // Cinder reads roles from a comma-separated header, so a comma in a name splits it.
    roles: roles.flatMap((role: unknown) =>
      isRecord(role) ? (textAt(role, 'name') ?? '').split(',').map((n) => n.trim()) : [],
    ),
    scope: scopeOf(token),
    isAdminProject: token.is_admin_project !== false,
    expiresAt,
    hasAccessRules: isRecord(credential) && Array.isArray(credential.access_rules),
  }
}

function scopeOf(token: Record<string, unknown>): Token['scope'] {
  if (isRecord(token.project)) {
    const projectId = textAt(token.project, 'id')
    if (projectId !== null) return { kind: 'project', projectId, projectDomainId: idOf(token.project.domain) }
  }
  const domainId = idOf(token.domain)
  if (domainId !== null) return { kind: 'domain', domainId }
  if (isRecord(token.system)) return { kind: 'system' }
  return { kind: 'unscoped' }
}

function idOf(value: unknown): string | null {
  return isRecord(value) ? textAt(value, 'id') : null
}

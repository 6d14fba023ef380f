import type { Question } from '../checks/check.ts'
import { Secret } from '../config/secret.ts'
import type { Reason, Rejection } from '../http/rejection.ts'
import type { Identity, Scope, Token } from '../identity/identity.ts'
import type { JudgedOperation } from '../operation/operation.ts'
import type { CadfEvent } from '../record/cadf.ts'

/** What of a decision record an explanation reads. */
export interface Content {
  readonly request_id: string
  readonly upstream_request_id: string | null
  readonly verdict: 'forwarded' | 'refused' | 'observed'
  readonly reason: Reason | null
  readonly status: number
  readonly check: string | null
  readonly rule: string | null
  readonly policy: string | null
  readonly problem: string | null
  readonly volume_id: string | null
  readonly attachment_id: string | null
  readonly server_id: string | null
  readonly user_id: string | null
  readonly user_name: string | null
  readonly caller: string
  readonly is_service: boolean
  readonly client: string | null
  readonly user_agent: string | null
  readonly roles: readonly string[] | null
  readonly user: {
    readonly domain_id: string | null
    readonly scope: Scope
    readonly is_admin_project: boolean
  } | null
  readonly service: { readonly id: string; readonly name: string; readonly roles: readonly string[] } | null
  readonly asked: JudgedOperation | null
  readonly facts: readonly { readonly question: Question; readonly answer: unknown }[]
}

export function contentOf(event: CadfEvent): Content {
  const [first] = event.attachments as unknown as readonly [{ readonly content: Content }]
  return first.content
}

/** Who asked, with no token: facts are read through other eyes. */
export function identityOf({
  user,
  user_id,
  user_name,
  roles,
  service,
  is_service,
  caller,
}: Content): Identity | null {
  if (user === null || user_id === null) return null
  const token = (id: string, name: string, its: readonly string[], scope: Scope): Token => ({
    userId: id,
    userName: name,
    userDomainId: user.domain_id,
    roles: its,
    scope,
    isAdminProject: user.is_admin_project,
    expiresAt: Number.POSITIVE_INFINITY,
    hasAccessRules: false,
  })
  return {
    user: token(user_id, user_name ?? '', roles ?? [], user.scope),
    ...(service === null
      ? {}
      : { service: token(service.id, service.name, service.roles, { kind: 'unscoped' }) }),
    isService: is_service,
    ...(caller === 'trusted-user' ? { isTrustedUser: true } : {}),
    userToken: new Secret(''),
  }
}

/** Checks of the request itself see when and from where it came; its body is not recorded. */
export function askedBy(event: CadfEvent, { client }: Content): NonNullable<JudgedOperation['asked']> {
  return {
    address: client ?? '',
    time: Date.parse(String(event.eventTime).replace('000+0000', 'Z')),
    bodyAt: () => undefined,
  }
}

/** Why it was refused, as far as that is recorded. */
export function rejectionOf(content: Content): Rejection | null {
  const { reason, server_id, rule, problem, volume_id, attachment_id } = content
  if (reason === null) return null
  const known = { server: server_id, rule, problem, volume: volume_id, attachment: attachment_id }
  const detail = Object.fromEntries(
    Object.entries(known).filter((pair): pair is [string, string] => pair[1] !== null),
  )
  return { verdict: 'reject', reason, detail }
}

import type { Attachment, Facts, Question, Volume } from '../checks/check.ts'
import type { Identity, Token } from '../identity/identity.ts'
import type { Operation } from '../operation/operation.ts'

type Details = Readonly<Record<string, string>>

/** What each check is for. */
export const CHECK_TITLES: Readonly<Record<string, string>> = {
  rules: 'Policy rules of this operation',
  policy: "Cinder's policy rules, before the safety check",
  connection: 'Safety check: no server loses its connection (CVE-2023-2088)',
  'policy-between': "Cinder's policy rules, between the two halves of a forced detach",
  'policy-after': "Cinder's policy rules, after the safety check",
  detach: 'Safety check: no server uses the attachment (CVE-2023-2088)',
  beyond: 'Optional checks beyond the fix',
}

export function whoDetails({ user, service, isService, isTrustedUser }: Identity): Details {
  return {
    user: nameOf(user),
    scope: scopeText(user.scope),
    roles: listOf(user.roles),
    ...(service === undefined
      ? { 'service token': 'none' }
      : { 'service token': `of ${nameOf(service)}, roles ${listOf(service.roles)}` }),
    'treated as a service':
      isTrustedUser === true ? 'yes, because of trusted_service_users' : isService ? 'yes' : 'no',
  }
}

export function nameOf({ userName, userId }: Pick<Token, 'userName' | 'userId'>): string {
  return userName === '' ? userId : `${userName} (${userId})`
}

export function scopeText(scope: Token['scope']): string {
  if (scope.kind === 'project') return `project ${scope.projectId}`
  return scope.kind === 'domain' ? `domain ${scope.domainId}` : scope.kind
}

export const listOf = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))

/** What Cinder would do, without what only the checks need. */
export function whatDetails(operation: Operation): Details {
  const { kind, version, rules = [] } = operation
  return {
    operation: kind === 'other' ? 'not guarded' : kind,
    ...('volumeId' in operation ? { volume: operation.volumeId } : {}),
    ...('newVolumeId' in operation ? { 'new volume': operation.newVolumeId } : {}),
    ...('attachmentId' in operation ? { attachment: operation.attachmentId ?? 'none named' } : {}),
    ...(version === '' ? {} : { microversion: version }),
    ...(rules.length === 0 ? {} : { 'policy rules': rules.map(({ name }) => name).join(', ') }),
  }
}

export function questionTitle(question: Question): string {
  switch (question.fact) {
    case 'volume':
      return `Volume ${question.volumeId}`
    case 'attachments':
      return `Attachments of volume ${question.volumeId}`
    case 'attachment':
      return `Attachment ${question.attachmentId}`
    case 'object':
      return `Object in ${question.collection}: ${question.id}`
    case 'remote':
      return `Answer of the policy server to the rule ${question.rule}`
    case 'serverVolume':
      return `Does Nova use volume ${question.volumeId} on server ${question.serverId}?`
  }
}

/** An answer in one line. */
export function answerText({ fact }: Question, answer: unknown): string {
  if (typeof answer === 'string') return ABSENT[answer] ?? answer
  switch (fact) {
    case 'volume':
      return volumeText(answer as Volume)
    case 'attachments':
      return listText(answer as readonly Attachment[])
    case 'attachment':
      return `of volume ${(answer as { volumeId: string }).volumeId}`
    case 'remote':
      return answer === true ? 'allowed' : 'not allowed'
    case 'serverVolume': {
      const { attachmentId, comparable } = answer as Exclude<Facts['serverVolume']['answer'], string>
      return comparable
        ? `yes, by attachment ${attachmentId ?? 'without id'}`
        : 'yes (this Nova does not tell which attachment)'
    }
    case 'object':
      return 'there'
  }
}

const ABSENT: Readonly<Record<string, string>> = {
  absent: 'not there, or not visible to the caller',
  'not-authorized': 'Cinder refuses to show it',
  hidden: 'Cinder refuses to show it',
  unknown: 'this Cinder cannot list them (before microversion 3.27)',
  forbidden: 'Nova refuses to say (403)',
  unauthorized: 'Nova does not accept the token (401)',
}

function volumeText({ status, projectId, migrationStatus }: Volume): string {
  const project = projectId === null ? '' : `, project ${projectId}`
  return `${status}${project}${migrationStatus === null ? '' : `, migration ${migrationStatus}`}`
}

function listText(attachments: readonly Attachment[]): string {
  if (attachments.length === 0) return 'none'
  return attachments
    .map(({ id, serverId, status, connected }) => {
      const server = serverId === null ? 'no server' : `server ${serverId}`
      return `${id} (${status}, ${server}, ${connected ? 'connected' : 'not connected'})`
    })
    .join('; ')
}

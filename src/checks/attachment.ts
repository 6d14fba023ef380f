import { type Rejection, reject } from '../http/rejection.ts'
import type { GuardedOperation } from '../operation/operation.ts'
import { ALLOW, type Answer, type Attachment, ask, type Check, type Known, type Volume } from './check.ts'

/**
 * "Nova is not using it": the safety check of bug 2004555 (CVE-2023-2088), as Cinder's
 * `attachment_deletion_allowed` decides it. os-force_detach is two operations in one, terminating the connection
 * (which names no attachment) and then detaching; here is the first of them, and below the second.
 */
export const connectionCheck: Check = {
  name: 'connection',
  decide(operation, identity, known) {
    if (identity.isService) return ALLOW
    const concerned =
      operation.kind === 'volume-force-detach' || operation.kind === 'volume-terminate-connection'
    return concerned ? byVolume(operation, null, known) : ALLOW
  },
}

export const detachCheck: Check = {
  name: 'detach',
  decide(operation, identity, known) {
    if (identity.isService) return ALLOW
    switch (operation.kind) {
      case 'attachment-delete':
        return byAttachment(operation.attachmentId, known)
      case 'volume-migrate-completion':
        return migrateCompletion(operation, known)
      case 'volume-detach':
      case 'volume-force-detach':
        return byVolume(operation, operation.attachmentId, known)
      default:
        return ALLOW
    }
  },
}

type VolumeOperation = Exclude<GuardedOperation, { kind: 'attachment-delete' }>

function byVolume(operation: VolumeOperation, named: string | null, known: Known): Answer {
  const volumeQuestion = { fact: 'volume', volumeId: operation.volumeId } as const
  const volume = known.get(volumeQuestion)
  const listQuestion = listOf(operation.volumeId, volume)
  const attachments = known.get(listQuestion)
  if (volume === undefined || attachments === undefined) return ask(volumeQuestion, listQuestion)
  if (volume === 'absent') return reject('volume_not_found', { volume: operation.volumeId })
  if (volume === 'not-authorized') return reject('not_authorized')
  if (operation.kind === 'volume-detach' && operation.nullBody) return reject('null_body')
  if (attachments === 'unknown') return reject('attachment_ambiguous')
  if (isShort(attachments, volume)) return reject('undecided')
  if (named === null || named === '') {
    const [only, second] = attachments
    if (only === undefined) return ALLOW
    return second === undefined ? novaUses(only, volume, known) : reject('attachment_ambiguous')
  }
  return byName(named, volume, attachments, known)
}

/**
 * The attachments are those of the volume by Cinder's own spelling of its id, as soon as that is known: a database
 * may find a volume by another spelling, and an empty list must never come of the client's.
 */
function listOf(typed: string, volume: Volume | 'absent' | 'not-authorized' | undefined) {
  return { fact: 'attachments', volumeId: typeof volume === 'object' ? volume.id : typed } as const
}

/** The list has every row that the volume's own view has, and more; one that has fewer is not to be believed. */
function isShort(attachments: readonly Attachment[], { view }: Volume): boolean {
  return Array.isArray(view.attachments) && view.attachments.length > attachments.length
}

/** The named attachment is looked up by Cinder's own spelling of its id, never by the client's. */
function byName(named: string, volume: Volume, attachments: readonly Attachment[], known: Known): Answer {
  const listed = attachments.find((attachment) => attachment.id === named)
  if (listed !== undefined) return novaUses(listed, volume, known)
  const question = { fact: 'attachment', attachmentId: named } as const
  const found = known.get(question)
  if (found === undefined) return ask(question)
  if (found === 'absent') return reject('attachment_ambiguous')
  if (found === 'hidden' || found.volumeId !== volume.id) return reject('attachment_mismatch')
  const spelt = attachments.find((attachment) => attachment.id === found.id)
  return spelt === undefined ? reject('undecided') : novaUses(spelt, volume, known)
}

function byAttachment(attachmentId: string, known: Known): Answer {
  const question = { fact: 'attachment', attachmentId } as const
  const found = known.get(question)
  if (found === undefined) return ask(question)
  if (found === 'absent') return reject('attachment_not_found', { attachment: attachmentId })
  if (found === 'hidden') return reject('undecided')
  const listQuestion = { fact: 'attachments', volumeId: found.volumeId } as const
  const attachments = known.get(listQuestion)
  if (attachments === undefined) return ask(listQuestion)
  if (attachments === 'unknown') return reject('attachment_ambiguous')
  const listed = attachments.find((attachment) => attachment.id === found.id)
  return listed === undefined ? reject('undecided') : novaUses(listed, null, known)
}

/** Steps 6 to 9: an attachment without server or connection is nobody's; otherwise Nova must say. */
function novaUses(attachment: Attachment, volume: Volume | null, known: Known): Answer {
  if (volume !== null && volume.id !== attachment.volumeId) return reject('attachment_mismatch')
  if (attachment.serverId === null || !attachment.connected) return ALLOW
  const question = {
    fact: 'serverVolume',
    serverId: attachment.serverId,
    volumeId: attachment.volumeId,
  } as const
  const nova = known.get(question)
  if (nova === undefined) return ask(question)
  if (nova === 'absent') return ALLOW
  if (nova === 'forbidden') return reject('nova_forbidden')
  if (nova === 'unauthorized') return reject('nova_unauthorized')
  if (nova.comparable && nova.attachmentId !== attachment.id) return ALLOW
  return inUse(attachment.serverId)
}

function inUse(server: string): Rejection {
  return reject('attachment_in_use', { server })
}

/**
 * Completing a migration that is not under way detaches every attachment of the source, so each is checked; the
 * maintenance test stands after each check in Cinder, so it decides before a second attachment is looked at.
 */
function migrateCompletion(
  operation: VolumeOperation & { kind: 'volume-migrate-completion' },
  known: Known,
): Answer {
  const volumeQuestion = { fact: 'volume', volumeId: operation.volumeId } as const
  const newQuestion = { fact: 'volume', volumeId: operation.newVolumeId } as const
  const volume = known.get(volumeQuestion)
  const listQuestion = listOf(operation.volumeId, volume)
  const newVolume = known.get(newQuestion)
  const attachments = known.get(listQuestion)
  if (volume === undefined || newVolume === undefined || attachments === undefined) {
    return ask(volumeQuestion, newQuestion, listQuestion)
  }
  if (volume === 'absent') return reject('volume_not_found', { volume: operation.volumeId })
  if (newVolume === 'absent') return reject('volume_not_found', { volume: operation.newVolumeId })
  if (volume === 'not-authorized' || newVolume === 'not-authorized') return reject('not_authorized')
  if (volume.migrationStatus !== null || newVolume.migrationStatus !== null || operation.error) return ALLOW
  if (attachments === 'unknown') return reject('attachment_ambiguous')
  if (isShort(attachments, volume)) return reject('undecided')
  for (const attachment of attachments) {
    const answer = novaUses(attachment, volume, known)
    if (answer.verdict !== 'allow') return answer
    if (volume.status === 'maintenance') return reject('volume_in_maintenance')
  }
  return ALLOW
}

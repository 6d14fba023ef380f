import { type Identity, projectOf } from '../identity/identity.ts'
import type { ObjectCollection, RuleTarget } from '../operation/operation.ts'
import { type Asker, ATTRIBUTES, type ObjectFamily, targetFrom } from '../policy/attributes.ts'
import { UNKNOWN } from '../policy/template.ts'
import { type Ask, ask, type Facts, type Known, type Volume } from './check.ts'

type Target = Readonly<Record<string, unknown>>

/** What a rule is judged against; or that it is not there, or is not for this caller; or what must be asked first. */
export type Found = { readonly target: Target } | 'absent' | 'not-authorized' | Ask

/** What the objects of a collection are to rules. */
export const FAMILIES: Readonly<Record<ObjectCollection, ObjectFamily>> = {
  snapshots: 'snapshot',
  backups: 'backup',
  groups: 'group',
  group_snapshots: 'group_snapshot',
  messages: 'message',
  types: 'volume_type',
  'volume-transfers': 'volume',
}

export function askerOf({ user }: Identity, isAdmin: boolean): Asker {
  return { userId: user.userId, projectId: projectOf(user), isAdmin }
}

/** The target of which nothing is known, or null where nothing need be: for a first try before anything is fetched. */
export function unknownTarget(target: RuleTarget, reads: ReadonlySet<string>, asker: Asker): Target | null {
  if (target.kind === 'context' || target.kind === 'project') return null
  const family =
    target.kind === 'object'
      ? FAMILIES[target.collection]
      : target.kind === 'attachment'
        ? 'attachment'
        : 'volume'
  const { shown, never, user } = ATTRIBUTES[family]
  const unknown: Record<string, unknown> = user === 'caller' ? { user_id: asker.userId } : {}
  for (const name of reads)
    if (!Object.hasOwn(unknown, name) && (Object.hasOwn(shown, name) || never.includes(name)))
      unknown[name] = UNKNOWN
  if (family === 'volume_type') unknown.project_id = asker.projectId
  else if (reads.has('project_id')) unknown.project_id = UNKNOWN
  return unknown
}

/** Finds the target of a rule among what is known. */
export function findTarget(target: RuleTarget, asker: Asker, known: Known): Found {
  switch (target.kind) {
    case 'context':
      return { target: { project_id: asker.projectId, user_id: asker.userId } }
    case 'project':
      return { target: { project_id: target.projectId } }
    case 'volume':
      return volumeAt(target.volumeId, asker, known)
    case 'transfer': {
      const question = { fact: 'object', collection: 'volume-transfers', id: target.transferId } as const
      const transfer = known.get(question)
      if (transfer === undefined) return ask(question)
      if (transfer === 'absent') return 'absent'
      const volumeId = transfer === 'hidden' ? undefined : transfer.volume_id
      if (typeof volumeId !== 'string') return { target: targetFrom('volume', null, asker) }
      return volumeAt(volumeId, asker, known)
    }
    case 'attachment': {
      const question = { fact: 'attachment', attachmentId: target.attachmentId } as const
      const attachment = known.get(question)
      if (attachment === undefined) return ask(question)
      if (attachment === 'absent') return 'absent'
      const seen = seenAttachment(target.attachmentId, attachment, asker, known)
      return isAsk(seen) ? seen : { target: seen }
    }
    case 'object': {
      const question = { fact: 'object', collection: target.collection, id: target.id } as const
      const object = known.get(question)
      if (object === undefined) return ask(question)
      if (object === 'absent') return 'absent'
      return { target: targetFrom(FAMILIES[target.collection], object === 'hidden' ? null : object, asker) }
    }
  }
}

function volumeAt(volumeId: string, asker: Asker, known: Known): Found {
  const question = { fact: 'volume', volumeId } as const
  const volume = known.get(question)
  if (volume === undefined) return ask(question)
  if (typeof volume === 'string') return volume
  return { target: volumeTarget(volume, asker) }
}

/** A volume as Cinder's rules see it. */
export function volumeTarget(volume: Volume, asker: Asker): Target {
  const target = targetFrom('volume', volume.view, asker)
  target.id = volume.id
  target.status = volume.status
  if (volume.userId !== null) target.user_id = volume.userId
  if (volume.projectId !== null) target.project_id = volume.projectId
  return target
}

/** An attachment that is there, as Cinder's rules see it; or what must be known first. */
export function seenAttachment(
  attachmentId: string,
  attachment: Exclude<Facts['attachment']['answer'], 'absent'>,
  asker: Asker,
  known: Known,
): Target | Ask {
  // Of a volume that the caller cannot see, which is another project's.
  if (attachment === 'hidden') {
    const { project_id: _, ...target } = targetFrom('attachment', null, asker)
    return { ...target, id: attachmentId }
  }
  const question = { fact: 'volume', volumeId: attachment.volumeId } as const
  const volume = known.get(question)
  return volume === undefined ? ask(question) : attachmentTarget(attachment, volume, asker)
}

export const isAsk = (found: Target | Ask): found is Ask => 'verdict' in found && found.verdict === 'ask'

/** An attachment as Cinder's rules see it: with the project of its volume, and the caller for its user. */
function attachmentTarget(
  attachment: Exclude<Facts['attachment']['answer'], string>,
  volume: Volume | string,
  asker: Asker,
): Target {
  const { id, volumeId, view } = attachment
  const target = targetFrom('attachment', { ...view, id, volume_id: volumeId }, asker)
  // A volume that the caller cannot see is another project's: the target then has no project at all.
  if (typeof volume === 'string') delete target.project_id
  else target.project_id = volumeTarget(volume, asker).project_id
  return target
}

import type { Attachment, Facts } from '../checks/check.ts'

/** An attachment record that Cinder and Nova do not agree on. */
export interface Disagreement {
  readonly attachment: Attachment
  readonly kind: 'unknown-to-nova' | 'other-attachment' | 'not-told'
  readonly what: string
  /** Commands that are safe, or nothing where none is. */
  readonly commands: readonly string[]
}

type NovaAnswer = Facts['serverVolume']['answer']

/**
 * What Nova says of one connected attachment record, against what Cinder has.
 * @param others further records of the same volume
 * @param seesAll whether Nova shows every project's servers to the asker: to others a server of another project is
 *   as absent as one that is gone, and its record must not be deleted
 * @returns null when both agree, or when there is nothing to compare
 */
export function compareAttachment(
  attachment: Attachment,
  nova: NovaAnswer,
  others: readonly Attachment[],
  seesAll: boolean,
): Disagreement | null {
  const { id, serverId, volumeId } = attachment
  if (serverId === null || !attachment.connected) return null
  if (nova === 'absent' && !seesAll)
    return {
      attachment,
      kind: 'not-told',
      what: `Nova shows this account no volume ${volumeId} on server ${serverId}: left over, or the server is another project's. An admin's token tells.`,
      commands: [],
    }
  if (nova === 'absent')
    return {
      attachment,
      kind: 'unknown-to-nova',
      what: `Nova knows no volume ${volumeId} on server ${serverId}: the record is left over.`,
      commands: [deletion(id)],
    }
  if (nova === 'forbidden' || nova === 'unauthorized')
    return {
      attachment,
      kind: 'not-told',
      what: `Nova does not tell this account about server ${serverId}.`,
      commands: [],
    }
  if (!nova.comparable || nova.attachmentId === id) return null
  const shared = others.some((other) => other.serverId === serverId && other.connected)
  return {
    attachment,
    kind: 'other-attachment',
    what: shared
      ? `Server ${serverId} uses the volume by another attachment, ${nova.attachmentId ?? 'unnamed'}, perhaps over the same connection: deleting this record could cut it.`
      : `Server ${serverId} uses the volume by another attachment, ${nova.attachmentId ?? 'unnamed'}.`,
    commands: shared
      ? [`openstack server remove volume ${serverId} ${volumeId}`, `# then: ${deletion(id)}`]
      : [deletion(id)],
  }
}

function deletion(id: string): string {
  return `openstack --os-volume-api-version 3.44 volume attachment delete ${id}`
}

import type { Attachment, Facts } from '../checks/check.ts'

/** Something about a volume that Cinder and Nova do not agree on. */
export interface Disagreement {
  /** Cinder's record; null where Nova uses a volume that Cinder has no record for. */
  readonly attachment: Attachment | null
  readonly serverId: string
  readonly volumeId: string
  readonly kind: 'unknown-to-nova' | 'other-attachment' | 'not-told' | 'only-nova'
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
  const about = { attachment, serverId, volumeId }
  if (nova === 'absent' && !seesAll)
    return {
      ...about,
      kind: 'not-told',
      what: `Nova shows this account no volume ${volumeId} on server ${serverId}: the record is stale, or the server belongs to another project. Run the audit as an admin to tell.`,
      commands: [],
    }
  if (nova === 'absent')
    return {
      ...about,
      kind: 'unknown-to-nova',
      what: `Nova knows no volume ${volumeId} on server ${serverId}: the record is stale, unless something other than Nova (such as Ironic) attached it.`,
      commands: [deletion(id)],
    }
  if (nova === 'forbidden' || nova === 'unauthorized')
    return {
      ...about,
      kind: 'not-told',
      what: `Nova does not let this account see server ${serverId}.`,
      commands: [],
    }
  if (!nova.comparable || nova.attachmentId === id) return null
  return { ...about, kind: 'other-attachment', ...otherAttachment(attachment, nova.attachmentId, others) }
}

/**
 * Nova uses the volume on this record's server under another id. Only where Cinder has that id, and for another
 * server, is this record surely not the connection in use; else deleting it could cut that off under a running
 * server: so Nova lets go first.
 */
function otherAttachment(
  { id, serverId, volumeId }: Attachment,
  used: string | null,
  others: readonly Attachment[],
): Pick<Disagreement, 'what' | 'commands'> {
  const record = others.find((other) => other.id === used)
  const name = used ?? 'without a name'
  if (record !== undefined && record.serverId !== serverId)
    return {
      what: `Server ${serverId} uses the volume through another attachment, ${name}, which Cinder has for server ${record.serverId ?? 'none'}.`,
      commands: [deletion(id)],
    }
  const why =
    record === undefined
      ? 'which Cinder does not have: this record is most likely the connection in use'
      : 'perhaps over the same connection'
  return {
    what: `Server ${serverId} uses the volume through another attachment, ${name}, ${why}. Deleting this record could cut it off.`,
    commands: [
      removal(serverId ?? 'SERVER', volumeId),
      `# then, if the record is still there: ${deletion(id)}`,
    ],
  }
}

/** Nova has the volume on a server, and Cinder has no record of that: what the attack of CVE-2023-2088 leaves. */
export function onlyNova(serverId: string, volumeId: string): Disagreement {
  return {
    attachment: null,
    serverId,
    volumeId,
    kind: 'only-nova',
    what: `Nova has volume ${volumeId} on server ${serverId}, and Cinder has no attachment record of it: the footprint of CVE-2023-2088, or of an interrupted detach. The server's device may by now show somebody else's data.`,
    commands: [
      `openstack server stop ${serverId}`,
      removal(serverId, volumeId),
      "# then on the server's compute host, before it is started again: no device may be left (multipath -ll, iscsiadm -m session -P 3)",
    ],
  }
}

function removal(serverId: string, volumeId: string): string {
  return `openstack server remove volume ${serverId} ${volumeId}`
}

function deletion(id: string): string {
  return `openstack --os-volume-api-version 3.44 volume attachment delete ${id}`
}

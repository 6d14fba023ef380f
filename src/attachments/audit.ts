import type { Attachment, Facts } from '../checks/check.ts'
import { compareAttachment, type Disagreement, onlyNova } from './compare.ts'

export interface AuditSources {
  attachments(): AsyncIterable<Attachment>
  /** Those of one volume, as they are now. */
  attachmentsOf(volumeId: string): Promise<readonly Attachment[] | 'unknown'>
  /** Nova shows the asker every project's servers. */
  readonly seesAll: boolean
  serverVolume(question: Facts['serverVolume']['question']): Promise<Facts['serverVolume']['answer']>
  /** Every server that the asker may see, with the volumes that Nova has on it. */
  servers(): AsyncIterable<{ readonly id: string; readonly volumes: readonly string[] }>
}

export interface AuditResult {
  /** Records looked at, and of them those that Nova was asked about. */
  readonly records: number
  readonly asked: number
  /** Servers whose volumes were looked up in Cinder. */
  readonly servers: number
  readonly disagreements: readonly Disagreement[]
}

/** So many questions at a time. */
const SIDE_BY_SIDE = 4

/**
 * Compares every attachment record with Nova, and every volume that Nova has on a server with the records. Reads
 * only. @throws when Cinder or Nova cannot be asked.
 */
export async function auditAttachments(sources: AuditSources): Promise<AuditResult> {
  const all: Attachment[] = []
  for await (const attachment of sources.attachments()) all.push(attachment)
  const byVolume = Map.groupBy(all, ({ volumeId }) => volumeId)
  const connected = all.filter(({ serverId, connected: is }) => serverId !== null && is)
  const compared = await sideBySide(connected, async (attachment) => {
    const { serverId, volumeId } = attachment
    if (serverId === null) return null
    const nova = await sources.serverVolume({ serverId, volumeId })
    const others = (byVolume.get(volumeId) ?? []).filter(({ id }) => id !== attachment.id)
    return compareAttachment(attachment, nova, others, sources.seesAll)
  })

  let servers = 0
  const unrecorded: { serverId: string; volumeId: string }[] = []
  for await (const { id: serverId, volumes } of sources.servers()) {
    servers += 1
    for (const volumeId of volumes)
      if (!isRecorded(byVolume.get(volumeId), serverId)) unrecorded.push({ serverId, volumeId })
  }
  const missing = await sideBySide(unrecorded, (place) => confirmed(place, sources))
  return {
    records: all.length,
    asked: connected.length,
    servers,
    disagreements: [...compared, ...missing].filter((disagreement) => disagreement !== null),
  }
}

/** The lists were not read at the same moment: a volume may have been attached or detached between them. */
async function confirmed(
  place: { readonly serverId: string; readonly volumeId: string },
  sources: AuditSources,
): Promise<Disagreement | null> {
  const nova = await sources.serverVolume(place)
  if (typeof nova === 'string') return null
  const records = await sources.attachmentsOf(place.volumeId)
  if (records === 'unknown' || isRecorded(records, place.serverId)) return null
  return onlyNova(place.serverId, place.volumeId)
}

function isRecorded(records: readonly Attachment[] | undefined, server: string): boolean {
  return records?.some(({ serverId }) => serverId === server) === true
}

/** The results in the order of the items. */
async function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const rest = items.entries()
  const worker = async () => {
    for (const [at, item] of rest) results[at] = await work(item)
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
  return results
}

import type { Attachment, Facts } from '../checks/check.ts'
import { compareAttachment, type Disagreement } from './compare.ts'

export interface AuditSources {
  attachments(): AsyncIterable<Attachment>
  /** Nova shows the asker every project's servers. */
  readonly seesAll: boolean
  serverVolume(question: Facts['serverVolume']['question']): Promise<Facts['serverVolume']['answer']>
}

export interface AuditResult {
  /** Records looked at, and of them those that Nova was asked about. */
  readonly records: number
  readonly asked: number
  readonly disagreements: readonly Disagreement[]
}

/** So many questions to Nova at a time. */
const SIDE_BY_SIDE = 4

/** Compares every attachment record with Nova. Reads only. @throws when Cinder or Nova cannot be asked. */
export async function auditAttachments(sources: AuditSources): Promise<AuditResult> {
  const all: Attachment[] = []
  for await (const attachment of sources.attachments()) all.push(attachment)
  const byVolume = Map.groupBy(all, ({ volumeId }) => volumeId)
  const connected = all.filter(({ serverId, connected: is }) => serverId !== null && is)
  const found: (Disagreement | null)[] = []
  const rest = connected.entries()
  const worker = async () => {
    for (const [at, attachment] of rest) {
      const { serverId, volumeId } = attachment
      if (serverId === null) continue
      const nova = await sources.serverVolume({ serverId, volumeId })
      const others = (byVolume.get(volumeId) ?? []).filter(({ id }) => id !== attachment.id)
      found[at] = compareAttachment(attachment, nova, others, sources.seesAll)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
  return {
    records: all.length,
    asked: connected.length,
    disagreements: found.filter((disagreement) => disagreement !== null && disagreement !== undefined),
  }
}

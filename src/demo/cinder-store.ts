import { randomUUID } from 'node:crypto'

export interface Volume {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  name: string
  status: string
  migrationStatus: string | null
  readonly size: number
  readonly multiattach: boolean
  readonly createdAt: string
}

export interface Attachment {
  readonly id: string
  readonly volumeId: string
  /** Instance as the client typed it; null for an attachment to a host. */
  readonly instanceId: string | null
  hostName: string | null
  status: 'reserved' | 'attaching' | 'attached' | 'detached' | 'error_attaching' | 'error_detaching'
  /** null for attachments that were never given a connector. */
  connectionInfo: Record<string, unknown> | null
  mountpoint: string | null
  attachMode: string | null
  attachedAt: string | null
  /** Whether the storage back end still serves this attachment: the guest loses its disk when it turns false. */
  exported: boolean
}

/** The database and the back end of the stand-in Cinder. */
export class CinderStore {
  readonly volumes = new Map<string, Volume>()
  readonly attachments = new Map<string, Attachment>()
  /** The admin metadata `format` that drivers of the NFS kind give their volumes, by volume. */
  readonly formats = new Map<string, string>()

  /** Rows of a volume in any status, newest first, like `volume.volume_attachment`. */
  attachmentsOf(volumeId: string): Attachment[] {
    return [...this.attachments.values()].filter((one) => one.volumeId === volumeId).reverse()
  }

  addVolume(fields: Pick<Volume, 'projectId' | 'userId'> & Partial<Volume>): Volume {
    const volume: Volume = {
      id: randomUUID(),
      name: '',
      status: 'available',
      migrationStatus: null,
      size: 1,
      multiattach: false,
      createdAt: pythonTime(),
      ...fields,
    }
    this.volumes.set(volume.id, volume)
    return volume
  }

  addAttachment(fields: Pick<Attachment, 'volumeId'> & Partial<Attachment>): Attachment {
    const status = fields.status ?? 'attached'
    const attachment: Attachment = {
      id: randomUUID(),
      instanceId: null,
      hostName: null,
      status,
      connectionInfo: null,
      mountpoint: status === 'attached' ? '/dev/vdb' : null,
      attachMode: status === 'reserved' ? null : 'rw',
      attachedAt: status === 'attached' ? pythonTime() : null,
      exported: status === 'attached',
      ...fields,
    }
    this.attachments.set(attachment.id, attachment)
    this.settle(attachment.volumeId)
    return attachment
  }

  /** Removes the row and the connection, whoever still uses it: this Cinder has no guard. */
  detach(attachment: Attachment): void {
    attachment.exported = false
    attachment.status = 'detached'
    this.attachments.delete(attachment.id)
    this.settle(attachment.volumeId)
  }

  removeVolume(volume: Volume): void {
    this.volumes.delete(volume.id)
    for (const attachment of this.attachmentsOf(volume.id)) this.attachments.delete(attachment.id)
  }

  /** Sets the volume's status to what its attachments say. */
  settle(volumeId: string): void {
    const volume = this.volumes.get(volumeId)
    if (!volume) return
    const statuses = this.attachmentsOf(volumeId).map((one) => one.status)
    if (statuses.includes('attached')) volume.status = 'in-use'
    else if (statuses.includes('attaching')) volume.status = 'attaching'
    else if (statuses.includes('reserved')) volume.status = 'reserved'
    else volume.status = 'available'
  }

  clear(): void {
    this.volumes.clear()
    this.attachments.clear()
    this.formats.clear()
  }
}

/** Now, in the form Cinder prints times. */
export function pythonTime(now = new Date()): string {
  return now.toISOString().replace('Z', '000')
}

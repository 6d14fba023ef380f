import { type Call, listed, member, policyDenies, visibleVolume, volumeNotFound } from './cinder-call.ts'
import { type Attachment, pythonTime } from './cinder-store.ts'
import { apiFault, jsonReply } from './faults.ts'
import type { Reply } from './listener.ts'

/** `GET /attachments` and `GET /attachments/detail`. */
export function listAttachments(call: Call, detail: boolean): Reply {
  const { store, query } = call
  const rows = [...store.attachments.values()].reverse().filter((row) => {
    const fields = {
      volume_id: row.volumeId,
      status: row.status,
      attach_status: row.status,
      instance_id: row.instanceId,
    }
    return Object.entries(fields).every(([name, value]) => (query.get(name) ?? value) === value)
  })
  const seen = listed(call, rows, (row) => store.volumes.get(row.volumeId)?.projectId)
  return jsonReply(200, { attachments: seen.map(detail ? detailView : summaryView) })
}

/**
 * `GET /attachments/{id}`: no policy and no project filter, as in Cinder itself, which also writes the volume's format
 * into the connection it shows, and stumbles where there is none.
 */
export function showAttachment({ store, parts }: Call): Reply {
  const [id = ''] = parts
  const attachment = store.attachments.get(id)
  if (attachment === undefined) return attachmentNotFound(id)
  const view = detailView(attachment)
  const format = store.formats.get(attachment.volumeId)
  if (format === undefined) return jsonReply(200, { attachment: view })
  if (attachment.connectionInfo === null) return apiFault(400)
  return jsonReply(200, {
    attachment: { ...view, connection_info: { ...attachment.connectionInfo, format } },
  })
}

/** `POST /attachments`: reserves the volume, or connects at once when given a connector. */
export function createAttachment(call: Call): Reply {
  const { volume_uuid, instance_uuid, connector, mode } = member(call.body, 'attachment')
  const volume = visibleVolume(call, volume_uuid)
  if (!volume) return volumeNotFound(String(volume_uuid))
  if (volume.status !== 'available' && !volume.multiattach) {
    const message = `Invalid volume: Volume ${volume.id} status must be available or downloading to reserve, but the current status is ${volume.status}.`
    return apiFault(400, message)
  }
  const attachment = call.store.addAttachment({
    volumeId: volume.id,
    instanceId: typeof instance_uuid === 'string' ? instance_uuid : null,
    status: 'reserved',
    attachMode: typeof mode === 'string' ? mode : null,
  })
  if (connector) connect(call, attachment, connector)
  return jsonReply(200, { attachment: detailView(attachment) })
}

/** `PUT /attachments/{id}`: gives the attachment a connector. */
export function updateAttachment(call: Call): Reply {
  const attachment = ownAttachment(call, 'volume:attachment_update')
  if (!('connectionInfo' in attachment)) return attachment
  const { connector } = member(call.body, 'attachment')
  if (!connector)
    return apiFault(400, "Invalid input for field/attribute attachment. 'connector' is a required property")
  connect(call, attachment, connector)
  return jsonReply(200, { attachment: detailView(attachment) })
}

/** `POST /attachments/{id}/action` with `os-complete`. */
export function completeAttachment(call: Call): Reply {
  const attachment = ownAttachment(call, 'volume:attachment_complete')
  if (!('connectionInfo' in attachment)) return attachment
  attachment.status = 'attached'
  attachment.attachedAt = pythonTime()
  call.store.settle(attachment.volumeId)
  return { status: 204 }
}

/** `DELETE /attachments/{id}`: answers with the summaries of those left. */
export function deleteAttachment(call: Call): Reply {
  const attachment = ownAttachment(call, 'volume:attachment_delete')
  if (!('connectionInfo' in attachment)) return attachment
  call.store.detach(attachment)
  return jsonReply(200, { attachments: call.store.attachmentsOf(attachment.volumeId).map(summaryView) })
}

/** Another project's attachment is found and then refused: 403, not 404. */
function ownAttachment({ store, caller, parts }: Call, rule: string): Attachment | Reply {
  const [id = ''] = parts
  const attachment = store.attachments.get(id)
  if (!attachment) return attachmentNotFound(id)
  const own = store.volumes.get(attachment.volumeId)?.projectId === caller.projectId
  return own || caller.isAdmin ? attachment : policyDenies(rule)
}

function connect({ store }: Call, attachment: Attachment, connector: unknown): void {
  const host = (connector as { host?: unknown }).host
  attachment.hostName = typeof host === 'string' ? host : null
  attachment.connectionInfo = connectionInfo(attachment.volumeId, attachment.id)
  attachment.status = 'attaching'
  attachment.attachMode ??= 'rw'
  attachment.exported = true
  store.settle(attachment.volumeId)
}

/** What a back end over iSCSI hands to the compute host. */
export function connectionInfo(volumeId: string, attachmentId?: string): Record<string, unknown> {
  return {
    driver_volume_type: 'iscsi',
    target_iqn: `iqn.2010-10.org.openstack:volume-${volumeId}`,
    target_portal: '192.0.2.10:3260',
    target_lun: 1,
    access_mode: 'rw',
    auth_method: 'CHAP',
    auth_username: 'chap-user',
    auth_password: 'chap-secret',
    volume_id: volumeId,
    ...(attachmentId ? { attachment_id: attachmentId } : {}),
  }
}

function attachmentNotFound(id: string): Reply {
  return apiFault(404, `Volume attachment could not be found with filter: attachment_id = ${id}.`)
}

function summaryView(attachment: Attachment): Record<string, unknown> {
  const { id, status, instanceId, volumeId } = attachment
  return { id, status, instance: instanceId, volume_id: volumeId }
}

function detailView(attachment: Attachment): Record<string, unknown> {
  return {
    ...summaryView(attachment),
    attached_at: attachment.attachedAt ?? '',
    detached_at: '',
    attach_mode: attachment.attachMode,
    connection_info: attachment.connectionInfo,
  }
}

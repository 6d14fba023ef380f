import { type Call, listed, member, visibleVolume, volumeNotFound } from './cinder-call.ts'
import type { Volume } from './cinder-store.ts'
import { apiFault, jsonReply } from './faults.ts'
import type { Reply } from './listener.ts'

/** `GET /volumes` and `GET /volumes/detail`. */
export function listVolumes(call: Call, detail: boolean): Reply {
  const rows = [...call.store.volumes.values()].reverse().filter((volume) => {
    const { query } = call
    return (['name', 'status'] as const).every((key) => (query.get(key) ?? volume[key]) === volume[key])
  })
  const seen = listed(call, rows, (volume) => volume.projectId)
  return jsonReply(200, {
    volumes: seen.map((volume) => (detail ? detailView(call, volume) : summaryView(call, volume))),
  })
}

/** `GET /volumes/{id}`. */
export function showVolume(call: Call): Reply {
  const [id = ''] = call.parts
  const volume = visibleVolume(call, id)
  return volume ? jsonReply(200, { volume: detailView(call, volume) }) : volumeNotFound(id)
}

/** `POST /volumes`: the answer says `creating`, the next look finds it available. */
export function createVolume(call: Call): Reply {
  const { store, caller } = call
  const { name, size, multiattach } = member(call.body, 'volume')
  if (!Number.isInteger(Number(size ?? Number.NaN)) || Number(size) <= 0) {
    return apiFault(
      400,
      `Invalid input for field/attribute size. Value: ${String(size)}. size must be a positive integer`,
    )
  }
  const volume = store.addVolume({
    projectId: caller.projectId ?? '',
    userId: caller.userId,
    name: typeof name === 'string' ? name : '',
    size: Number(size),
    multiattach: multiattach === true,
  })
  return jsonReply(202, { volume: { ...detailView(call, volume), status: 'creating' } })
}

/** `PUT /volumes/{id}`: the name only. */
export function updateVolume(call: Call): Reply {
  const [id = ''] = call.parts
  const volume = visibleVolume(call, id)
  if (!volume) return volumeNotFound(id)
  const { name } = member(call.body, 'volume')
  if (typeof name === 'string') volume.name = name
  return jsonReply(200, { volume: detailView(call, volume) })
}

/** `DELETE /volumes/{id}`. */
export function deleteVolume(call: Call): Reply {
  const [id = ''] = call.parts
  const volume = visibleVolume(call, id)
  if (!volume) return volumeNotFound(id)
  if (volume.status !== 'available' && !volume.status.startsWith('error')) {
    return apiFault(
      400,
      `Invalid volume: Volume status must be available or error, but current status is: ${volume.status}.`,
    )
  }
  call.store.removeVolume(volume)
  return { status: 202, headers: { 'content-type': 'application/json' } }
}

function summaryView({ caller, publicUrl }: Call, volume: Volume): Record<string, unknown> {
  const project = caller.projectId ? `/${caller.projectId}` : ''
  const links = [
    { rel: 'self', href: `${publicUrl}/v3${project}/volumes/${volume.id}` },
    { rel: 'bookmark', href: `${publicUrl}${project}/volumes/${volume.id}` },
  ]
  return { id: volume.id, name: volume.name, links }
}

function detailView(call: Call, volume: Volume): Record<string, unknown> {
  const { store, caller } = call
  // Only finished attachments show here; the attachments resource has all of them.
  const attached = store.attachmentsOf(volume.id).filter((one) => one.status === 'attached')
  return {
    ...summaryView(call, volume),
    status: volume.status,
    size: volume.size,
    availability_zone: 'nova',
    created_at: volume.createdAt,
    updated_at: volume.createdAt,
    description: null,
    volume_type: 'lvmdriver-1',
    snapshot_id: null,
    source_volid: null,
    metadata: {},
    user_id: volume.userId,
    bootable: 'false',
    encrypted: false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: attached.map((one) => ({
      id: volume.id,
      attachment_id: one.id,
      volume_id: volume.id,
      server_id: one.instanceId,
      host_name: one.hostName,
      device: one.mountpoint,
      attached_at: one.attachedAt,
    })),
    'os-vol-tenant-attr:tenant_id': volume.projectId,
    ...(caller.isAdmin
      ? {
          'os-vol-host-attr:host': 'storage-1@lvm#pool',
          'os-vol-mig-status-attr:migstat': volume.migrationStatus,
          'os-vol-mig-status-attr:name_id': null,
        }
      : {}),
  }
}

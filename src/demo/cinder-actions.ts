import { connectionInfo } from './cinder-attachments.ts'
import { type Call, policyDenies, visibleVolume, volumeNotFound } from './cinder-call.ts'
import type { Attachment, Volume } from './cinder-store.ts'
import { apiFault, jsonReply } from './faults.ts'
import type { Reply } from './listener.ts'

type Input = Readonly<Record<string, unknown>>
type Perform = (call: Call, volume: Volume, input: Input) => Reply

interface Action {
  /** Rule that only an admin passes; without it, every user of the project may. */
  readonly admin?: string
  readonly perform: Perform
}

const ACCEPTED: Reply = { status: 202, headers: { 'content-type': 'application/json' } }
const ADMIN = 'volume_extension:volume_admin_actions'

/** Volume actions of a Cinder without the attachment guard. */
const ACTIONS: Readonly<Record<string, Action>> = Object.assign(Object.create(null), {
  'os-detach': { perform: detach },
  'os-force_detach': { admin: `${ADMIN}:force_detach`, perform: forceDetach },
  'os-terminate_connection': { perform: terminateConnection },
  'os-migrate_volume_completion': { admin: `${ADMIN}:migrate_volume_completion`, perform: completeMigration },
  'os-reset_status': { admin: `${ADMIN}:reset_status`, perform: resetStatus },
  'os-force_delete': { admin: `${ADMIN}:force_delete`, perform: forceDelete },
  'os-migrate_volume': { admin: `${ADMIN}:migrate_volume`, perform: accept },
  'os-attach': { perform: attach },
  'os-reserve': { perform: moveStatus('attaching', 'available') },
  'os-unreserve': { perform: unreserve },
  'os-begin_detaching': { perform: moveStatus('detaching', 'in-use') },
  'os-roll_detaching': { perform: moveStatus('in-use', 'detaching') },
  'os-initialize_connection': { perform: initializeConnection },
  'os-extend': { perform: accept },
  'os-retype': { perform: accept },
  'os-set_bootable': { perform: accept },
  'os-update_readonly_flag': { perform: accept },
  'os-set_image_metadata': { perform: accept },
} satisfies Record<string, Action>)

export function isVolumeAction(name: string): boolean {
  return name in ACTIONS
}

/** `POST /volumes/{id}/action`, the action's name already known. */
export function actOnVolume(call: Call, name: string): Reply {
  const [id = ''] = call.parts
  const value = (call.body as Record<string, unknown>)[name]
  const action = ACTIONS[name]
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject && !(value === null && name !== 'os-force_detach')) {
    const types = name === 'os-detach' ? "'object', 'null'" : "'object'"
    const message = `Value: ${pythonName(value)}. ${pythonName(value)} is not of type ${types}`
    return apiFault(400, `Invalid input for field/attribute ${name}. ${message}`)
  }
  if (name === 'os-terminate_connection' && !(isObject && 'connector' in value)) {
    const message = `Value: ${isObject ? '{}' : 'None'}. 'connector' is a required property`
    return apiFault(400, `Invalid input for field/attribute ${name}. ${message}`)
  }
  const volume = visibleVolume(call, id)
  if (!volume) return volumeNotFound(id)
  if (!isObject && name === 'os-detach') return apiFault(500)
  if (action?.admin && !call.caller.isAdmin) return policyDenies(action.admin)
  return action ? action.perform(call, volume, (value ?? {}) as Input) : apiFault(400)
}

function detach({ store }: Call, volume: Volume, { attachment_id }: Input): Reply {
  if (volume.status === 'maintenance') {
    return apiFault(400, 'Invalid volume: The volume cannot be detached in maintenance mode.')
  }
  const rows = store.attachmentsOf(volume.id)
  if (attachment_id) {
    const row = rows.find((one) => one.id === attachment_id)
    const filter = `Volume attachment could not be found with filter: attachment_id = ${attachment_id}.`
    if (!row) return apiFault(400, `Error detaching volume - VolumeAttachmentNotFound: ${filter}`)
    store.detach(row)
    return ACCEPTED
  }
  if (rows.length > 1) {
    const why =
      'Invalid volume: Detach volume failed: More than one attachment, but no attachment_id provided.'
    return apiFault(400, `Error detaching volume - InvalidVolume: ${why}`)
  }
  for (const row of rows) store.detach(row)
  store.settle(volume.id)
  return ACCEPTED
}

function terminateConnection(call: Call, volume: Volume, { connector }: Input): Reply {
  const host = (connector as { host?: unknown } | null)?.host
  const served = (row: Attachment) => host === undefined || row.hostName === null || row.hostName === host
  for (const row of call.store.attachmentsOf(volume.id).filter(served)) row.exported = false
  return unreserve(call, volume)
}

function forceDetach(call: Call, volume: Volume, input: Input): Reply {
  terminateConnection(call, volume, input)
  return detach(call, volume, input)
}

function completeMigration(call: Call, volume: Volume, { new_volume, error }: Input): Reply {
  const target = visibleVolume(call, new_volume)
  if (!target) return volumeNotFound(String(new_volume))
  if (!volume.migrationStatus && !target.migrationStatus && !error) {
    for (const row of call.store.attachmentsOf(volume.id)) {
      call.store.detach(row)
      const { instanceId, hostName, mountpoint } = row
      call.store.addAttachment({ volumeId: target.id, instanceId, hostName, mountpoint })
    }
  }
  return jsonReply(200, { save_volume_id: target.id })
}

function resetStatus({ store }: Call, volume: Volume, input: Input): Reply {
  const { status, attach_status, migration_status } = input
  if (!status && !attach_status && !migration_status) {
    return apiFault(400, "Must specify 'status', 'attach_status' or 'migration_status' for update.")
  }
  if (attach_status === 'detached') {
    for (const row of store.attachmentsOf(volume.id)) store.attachments.delete(row.id)
  }
  if (typeof status === 'string') volume.status = status
  if (typeof migration_status === 'string') volume.migrationStatus = migration_status
  return ACCEPTED
}

function forceDelete({ store }: Call, volume: Volume): Reply {
  if (store.attachmentsOf(volume.id).some((row) => row.status === 'attached')) {
    return apiFault(400, 'Invalid volume: Volume must not be attached.')
  }
  store.removeVolume(volume)
  return ACCEPTED
}

function attach({ store }: Call, volume: Volume, { instance_uuid, host_name, mountpoint }: Input): Reply {
  store.addAttachment({
    volumeId: volume.id,
    instanceId: typeof instance_uuid === 'string' ? instance_uuid : null,
    hostName: typeof host_name === 'string' ? host_name : null,
    mountpoint: typeof mountpoint === 'string' ? mountpoint : null,
  })
  return ACCEPTED
}

function initializeConnection(_call: Call, volume: Volume): Reply {
  const { driver_volume_type, ...data } = connectionInfo(volume.id)
  return jsonReply(200, { connection_info: { driver_volume_type, data } })
}

function unreserve({ store }: Call, volume: Volume): Reply {
  if (volume.status === 'attaching') store.settle(volume.id)
  return ACCEPTED
}

function moveStatus(to: string, from: string): Perform {
  return (_call, volume) => {
    if (volume.status !== from) {
      return apiFault(
        400,
        `Invalid volume: Volume status must be ${from}, but the current status is ${volume.status}.`,
      )
    }
    volume.status = to
    return ACCEPTED
  }
}

function accept(): Reply {
  return ACCEPTED
}

function pythonName(value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

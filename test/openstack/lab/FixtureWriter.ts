import { createHash } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { LabProject } from './accounts.ts'
import type { LabFixtures } from './LabFixtures.ts'
import type { LabPaths } from './LabLayout.ts'
import type { LabIds } from './writeAccounts.ts'

const now = '2026-01-01 00:00:00.000000'
const cleared = {
  cinder: [
    ...[
      'volume_attachment',
      'attachment_specs',
      'volume_admin_metadata',
      'volume_metadata',
      'volume_glance_metadata',
    ],
    ...[
      'snapshot_metadata',
      'snapshots',
      'transfers',
      'messages',
      'workers',
      'reservations',
      'quota_usages',
      'volumes',
    ],
  ],
  nova: ['block_device_mapping', 'instance_extra', 'instances'],
  novaApi: ['instance_mappings'],
}

/** Always the same UUID for the same text. */
function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

type Row = Record<string, string | number | null>

/** Open databases of a running lab; `reset` puts them into a known state. */
export class FixtureWriter {
  readonly #db: Record<keyof typeof cleared, DatabaseSync>
  readonly #statements = new Map<string, StatementSync>()
  readonly #ids: LabIds
  readonly #volumeType: string
  readonly #cell: number

  constructor(paths: LabPaths, ids: LabIds) {
    const open = (name: keyof typeof cleared) => {
      const db = new DatabaseSync(paths.databases[name], {
        timeout: 20_000,
        enableForeignKeyConstraints: false,
      })
      db.exec('PRAGMA synchronous=OFF')
      return db
    }
    this.#ids = ids
    this.#db = { cinder: open('cinder'), nova: open('nova'), novaApi: open('novaApi') }
    this.#volumeType = String(
      this.#db.cinder.prepare("SELECT id FROM volume_types WHERE name = '__DEFAULT__'").get()?.id,
    )
    this.#cell = Number(
      this.#db.novaApi.prepare("SELECT id FROM cell_mappings WHERE name = 'cell1'").get()?.id,
    )
  }

  /** Deletes all volumes, attachments and servers with what hangs on them, and writes the given ones. */
  reset({ volumes = [], attachments = [], instances = [] }: LabFixtures): void {
    const owner = (project: LabProject) => ({
      project_id: this.#ids.projects[project],
      user_id: this.#ids.users[project === 'other' ? 'outsider' : 'member'],
    })
    this.#write('cinder', () => {
      for (const volume of volumes)
        this.#insert('cinder', 'volumes', {
          ...{
            created_at: now,
            updated_at: now,
            launched_at: now,
            deleted: 0,
            id: volume.id,
            ...owner(volume.project),
          },
          ...{
            host: 'lab@lab#lab',
            size: 1,
            availability_zone: 'nova',
            display_name: 'lab volume',
            bootable: 0,
          },
          ...{ status: volume.status, attach_status: volume.attachStatus, volume_type_id: this.#volumeType },
          ...{ migration_status: volume.migrationStatus ?? null, multiattach: volume.multiattach ? 1 : 0 },
          ...{ shared_targets: 0, use_quota: 1 },
        })
      for (const attachment of attachments)
        this.#insert('cinder', 'volume_attachment', {
          ...{
            created_at: now,
            updated_at: now,
            deleted: 0,
            id: attachment.id,
            volume_id: attachment.volumeId,
          },
          ...{
            instance_uuid: attachment.instanceId,
            attach_status: attachment.attachStatus,
            attach_mode: 'rw',
          },
          ...{ attach_time: now, mountpoint: '/dev/vdb', attached_host: attachment.attachedHost ?? null },
          connection_info: attachment.connectionInfo && JSON.stringify(attachment.connectionInfo),
          connector: attachment.connector ? JSON.stringify(attachment.connector) : null,
        })
    })
    this.#write('nova', () => {
      for (const instance of instances) {
        this.#insert('nova', 'instances', {
          ...{
            created_at: now,
            updated_at: now,
            launched_at: now,
            deleted: 0,
            uuid: instance.id,
            ...owner(instance.project),
          },
          ...{
            power_state: 1,
            vm_state: 'active',
            memory_mb: 64,
            vcpus: 1,
            root_gb: 0,
            ephemeral_gb: 0,
            launch_index: 0,
          },
          ...{
            hostname: 'lab',
            host: 'lab',
            node: 'lab',
            display_name: 'lab server',
            availability_zone: 'nova',
            hidden: 0,
          },
          ...{
            locked: 0,
            progress: 0,
            cleaned: 0,
            root_device_name: '/dev/vda',
            reservation_id: 'r-lab',
            image_ref: '',
          },
        })
        for (const [index, { volumeId, attachmentId }] of instance.attached.entries())
          this.#insert('nova', 'block_device_mapping', {
            ...{
              created_at: now,
              updated_at: now,
              deleted: 0,
              instance_uuid: instance.id,
              volume_id: volumeId,
            },
            ...{
              source_type: 'volume',
              destination_type: 'volume',
              attachment_id: attachmentId,
              volume_size: 1,
            },
            ...{
              device_name: `/dev/vd${String.fromCharCode(98 + index)}`,
              delete_on_termination: 0,
              no_device: 0,
            },
            ...{ connection_info: '{}', boot_index: null, uuid: uuidOf(`${instance.id} ${volumeId}`) },
          })
      }
    })
    this.#write('novaApi', () => {
      for (const { id, project } of instances)
        this.#insert('novaApi', 'instance_mappings', {
          ...{
            created_at: now,
            updated_at: now,
            instance_uuid: id,
            cell_id: this.#cell,
            queued_for_delete: 0,
          },
          ...owner(project),
        })
    })
  }

  /** One row of a table of Cinder's database by id, or undefined: what became of a volume or an attachment. */
  cinderRow(table: 'volumes' | 'volume_attachment', id: string): Record<string, unknown> | undefined {
    return this.#prepare('cinder', `SELECT * FROM ${table} WHERE id = ?`).get(id)
  }

  close(): void {
    for (const db of Object.values(this.#db)) db.close()
  }

  #write(name: keyof typeof cleared, rows: () => void): void {
    const db = this.#db[name]
    db.exec('BEGIN IMMEDIATE')
    try {
      for (const table of cleared[name]) this.#prepare(name, `DELETE FROM ${table}`).run()
      rows()
      db.exec('COMMIT')
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }

  #insert(name: keyof typeof cleared, table: string, row: Row): void {
    const columns = Object.keys(row)
    const marks = columns.map(() => '?').join(', ')
    this.#prepare(name, `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`).run(
      ...Object.values(row),
    )
  }

  #prepare(name: keyof typeof cleared, sql: string): StatementSync {
    const key = `${name} ${sql}`
    const statement = this.#statements.get(key) ?? this.#db[name].prepare(sql)
    this.#statements.set(key, statement)
    return statement
  }
}

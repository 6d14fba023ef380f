import { type Calls, inBody, SEE } from './call-rule.ts'

const SNAPSHOT = 'POST /snapshots/{snapshot_id}/action'
const BACKUP = 'POST /backups/{backup_id}/action'
/** Snapshots and backups. */
export const COPY_CALLS: Calls = {
  // backups
  'GET /backups': ['backup:get_all'],
  'GET /backups/detail': ['backup:get_all'],
  'POST /backups': [
    inBody(SEE.volume, 'backup', 'volume_id'),
    inBody('backup:create', 'backup', 'volume_id'),
    inBody(SEE.snapshot, 'backup', 'snapshot_id'),
  ],
  'GET /backups/{backup_id}': [SEE.backup],
  'PUT /backups/{backup_id}': [SEE.backup, 'backup:update'],
  'DELETE /backups/{backup_id}': [SEE.backup, 'backup:delete'],
  'POST /backups/{backup_id}/restore': [
    SEE.backup,
    'backup:restore',
    { rule: 'volume:create', when: ({ bodyAt }) => bodyAt(['restore', 'volume_id']) == null },
    inBody(SEE.volume, 'restore', 'volume_id'),
  ],
  'POST /backups/import_record': ['backup:backup-import'],
  'GET /backups/{backup_id}/export_record': [SEE.backup, 'backup:export-import'],
  [`${BACKUP} os-reset_status`]: [SEE.backup, 'volume_extension:backup_admin_actions:reset_status'],
  [`${BACKUP} os-force_delete`]: [
    SEE.backup,
    'volume_extension:backup_admin_actions:force_delete',
    'backup:delete',
  ],
  // snapshots
  'GET /snapshots': ['volume:get_all_snapshots'],
  'GET /snapshots/detail': ['volume:get_all_snapshots'],
  'POST /snapshots': [
    inBody(SEE.volume, 'snapshot', 'volume_id'),
    inBody('volume:create_snapshot', 'snapshot', 'volume_id'),
  ],
  'GET /snapshots/{snapshot_id}': [SEE.snapshot],
  'PUT /snapshots/{snapshot_id}': [SEE.snapshot, 'volume:update_snapshot'],
  'DELETE /snapshots/{snapshot_id}': [SEE.snapshot, 'volume:delete_snapshot'],
  'GET /snapshots/{snapshot_id}/metadata': [SEE.snapshot, 'volume:get_snapshot_metadata'],
  'POST /snapshots/{snapshot_id}/metadata': [SEE.snapshot, 'volume:update_snapshot_metadata'],
  'PUT /snapshots/{snapshot_id}/metadata': [SEE.snapshot, 'volume:update_snapshot_metadata'],
  'GET /snapshots/{snapshot_id}/metadata/{key}': [SEE.snapshot, 'volume:get_snapshot_metadata'],
  'PUT /snapshots/{snapshot_id}/metadata/{key}': [SEE.snapshot, 'volume:update_snapshot_metadata'],
  'DELETE /snapshots/{snapshot_id}/metadata/{key}': [
    SEE.snapshot,
    'volume:get_snapshot_metadata',
    'volume:delete_snapshot_metadata',
  ],
  [`${SNAPSHOT} os-reset_status`]: ['volume_extension:snapshot_admin_actions:reset_status'],
  [`${SNAPSHOT} os-update_snapshot_status`]: ['snapshot_extension:snapshot_actions:update_snapshot_status'],
  [`${SNAPSHOT} os-force_delete`]: [
    SEE.snapshot,
    'volume_extension:snapshot_admin_actions:force_delete',
    'volume:delete_snapshot',
  ],
  [`${SNAPSHOT} os-unmanage`]: [
    SEE.snapshot,
    'snapshot_extension:snapshot_unmanage',
    'volume:delete_snapshot',
  ],
}

import { IDS } from '../cases.ts'

const volume_id = IDS.volume
const SNAPSHOT = '40000000-0000-4000-8000-000000000001'
const GROUP = '40000000-0000-4000-8000-000000000003'
const CONNECTOR = { connector: { host: 'h', ip: '10.0.0.1', initiator: 'iqn.a' } }

/** Bodies that pass Cinder's schemas, by operation, or by rule and operation. */
export const BODIES: Readonly<Record<string, object>> = {
  'POST /attachments': { attachment: { volume_uuid: IDS.otherVolume, instance_uuid: IDS.server } },
  'volume:multiattach_bootable_volume POST /attachments': {
    attachment: { volume_uuid: volume_id, instance_uuid: IDS.server },
  },
  'PUT /attachments/{attachment_id}': { attachment: CONNECTOR },
  'POST /backups': { backup: { volume_id, snapshot_id: SNAPSHOT } },
  'PUT /backups/{backup_id}': { backup: { name: 'n' } },
  'POST /backups/{backup_id}/restore': { restore: { volume_id } },
  'volume:create POST /backups/{backup_id}/restore': { restore: { name: 'n' } },
  'POST /backups/import_record': { 'backup-record': { backup_service: 's', backup_url: 'dQ==' } },
  'POST /backups/{backup_id}/action os-reset_status': { 'os-reset_status': { status: 'available' } },
  'PUT /clusters/{cluster_id}': { name: 'c' },
  'PUT /default-types/{project-id}': { default_type: { volume_type: '__DEFAULT__' } },
  'POST /groups': {
    group: {
      name: 'n',
      group_type: '11111111-1111-4111-8111-111111111111',
      volume_types: ['11111111-1111-4111-8111-111111111111'],
    },
  },
  'POST /groups/action create-from-src': {
    'create-from-src': { name: 'n', group_snapshot_id: '40000000-0000-4000-8000-000000000004' },
  },
  'group:get POST /groups/action create-from-src': {
    'create-from-src': { name: 'n', source_group_id: GROUP },
  },
  'POST /consistencygroups': { consistencygroup: { name: 'n', volume_types: '__DEFAULT__' } },
  'POST /consistencygroups/create_from_src': {
    'consistencygroup-from-src': { name: 'n', cgsnapshot_id: '40000000-0000-4000-8000-000000000004' },
  },
  'group:get POST /consistencygroups/create_from_src': {
    'consistencygroup-from-src': { name: 'n', source_cgid: GROUP },
  },
  'PUT /consistencygroups/{group_id}': { consistencygroup: { name: 'n' } },
  'PUT /consistencygroups/{group_id}/update': { consistencygroup: { name: 'n' } },
  'POST /consistencygroups/{group_id}/delete': { consistencygroup: { force: false } },
  'POST /cgsnapshots': { cgsnapshot: { name: 'n', consistencygroup_id: GROUP } },
  'PUT /groups/{group_id}': { group: { name: 'n' } },
  'POST /groups/{group_id}/action delete': { delete: { 'delete-volumes': false } },
  'POST /groups/{group_id}/action reset_status': { reset_status: { status: 'available' } },
  'POST /groups/{group_id}/action failover_replication': {
    failover_replication: { allow_attached_volume: true, secondary_backend_id: 'b' },
  },
  'POST /group_snapshots': {
    group_snapshot: { name: 'n', group_id: '40000000-0000-4000-8000-000000000003' },
  },
  'PUT /group_snapshots/{group_snapshot_id}': { group_snapshot: { name: 'n' } },
  'POST /group_snapshots/{g_snapshot_id}/action reset_status': { reset_status: { status: 'available' } },
  'POST /group_types': { group_type: { name: 'n' } },
  'PUT /group_types/{group_type_id}': { group_type: { name: 'n' } },
  'POST /group_types/{group_type_id}/group_specs': { group_specs: { a: 'b' } },
  'PUT /group_types/{group_type_id}/group_specs/{g_spec_id}': { a: 'b' },
  'PUT /os-hosts/{host_name}': { status: 'enable' },
  'POST /manageable_snapshots': { snapshot: { volume_id, ref: 'r' } },
  'POST /manageable_volumes': { volume: { host: 'h', ref: 'r' } },
  'POST /os-snapshot-manage': { snapshot: { volume_id, ref: 'r' } },
  'POST /os-volume-manage': { volume: { host: 'h', ref: 'r' } },
  'POST /qos-specs': { qos_specs: { name: 'n' } },
  'PUT /qos-specs/{qos_id}': { qos_specs: { a: 'b' } },
  'PUT /qos-specs/{qos_id}/delete_keys': { keys: ['a'] },
  'PUT /os-quota-class-sets/{project_id}': { quota_class_set: { volumes: 5 } },
  'PUT /os-quota-sets/{project_id}': { quota_set: { volumes: 5 } },
  'PUT /os-services/{action}': { binary: 'cinder-volume', host: 'h' },
  'PUT /os-services/freeze': { host: 'h' },
  'PUT /os-services/thaw': { host: 'h' },
  'PUT /os-services/failover_host': { host: 'h' },
  'PUT /os-services/failover': { host: 'h' },
  'POST /snapshots/{snapshot_id}/action os-reset_status': { 'os-reset_status': { status: 'available' } },
  'POST /snapshots/{snapshot_id}/action os-update_snapshot_status': {
    'os-update_snapshot_status': { status: 'available' },
  },
  'POST /snapshots/{snapshot_id}/metadata': { metadata: { a: 'b' } },
  'PUT /snapshots/{snapshot_id}/metadata': { metadata: { a: 'b' } },
  'PUT /snapshots/{snapshot_id}/metadata/{key}': { meta: { a: 'b' } },
  'POST /snapshots': { snapshot: { volume_id } },
  'PUT /snapshots/{snapshot_id}': { snapshot: { name: 'n' } },
  'POST /types': { volume_type: { name: 'n' } },
  'PUT /types/{type_id}': { volume_type: { name: 'n' } },
  'POST /types/{type_id}/extra_specs': { extra_specs: { a: 'b' } },
  'PUT /types/{type_id}/extra_specs/{extra_spec_key}': { a: 'b' },
  'POST /types/{type_id}/action addProjectAccess': { addProjectAccess: { project: 'f'.repeat(32) } },
  'POST /types/{type_id}/action removeProjectAccess': { removeProjectAccess: { project: 'f'.repeat(32) } },
  'POST /types/{type_id}/encryption': { encryption: { provider: 'luks', control_location: 'front-end' } },
  'PUT /types/{type_id}/encryption/{encryption_id}': { encryption: { provider: 'luks' } },
  'POST /volumes/{volume_id}/action os-extend': { 'os-extend': { new_size: 5 } },
  'POST /volumes/{volume_id}/action revert': {
    revert: { snapshot_id: '40000000-0000-4000-8000-000000000001' },
  },
  'POST /volumes/{volume_id}/action os-reset_status': { 'os-reset_status': { status: 'available' } },
  'POST /volumes/{volume_id}/action os-retype': { 'os-retype': { new_type: '__DEFAULT__' } },
  'POST /volumes/{volume_id}/action os-update_readonly_flag': {
    'os-update_readonly_flag': { readonly: true },
  },
  'POST /volumes/{volume_id}/action os-volume_upload_image': {
    'os-volume_upload_image': { image_name: 'n', visibility: 'private' },
  },
  'volume_extension:volume_actions:upload_public POST /volumes/{volume_id}/action os-volume_upload_image': {
    'os-volume_upload_image': { image_name: 'n', visibility: 'public' },
  },
  'POST /volumes/{volume_id}/action os-migrate_volume': { 'os-migrate_volume': { host: 'h' } },
  'POST /volumes/{volume_id}/action os-migrate_volume_completion': {
    'os-migrate_volume_completion': { new_volume: IDS.otherVolume },
  },
  'POST /volumes/{volume_id}/action os-initialize_connection': { 'os-initialize_connection': CONNECTOR },
  'POST /volumes/{volume_id}/action os-terminate_connection': { 'os-terminate_connection': CONNECTOR },
  'POST /volumes/{volume_id}/action os-attach': {
    'os-attach': { instance_uuid: IDS.server, mountpoint: '/dev/vdb' },
  },
  'POST /volumes/{volume_id}/action os-reimage': { 'os-reimage': { image_id: IDS.server } },
  'POST /volumes/{volume_id}/action os-set_bootable': { 'os-set_bootable': { bootable: true } },
  'POST /volumes/{volume_id}/action os-set_image_metadata': {
    'os-set_image_metadata': { metadata: { a: 'b' } },
  },
  'POST /volumes/{volume_id}/action os-unset_image_metadata': { 'os-unset_image_metadata': { key: 'a' } },
  'POST /volumes/{volume_id}/metadata': { metadata: { a: 'b' } },
  'PUT /volumes/{volume_id}/metadata': { metadata: { a: 'b' } },
  'PUT /volumes/{volume_id}/metadata/{key}': { meta: { a: 'b' } },
  'POST /volumes': { volume: { size: 1 } },
  'volume:create_from_image POST /volumes': { volume: { size: 1, imageRef: IDS.server } },
  'volume:get_snapshot POST /volumes': { volume: { size: 1, snapshot_id: SNAPSHOT } },
  'volume:get POST /volumes': { volume: { size: 1, source_volid: volume_id } },
  'group:get POST /volumes': { volume: { size: 1, group_id: GROUP } },
  'backup:get POST /volumes': { volume: { size: 1, backup_id: '40000000-0000-4000-8000-000000000002' } },
  'PUT /volumes/{volume_id}': { volume: { name: 'n' } },
  'POST /os-volume-transfer': { transfer: { volume_id, name: 'n' } },
  'POST /volume-transfers': { transfer: { volume_id, name: 'n' } },
  'POST /os-volume-transfer/{transfer_id}/accept': { accept: { auth_key: 'k' } },
  'POST /volume-transfers/{transfer_id}/accept': { accept: { auth_key: 'k' } },
  'POST /workers/cleanup': {},
}

/** What a rule wants in the query before it counts. */
export const QUERIES: Readonly<Record<string, string>> = {
  'volume:force_delete': '?force=true',
  'volume_extension:list_manageable': '?host=h',
  'snapshot_extension:list_manageable': '?host=h',
}

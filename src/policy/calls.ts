import { isForced, isSince } from './asked-if.ts'
import type { ApiCall } from './operations.ts'

/** A rule that Cinder asks only for some calls of its operation, or of an object that the body names. */
export interface CallRule {
  readonly rule: string
  /** Where in the body the id of the rule's target is; without it the path's first slot. */
  readonly at?: readonly string[]
  /** Asked only of calls like this. */
  readonly when?: (call: ApiCall) => boolean
  /** Asked only while the volume is in this status, or only while it is not. */
  readonly onlyWhile?: string
  readonly exceptWhile?: string
  /** Cinder answers 403 here, though it hides the volume elsewhere. */
  readonly openly?: true
}

const V = 'volume_extension:volume_actions'
const ADMIN = 'volume_extension:volume_admin_actions'
const VOLUME = 'POST /volumes/{volume_id}/action'
const SNAPSHOT = 'POST /snapshots/{snapshot_id}/action'
const BACKUP = 'POST /backups/{backup_id}/action'
const GROUP = 'POST /groups/{group_id}/action'
/** What Cinder asks when it looks an object up. */
const SEE = {
  volume: 'volume:get',
  snapshot: 'volume:get_snapshot',
  backup: 'backup:get',
  group: 'group:get',
  groupSnapshot: 'group:get_group_snapshot',
} as const
/** Rules that only look an object up, wherever another rule follows. */
export const LOOKS: ReadonlySet<string> = new Set(Object.values(SEE))

const inBody = (rule: string, ...at: string[]): CallRule => ({ rule, at })
const transfers = (path: string): Readonly<Record<string, readonly (string | CallRule)[]>> => ({
  [`GET ${path}`]: ['volume:get_all_transfers'],
  [`GET ${path}/detail`]: ['volume:get_all_transfers'],
  [`POST ${path}`]: [inBody('volume:create_transfer', 'transfer', 'volume_id')],
  [`GET ${path}/{transfer_id}`]: ['volume:get_transfer'],
  [`POST ${path}/{transfer_id}/accept`]: ['volume:accept_transfer'],
  [`DELETE ${path}/{transfer_id}`]: ['volume:delete_transfer'],
})

/**
 * Every call of the block storage API that Cinder 21 serves, as `METHOD /path action` below /v3 and the project, with
 * the rules that Cinder asks for it, in its order: read in its source, as the documentation of its rules leaves out
 * some of the calls and all of the order. Rules that hide parts of an answer, or come up at a later stage, are not
 * here: see NOT_ENFORCED.
 */
export const CALLS: Readonly<Record<string, readonly (string | CallRule)[]>> = {
  // attachments: reading them asks no rule
  'GET /attachments': [],
  'GET /attachments/detail': [],
  'GET /attachments/summary': [],
  'GET /attachments/{attachment_id}': [],
  'POST /attachments': [inBody('volume:attachment_create', 'attachment', 'volume_uuid')],
  'PUT /attachments/{attachment_id}': ['volume:attachment_update'],
  'DELETE /attachments/{attachment_id}': ['volume:attachment_delete'],
  'POST /attachments/{attachment_id}/action os-complete': ['volume:attachment_complete'],

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

  // capabilities, clusters, default types
  'GET /capabilities/{host_name}': ['volume_extension:capabilities'],
  'GET /clusters': ['clusters:get_all'],
  'GET /clusters/detail': ['clusters:get_all'],
  'GET /clusters/{cluster_id}': ['clusters:get'],
  'PUT /clusters/{cluster_id}': ['clusters:update'],
  'GET /default-types': ['volume_extension:default_get_all'],
  'GET /default-types/{project-id}': ['volume_extension:default_get'],
  'PUT /default-types/{project-id}': ['volume_extension:default_set_or_update'],
  'DELETE /default-types/{project-id}': ['volume_extension:default_unset'],

  // groups, group snapshots, and what came before them
  'GET /groups': ['group:get_all'],
  'GET /groups/detail': ['group:get_all'],
  'POST /groups': ['group:create'],
  'POST /groups/action create-from-src': [
    inBody(SEE.groupSnapshot, 'create-from-src', 'group_snapshot_id'),
    inBody(SEE.group, 'create-from-src', 'source_group_id'),
    'group:create',
  ],
  'GET /groups/{group_id}': [SEE.group],
  'PUT /groups/{group_id}': [SEE.group, 'group:update'],
  [`${GROUP} delete`]: [SEE.group, 'group:delete'],
  [`${GROUP} reset_status`]: [SEE.group, 'group:reset_status'],
  [`${GROUP} enable_replication`]: [SEE.group, 'group:enable_replication'],
  [`${GROUP} disable_replication`]: [SEE.group, 'group:disable_replication'],
  [`${GROUP} failover_replication`]: [SEE.group, 'group:failover_replication'],
  [`${GROUP} list_replication_targets`]: [SEE.group, 'group:list_replication_targets'],
  'GET /group_snapshots': ['group:get_all_group_snapshots'],
  'GET /group_snapshots/detail': ['group:get_all_group_snapshots'],
  'POST /group_snapshots': [
    inBody(SEE.group, 'group_snapshot', 'group_id'),
    inBody('group:create_group_snapshot', 'group_snapshot', 'group_id'),
  ],
  'GET /group_snapshots/{group_snapshot_id}': [SEE.groupSnapshot],
  'PUT /group_snapshots/{group_snapshot_id}': [SEE.groupSnapshot, 'group:update_group_snapshot'],
  'DELETE /group_snapshots/{group_snapshot_id}': [SEE.groupSnapshot, 'group:delete_group_snapshot'],
  'POST /group_snapshots/{g_snapshot_id}/action reset_status': [
    SEE.groupSnapshot,
    'group:reset_group_snapshot_status',
  ],
  'GET /consistencygroups': ['group:get_all'],
  'GET /consistencygroups/detail': ['group:get_all'],
  'POST /consistencygroups': ['group:create'],
  'POST /consistencygroups/create_from_src': [
    'group:create',
    inBody(SEE.groupSnapshot, 'consistencygroup-from-src', 'cgsnapshot_id'),
    inBody(SEE.group, 'consistencygroup-from-src', 'source_cgid'),
  ],
  'GET /consistencygroups/{group_id}': [SEE.group],
  'PUT /consistencygroups/{group_id}': [SEE.group, 'group:update'],
  'PUT /consistencygroups/{group_id}/update': [SEE.group, 'group:update'],
  'DELETE /consistencygroups/{group_id}': [SEE.group, 'group:delete'],
  'POST /consistencygroups/{group_id}/delete': [SEE.group, 'group:delete'],
  'GET /cgsnapshots': ['group:get_all_group_snapshots'],
  'GET /cgsnapshots/detail': ['group:get_all_group_snapshots'],
  'POST /cgsnapshots': [
    inBody(SEE.group, 'cgsnapshot', 'consistencygroup_id'),
    inBody('group:create_group_snapshot', 'cgsnapshot', 'consistencygroup_id'),
  ],
  'GET /cgsnapshots/{group_snapshot_id}': [SEE.groupSnapshot],
  'DELETE /cgsnapshots/{group_snapshot_id}': [SEE.groupSnapshot, 'group:delete_group_snapshot'],
  'GET /group_types': [],
  'GET /group_types/{group_type_id}': [],
  'POST /group_types': ['group:group_types:create'],
  'PUT /group_types/{group_type_id}': ['group:group_types:update'],
  'DELETE /group_types/{group_type_id}': ['group:group_types:delete'],
  'GET /group_types/{group_type_id}/group_specs': ['group:group_types_specs:get_all'],
  'POST /group_types/{group_type_id}/group_specs': ['group:group_types_specs:create'],
  'GET /group_types/{group_type_id}/group_specs/{g_spec_id}': ['group:group_types_specs:get'],
  'PUT /group_types/{group_type_id}/group_specs/{g_spec_id}': ['group:group_types_specs:update'],
  'DELETE /group_types/{group_type_id}/group_specs/{g_spec_id}': ['group:group_types_specs:delete'],

  // hosts, services, limits, and other things of the cloud
  'GET /os-hosts': ['volume_extension:hosts'],
  'GET /os-hosts/{host_id}': ['volume_extension:hosts'],
  'PUT /os-hosts/{host_name}': ['volume_extension:hosts'],
  'GET /limits': [],
  'GET /extensions': [],
  'GET /extensions/{alias}': [],
  'GET /os-availability-zone': [],
  'GET /resource_filters': [],
  'GET /scheduler-stats/get_pools': ['scheduler_extension:scheduler_stats:get_pools'],
  'GET /os-services': ['volume_extension:services:index'],
  'PUT /os-services/{action}': ['volume_extension:services:update'],
  'PUT /os-services/freeze': ['volume_extension:services:update', 'volume:freeze_host'],
  'PUT /os-services/thaw': ['volume_extension:services:update', 'volume:thaw_host'],
  'PUT /os-services/failover_host': ['volume_extension:services:update', 'volume:failover_host'],
  'PUT /os-services/failover': [
    'volume_extension:services:update',
    { rule: 'volume:failover_host', when: ({ version }) => isSince(version, 3, 26) },
  ],
  'POST /workers/cleanup': ['workers:cleanup'],

  // taking volumes and snapshots under management, each under two names
  ...Object.fromEntries(
    ['manageable_volumes', 'os-volume-manage'].flatMap((name): [string, readonly (string | CallRule)[]][] => [
      [`GET /${name}`, ['volume_extension:list_manageable']],
      [`GET /${name}/detail`, ['volume_extension:list_manageable']],
      [`POST /${name}`, ['volume_extension:volume_manage']],
    ]),
  ),
  ...Object.fromEntries(
    ['manageable_snapshots', 'os-snapshot-manage'].flatMap(
      (name): [string, readonly (string | CallRule)[]][] => [
        [`GET /${name}`, ['snapshot_extension:list_manageable']],
        [`GET /${name}/detail`, ['snapshot_extension:list_manageable']],
        [
          `POST /${name}`,
          [
            inBody(SEE.volume, 'snapshot', 'volume_id'),
            inBody('snapshot_extension:snapshot_manage', 'snapshot', 'volume_id'),
          ],
        ],
      ],
    ),
  ),

  // messages
  'GET /messages': ['message:get_all'],
  'GET /messages/detail': ['message:get_all'],
  'GET /messages/{message_id}': ['message:get'],
  'DELETE /messages/{message_id}': ['message:delete'],

  // QoS and quotas
  'GET /qos-specs': ['volume_extension:qos_specs_manage:get_all'],
  'POST /qos-specs': ['volume_extension:qos_specs_manage:create'],
  'GET /qos-specs/{qos_id}': ['volume_extension:qos_specs_manage:get'],
  'PUT /qos-specs/{qos_id}': ['volume_extension:qos_specs_manage:update'],
  'DELETE /qos-specs/{qos_id}': ['volume_extension:qos_specs_manage:delete'],
  'GET /qos-specs/{qos_id}/associations': ['volume_extension:qos_specs_manage:get_all'],
  'GET /qos-specs/{qos_id}/associate': ['volume_extension:qos_specs_manage:update'],
  'GET /qos-specs/{qos_id}/disassociate': ['volume_extension:qos_specs_manage:update'],
  'GET /qos-specs/{qos_id}/disassociate_all': ['volume_extension:qos_specs_manage:update'],
  'PUT /qos-specs/{qos_id}/delete_keys': ['volume_extension:qos_specs_manage:delete'],
  'GET /os-quota-class-sets/{project_id}': ['volume_extension:quota_classes:get'],
  'PUT /os-quota-class-sets/{project_id}': ['volume_extension:quota_classes:update'],
  'GET /os-quota-sets/{project_id}': ['volume_extension:quotas:show'],
  'GET /os-quota-sets/{project_id}/defaults': ['volume_extension:quotas:show'],
  'PUT /os-quota-sets/{project_id}': ['volume_extension:quotas:update'],
  'DELETE /os-quota-sets/{project_id}': ['volume_extension:quotas:delete'],

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

  // transfers, under two names
  ...transfers('/os-volume-transfer'),
  ...transfers('/volume-transfers'),

  // types
  'GET /types': ['volume_extension:type_get_all'],
  'POST /types': ['volume_extension:type_create'],
  'GET /types/{type_id}': ['volume_extension:type_get'],
  'PUT /types/{type_id}': ['volume_extension:type_update'],
  'DELETE /types/{type_id}': ['volume_extension:type_delete'],
  'GET /types/{type_id}/extra_specs': ['volume_extension:types_extra_specs:index'],
  'POST /types/{type_id}/extra_specs': ['volume_extension:types_extra_specs:create'],
  'GET /types/{type_id}/extra_specs/{extra_spec_key}': ['volume_extension:types_extra_specs:show'],
  'PUT /types/{type_id}/extra_specs/{extra_spec_key}': ['volume_extension:types_extra_specs:update'],
  'DELETE /types/{type_id}/extra_specs/{extra_spec_key}': ['volume_extension:types_extra_specs:delete'],
  'GET /types/{type_id}/os-volume-type-access': ['volume_extension:volume_type_access:get_all_for_type'],
  'POST /types/{type_id}/action addProjectAccess': ['volume_extension:volume_type_access:addProjectAccess'],
  'POST /types/{type_id}/action removeProjectAccess': [
    'volume_extension:volume_type_access:removeProjectAccess',
  ],
  'GET /types/{type_id}/encryption': ['volume_extension:volume_type_encryption:get'],
  'POST /types/{type_id}/encryption': ['volume_extension:volume_type_encryption:create'],
  'GET /types/{type_id}/encryption/{key}': ['volume_extension:volume_type_encryption:get'],
  'PUT /types/{type_id}/encryption/{encryption_id}': ['volume_extension:volume_type_encryption:update'],
  'DELETE /types/{type_id}/encryption/{encryption_id}': ['volume_extension:volume_type_encryption:delete'],

  // volumes
  'GET /volumes': ['volume:get_all'],
  'GET /volumes/detail': ['volume:get_all'],
  'GET /volumes/summary': ['volume:get_all'],
  'POST /volumes': [
    inBody(SEE.snapshot, 'volume', 'snapshot_id'),
    { ...inBody(SEE.volume, 'volume', 'source_volid'), openly: true },
    inBody(SEE.group, 'volume', 'consistencygroup_id'),
    inBody(SEE.group, 'volume', 'group_id'),
    inBody(SEE.backup, 'volume', 'backup_id'),
    {
      rule: 'volume:create_from_image',
      when: ({ bodyAt }) =>
        Boolean(bodyAt(['volume', 'imageRef'])) || Boolean(bodyAt(['volume', 'image_id'])),
    },
    'volume:create',
  ],
  'GET /volumes/{volume_id}': [SEE.volume],
  'PUT /volumes/{volume_id}': [SEE.volume, 'volume:update'],
  'DELETE /volumes/{volume_id}': [
    SEE.volume,
    { rule: 'volume:force_delete', when: (call) => isSince(call.version, 3, 23) && isForced(call) },
    'volume:delete',
  ],
  'GET /volumes/{volume_id}/metadata': [SEE.volume, 'volume:get_volume_metadata'],
  'POST /volumes/{volume_id}/metadata': [SEE.volume, 'volume:create_volume_metadata'],
  'PUT /volumes/{volume_id}/metadata': [SEE.volume, 'volume:update_volume_metadata'],
  'GET /volumes/{volume_id}/metadata/{key}': [SEE.volume, 'volume:get_volume_metadata'],
  'PUT /volumes/{volume_id}/metadata/{key}': [SEE.volume, 'volume:update_volume_metadata'],
  'DELETE /volumes/{volume_id}/metadata/{key}': [
    SEE.volume,
    'volume:get_volume_metadata',
    'volume:delete_volume_metadata',
  ],
  'GET /volumes/{volume_id}/encryption': ['volume_extension:volume_encryption_metadata'],
  'GET /volumes/{volume_id}/encryption/{encryption_key}': ['volume_extension:volume_encryption_metadata'],
  [`${VOLUME} os-attach`]: [SEE.volume, `${V}:attach`],
  [`${VOLUME} os-detach`]: [SEE.volume, `${V}:detach`],
  [`${VOLUME} os-reserve`]: [SEE.volume, `${V}:reserve`],
  [`${VOLUME} os-unreserve`]: [SEE.volume, `${V}:unreserve`],
  [`${VOLUME} os-begin_detaching`]: [SEE.volume, `${V}:begin_detaching`],
  [`${VOLUME} os-roll_detaching`]: [SEE.volume, `${V}:roll_detaching`],
  [`${VOLUME} os-initialize_connection`]: [SEE.volume, `${V}:initialize_connection`],
  [`${VOLUME} os-terminate_connection`]: [SEE.volume, `${V}:terminate_connection`],
  [`${VOLUME} os-volume_upload_image`]: [
    SEE.volume,
    `${V}:upload_image`,
    {
      rule: `${V}:upload_public`,
      when: ({ version, bodyAt }) =>
        isSince(version, 3, 1) && bodyAt(['os-volume_upload_image', 'visibility']) === 'public',
    },
  ],
  [`${VOLUME} os-extend`]: [
    SEE.volume,
    { rule: 'volume:extend', when: ({ version }) => !isSince(version, 3, 42) },
    {
      rule: 'volume:extend',
      when: ({ version }) => isSince(version, 3, 42),
      exceptWhile: 'in-use',
    },
    {
      rule: 'volume:extend_attached_volume',
      when: ({ version }) => isSince(version, 3, 42),
      onlyWhile: 'in-use',
    },
  ],
  [`${VOLUME} os-update_readonly_flag`]: [SEE.volume, 'volume:update_readonly_flag'],
  [`${VOLUME} os-retype`]: [SEE.volume, 'volume:retype'],
  [`${VOLUME} os-set_bootable`]: [SEE.volume, 'volume:update'],
  [`${VOLUME} os-reimage`]: [
    SEE.volume,
    { rule: 'volume:reimage', exceptWhile: 'reserved' },
    { rule: 'volume:reimage_reserved', onlyWhile: 'reserved' },
  ],
  [`${VOLUME} revert`]: [{ rule: SEE.volume, openly: true }, 'volume:revert_to_snapshot'],
  [`${VOLUME} os-reset_status`]: [`${ADMIN}:reset_status`],
  [`${VOLUME} os-force_delete`]: [SEE.volume, `${ADMIN}:force_delete`, 'volume:delete'],
  [`${VOLUME} os-force_detach`]: [
    SEE.volume,
    `${ADMIN}:force_detach`,
    `${V}:terminate_connection`,
    `${V}:unreserve`,
    `${V}:detach`,
  ],
  [`${VOLUME} os-migrate_volume`]: [SEE.volume, `${ADMIN}:migrate_volume`],
  [`${VOLUME} os-migrate_volume_completion`]: [
    SEE.volume,
    `${ADMIN}:migrate_volume_completion`,
    inBody(SEE.volume, 'os-migrate_volume_completion', 'new_volume'),
    `${V}:detach`,
    inBody(`${V}:attach`, 'os-migrate_volume_completion', 'new_volume'),
  ],
  [`${VOLUME} os-extend_volume_completion`]: [SEE.volume, `${ADMIN}:extend_volume_completion`],
  [`${VOLUME} os-unmanage`]: [SEE.volume, 'volume_extension:volume_unmanage', 'volume:delete'],
  [`${VOLUME} os-show_image_metadata`]: [SEE.volume, 'volume:get_volume_metadata'],
  [`${VOLUME} os-set_image_metadata`]: [
    'volume_extension:volume_image_metadata:set',
    SEE.volume,
    'volume:update_volume_metadata',
  ],
  [`${VOLUME} os-unset_image_metadata`]: [
    'volume_extension:volume_image_metadata:remove',
    SEE.volume,
    'volume:get_volume_metadata',
    'volume:delete_volume_metadata',
  ],
}

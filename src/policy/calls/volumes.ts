import { isForced, isSince } from '../asked-if.ts'
import { type Calls, inBody, SEE } from './call-rule.ts'

const V = 'volume_extension:volume_actions'
const ADMIN = 'volume_extension:volume_admin_actions'
const VOLUME = 'POST /volumes/{volume_id}/action'
const transfers = (path: string): Calls => ({
  [`GET ${path}`]: ['volume:get_all_transfers'],
  [`GET ${path}/detail`]: ['volume:get_all_transfers'],
  [`POST ${path}`]: [inBody('volume:create_transfer', 'transfer', 'volume_id')],
  [`GET ${path}/{transfer_id}`]: ['volume:get_transfer'],
  [`POST ${path}/{transfer_id}/accept`]: ['volume:accept_transfer'],
  [`DELETE ${path}/{transfer_id}`]: ['volume:delete_transfer'],
})

/** Volumes, their attachments and transfers. */
export const VOLUME_CALLS: Calls = {
  // attachments: reading them asks no rule
  'GET /attachments': [],
  'GET /attachments/detail': [],
  'GET /attachments/summary': [],
  'GET /attachments/{attachment_id}': [],
  'POST /attachments': [
    inBody('volume:attachment_create', 'attachment', 'volume_uuid'),
    {
      ...inBody('volume:multiattach_bootable_volume', 'attachment', 'volume_uuid'),
      onlyWhile: { status: 'in-use', multiattach: true, bootable: true },
    },
  ],
  'PUT /attachments/{attachment_id}': ['volume:attachment_update'],
  'DELETE /attachments/{attachment_id}': ['volume:attachment_delete'],
  'POST /attachments/{attachment_id}/action os-complete': ['volume:attachment_complete'],
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
      exceptWhile: { status: 'in-use' },
    },
    {
      rule: 'volume:extend_attached_volume',
      when: ({ version }) => isSince(version, 3, 42),
      onlyWhile: { status: 'in-use' },
    },
  ],
  [`${VOLUME} os-update_readonly_flag`]: [SEE.volume, 'volume:update_readonly_flag'],
  [`${VOLUME} os-retype`]: [SEE.volume, 'volume:retype'],
  [`${VOLUME} os-set_bootable`]: [SEE.volume, 'volume:update'],
  [`${VOLUME} os-reimage`]: [
    SEE.volume,
    { rule: 'volume:reimage', exceptWhile: { status: 'reserved' } },
    { rule: 'volume:reimage_reserved', onlyWhile: { status: 'reserved' } },
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
  // transfers, under two names
  ...transfers('/os-volume-transfer'),
  ...transfers('/volume-transfers'),
}

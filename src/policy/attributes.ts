import { UNKNOWN } from './template.ts'

/** What Cinder judges a rule against, other than the caller's own project and user. */
export type ObjectFamily =
  | 'volume'
  | 'attachment'
  | 'snapshot'
  | 'backup'
  | 'group'
  | 'group_snapshot'
  | 'message'
  | 'volume_type'

/** The name under which Cinder's API shows an attribute; a second word says how it is to be read. */
type Shown = string | readonly [name: string, reading: 'boolean']

interface Family {
  readonly shown: Readonly<Record<string, Shown>>
  /** Attributes that the object has and no API shows, or not as they are. */
  readonly never: readonly string[]
  /** Whose user stands in the target: the object has one, or else the caller is taken for it. */
  readonly user: 'own' | 'caller'
}

const TIMES = ['created_at', 'updated_at', 'deleted_at', 'deleted']

/**
 * The attributes that Cinder 21 gives its rules, which are the fields of its objects, by the name that its API gives
 * them. What is shown to admins only, or from a later microversion on, is unknown where it is not shown. Read in
 * cinder/objects, cinder/context.py (`authorize`) and the API's views.
 */
export const ATTRIBUTES: Readonly<Record<ObjectFamily, Family>> = {
  volume: {
    shown: {
      id: 'id',
      user_id: 'user_id',
      project_id: 'os-vol-tenant-attr:tenant_id',
      status: 'status',
      size: 'size',
      display_name: 'name',
      display_description: 'description',
      availability_zone: 'availability_zone',
      bootable: ['bootable', 'boolean'],
      multiattach: 'multiattach',
      snapshot_id: 'snapshot_id',
      source_volid: 'source_volid',
      replication_status: 'replication_status',
      metadata: 'metadata',
      host: 'os-vol-host-attr:host',
      migration_status: 'migration_status',
      group_id: 'group_id',
      provider_id: 'provider_id',
      service_uuid: 'service_uuid',
      cluster_name: 'cluster_name',
      volume_type_id: 'volume_type_id',
      use_quota: 'consumes_quota',
    },
    never: [
      ...['attach_status', 'previous_status', 'admin_metadata', 'glance_metadata', 'encryption_key_id'],
      ...[
        'consistencygroup_id',
        'consistencygroup',
        'group',
        'volume_type',
        'volume_attachment',
        'snapshots',
      ],
      ...['provider_location', 'provider_auth', 'provider_geometry', 'cluster', 'shared_targets', 'ec2_id'],
      ...['scheduled_at', 'launched_at', 'terminated_at', '_name_id', 'replication_extended_status'],
      ...['replication_driver_data', ...TIMES],
    ],
    user: 'own',
  },
  attachment: {
    shown: {
      id: 'id',
      volume_id: 'volume_id',
      instance_uuid: 'instance',
      attach_status: 'status',
      attach_mode: 'attach_mode',
    },
    never: [
      ...['attached_host', 'mountpoint', 'attach_time', 'detach_time', 'volume', 'connection_info'],
      ...['connector', ...TIMES],
    ],
    user: 'caller',
  },
  snapshot: {
    shown: {
      id: 'id',
      user_id: 'user_id',
      project_id: 'os-extended-snapshot-attributes:project_id',
      progress: 'os-extended-snapshot-attributes:progress',
      volume_id: 'volume_id',
      volume_size: 'size',
      status: 'status',
      display_name: 'name',
      display_description: 'description',
      metadata: 'metadata',
      group_snapshot_id: 'group_snapshot_id',
      use_quota: 'consumes_quota',
    },
    never: [
      ...['cgsnapshot_id', 'encryption_key_id', 'volume_type_id', 'provider_location', 'provider_id'],
      ...['provider_auth', 'volume', 'cgsnapshot', 'group_snapshot', ...TIMES],
    ],
    user: 'own',
  },
  backup: {
    shown: {
      id: 'id',
      user_id: 'user_id',
      project_id: 'os-backup-project-attr:project_id',
      volume_id: 'volume_id',
      snapshot_id: 'snapshot_id',
      status: 'status',
      size: 'size',
      container: 'container',
      availability_zone: 'availability_zone',
      object_count: 'object_count',
      fail_reason: 'fail_reason',
      display_name: 'name',
      display_description: 'description',
      metadata: 'metadata',
    },
    never: [
      ...['host', 'parent_id', 'parent', 'service', 'service_metadata', 'temp_volume_id', 'temp_snapshot_id'],
      ...['num_dependent_backups', 'data_timestamp', 'restore_volume_id', 'encryption_key_id', ...TIMES],
    ],
    user: 'own',
  },
  group: {
    shown: {
      id: 'id',
      project_id: 'project_id',
      name: 'name',
      description: 'description',
      status: 'status',
      availability_zone: 'availability_zone',
      group_type_id: 'group_type',
      group_snapshot_id: 'group_snapshot_id',
      source_group_id: 'source_group_id',
      replication_status: 'replication_status',
    },
    never: [
      ...['user_id', 'host', 'cluster_name', 'volume_type_ids', 'volumes', 'volume_types'],
      ...['group_snapshots', ...TIMES],
    ],
    user: 'own',
  },
  group_snapshot: {
    shown: {
      id: 'id',
      project_id: 'project_id',
      group_id: 'group_id',
      group_type_id: 'group_type_id',
      name: 'name',
      description: 'description',
      status: 'status',
    },
    never: ['user_id', 'group', 'snapshots', ...TIMES],
    user: 'own',
  },
  message: {
    shown: {
      id: 'id',
      event_id: 'event_id',
      message_level: 'message_level',
      request_id: 'request_id',
      resource_type: 'resource_type',
      resource_uuid: 'resource_uuid',
    },
    never: ['project_id', 'detail_id', 'action_id', 'created_at', 'expires_at'],
    user: 'caller',
  },
  volume_type: {
    shown: {
      id: 'id',
      name: 'name',
      description: 'description',
      is_public: 'is_public',
      qos_specs_id: 'qos_specs_id',
    },
    never: ['extra_specs', 'projects', 'qos_specs', ...TIMES],
    user: 'caller',
  },
}

const UNSHOWN = Object.fromEntries(
  Object.entries(ATTRIBUTES).map(([family, { never }]) => [
    family,
    Object.fromEntries(never.map((name) => [name, UNKNOWN])),
  ]),
) as Readonly<Record<ObjectFamily, Readonly<Record<string, unknown>>>>

/** Who asks, as far as it counts for targets. */
export interface Asker {
  readonly userId: string
  readonly projectId: string | null
  /** Cinder shows others only what is of their own project. */
  readonly isAdmin: boolean
}

/**
 * An object as Cinder's rules see it, made of what its API shows; null for one that the caller is not shown. An
 * attribute that the object has, but the gateway cannot know, is UNKNOWN: a rule whose answer depends on it gives none.
 */
export function targetFrom(
  family: ObjectFamily,
  view: Readonly<Record<string, unknown>> | null,
  { userId, projectId, isAdmin }: Asker,
): Record<string, unknown> {
  const { shown, user } = ATTRIBUTES[family]
  const target: Record<string, unknown> = { ...UNSHOWN[family] }
  for (const [name, as] of Object.entries(shown)) target[name] = view === null ? UNKNOWN : read(view, as)
  if (user === 'caller') target.user_id = userId
  // Types are nobody's: Cinder leaves the caller's project in the target.
  if (family === 'volume_type') target.project_id = projectId
  else if (target.project_id === UNKNOWN && view !== null && !isAdmin) target.project_id = projectId
  return target
}

/** What the API would show of an object with these attributes: for a tool that is told of them. */
export function viewFrom(
  family: ObjectFamily,
  attributes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = Object.entries(ATTRIBUTES[family].shown).filter(([name]) => Object.hasOwn(attributes, name))
  return Object.fromEntries(
    names.map(([name, as]) => {
      const value = attributes[name]
      return typeof as === 'string' ? [as, value] : [as[0], String(value).toLowerCase()]
    }),
  )
}

function read(view: Readonly<Record<string, unknown>>, as: Shown): unknown {
  const [name, reading] = typeof as === 'string' ? [as, null] : as
  const value = Object.hasOwn(view, name) ? view[name] : undefined
  if (value === undefined) return UNKNOWN
  if (reading === null) return value
  return value === 'true' ? true : value === 'false' ? false : UNKNOWN
}

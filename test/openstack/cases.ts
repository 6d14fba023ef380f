/**
 * The generated suite: every guarded operation × situation of the volume × caller × service token. Data only.
 */
export const IDS = {
  volume: '10000000-0000-4000-8000-000000000001',
  otherVolume: '10000000-0000-4000-8000-000000000002',
  newVolume: '10000000-0000-4000-8000-000000000003',
  attachment: '20000000-0000-4000-8000-000000000001',
  second: '20000000-0000-4000-8000-000000000002',
  foreign: '20000000-0000-4000-8000-000000000003',
  unknown: '20000000-0000-4000-8000-00000000ffff',
  server: '30000000-0000-4000-8000-000000000001',
  otherServer: '30000000-0000-4000-8000-000000000002',
  noServer: '30000000-0000-4000-8000-00000000ffff',
} as const

const CONNECTED = { driver_volume_type: 'fake', data: { access_mode: 'rw' } }

type Project = 'demo' | 'other'
interface VolumeRow {
  id: string
  project: Project
  status: string
  attachStatus: string
  migrationStatus?: string
}
interface AttachmentRow {
  id: string
  volumeId: string
  instanceId: string | null
  attachStatus: string
  connectionInfo: object | null
}
interface InstanceRow {
  id: string
  project: Project
  attached: { volumeId: string; attachmentId: string | null }[]
}
export interface Fixture {
  volumes: VolumeRow[]
  attachments: AttachmentRow[]
  instances: InstanceRow[]
}

const volume = (over: Partial<VolumeRow> = {}): VolumeRow => ({
  id: IDS.volume,
  project: 'demo',
  status: 'in-use',
  attachStatus: 'attached',
  ...over,
})
const attachment = (over: Partial<AttachmentRow> = {}): AttachmentRow => ({
  id: IDS.attachment,
  volumeId: IDS.volume,
  instanceId: IDS.server,
  attachStatus: 'attached',
  connectionInfo: CONNECTED,
  ...over,
})
const using = (attachmentId: string | null): InstanceRow => ({
  id: IDS.server,
  project: 'demo',
  attached: [{ volumeId: IDS.volume, attachmentId }],
})
const idle: InstanceRow = { id: IDS.server, project: 'demo', attached: [] }
/** Always there: a volume with an attachment of its own, and one to migrate to. */
const others: Fixture = {
  volumes: [
    { id: IDS.otherVolume, project: 'demo', status: 'in-use', attachStatus: 'attached' },
    { id: IDS.newVolume, project: 'demo', status: 'available', attachStatus: 'detached' },
  ],
  attachments: [
    {
      id: IDS.foreign,
      volumeId: IDS.otherVolume,
      instanceId: IDS.otherServer,
      attachStatus: 'attached',
      connectionInfo: CONNECTED,
    },
  ],
  instances: [
    {
      id: IDS.otherServer,
      project: 'demo',
      attached: [{ volumeId: IDS.otherVolume, attachmentId: IDS.foreign }],
    },
  ],
}
const fixture = (v: VolumeRow, attachments: AttachmentRow[], instances: InstanceRow[]): Fixture => ({
  volumes: [v, ...others.volumes],
  attachments: [...attachments, ...others.attachments],
  instances: [...instances, ...others.instances],
})

export const SITUATIONS: Readonly<Record<string, Fixture>> = {
  'Nova uses this attachment': fixture(volume(), [attachment()], [using(IDS.attachment)]),
  'Nova uses another attachment': fixture(volume(), [attachment()], [using(IDS.second)]),
  'Nova has no attachment id': fixture(volume(), [attachment()], [using(null)]),
  'volume not attached to the instance': fixture(volume(), [attachment()], [idle]),
  'instance unknown': fixture(volume(), [attachment({ instanceId: IDS.noServer })], []),
  "another project's instance": fixture(
    volume(),
    [attachment()],
    [{ ...using(IDS.attachment), project: 'other' }],
  ),
  'no instance': fixture(volume(), [attachment({ instanceId: null })], []),
  'no connection info': fixture(volume(), [attachment({ connectionInfo: null })], [using(IDS.attachment)]),
  'reserved without connection info': fixture(
    volume({ status: 'reserved', attachStatus: 'detached' }),
    [attachment({ attachStatus: 'reserved', connectionInfo: null })],
    [idle],
  ),
  'attaching with connection info': fixture(
    volume({ status: 'attaching', attachStatus: 'detached' }),
    [attachment({ attachStatus: 'attaching' })],
    [using(IDS.attachment)],
  ),
  'several attachments': fixture(
    volume(),
    [attachment(), attachment({ id: IDS.second, instanceId: null })],
    [using(IDS.attachment)],
  ),
  'one attached, one reserved': fixture(
    volume(),
    [attachment(), attachment({ id: IDS.second, attachStatus: 'reserved', connectionInfo: null })],
    [using(IDS.attachment)],
  ),
  'no attachment': fixture(volume({ status: 'available', attachStatus: 'detached' }), [], []),
  "other project's volume": fixture(
    volume({ project: 'other' }),
    [attachment()],
    [{ ...using(IDS.attachment), project: 'other' }],
  ),
  'in maintenance, used': fixture(volume({ status: 'maintenance' }), [attachment()], [using(IDS.attachment)]),
  'in maintenance, no instance': fixture(
    volume({ status: 'maintenance' }),
    [attachment({ instanceId: null })],
    [],
  ),
  'being migrated': fixture(
    volume({ migrationStatus: 'migrating' }),
    [attachment()],
    [using(IDS.attachment)],
  ),
}

export interface Shape {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below `/v3/{project}`. */
  readonly path: string
  readonly body?: object
}
const action = (body: object): Shape => ({ method: 'POST', path: `/volumes/${IDS.volume}/action`, body })

export const OPERATIONS: Readonly<Record<string, Shape>> = {
  'os-detach': action({ 'os-detach': {} }),
  'os-detach, named': action({ 'os-detach': { attachment_id: IDS.attachment } }),
  'os-terminate_connection': action({ 'os-terminate_connection': { connector: {} } }),
  'os-force_detach': action({ 'os-force_detach': { connector: {} } }),
  'os-force_detach, named': action({ 'os-force_detach': { connector: {}, attachment_id: IDS.attachment } }),
  'attachment delete': { method: 'DELETE', path: `/attachments/${IDS.attachment}` },
  'os-migrate_volume_completion': action({ 'os-migrate_volume_completion': { new_volume: IDS.newVolume } }),
}

/** Not crossed with everything: forms of the same operations that only the used volume needs. */
export const VARIANTS: Readonly<Record<string, Shape>> = {
  'unknown attachment': action({ 'os-detach': { attachment_id: IDS.unknown } }),
  "other volume's attachment": action({ 'os-detach': { attachment_id: IDS.foreign } }),
  'attachment_id null': action({ 'os-detach': { attachment_id: null } }),
  'attachment_id no uuid': action({ 'os-detach': { attachment_id: 'abc' } }),
  'attachment_id upper case': action({ 'os-detach': { attachment_id: IDS.attachment.toUpperCase() } }),
  'attachment_id without dashes': action({
    'os-detach': { attachment_id: IDS.attachment.replaceAll('-', '') },
  }),
  'attachment_id a number': action({ 'os-detach': { attachment_id: 5 } }),
  'extra key': action({ 'os-detach': { x: 1 } }),
  'two extra keys': action({ 'os-detach': { x: 1, a: 'b' } }),
  'detach null': action({ 'os-detach': null }),
  'detach a number': action({ 'os-detach': 5 }),
  'detach a list': action({ 'os-detach': [1, 'a', null] }),
  'terminate without connector': action({ 'os-terminate_connection': {} }),
  'terminate with a string': action({ 'os-terminate_connection': { connector: 'x' } }),
  'terminate with null': action({ 'os-terminate_connection': { connector: null } }),
  'terminate with a number': action({ 'os-terminate_connection': { connector: 1.5 } }),
  'force_detach null': action({ 'os-force_detach': null }),
  'force_detach empty': action({ 'os-force_detach': {} }),
  'force_detach, unknown attachment': action({ 'os-force_detach': { attachment_id: IDS.unknown } }),
  'force_detach, empty attachment': action({ 'os-force_detach': { attachment_id: '' } }),
  "force_detach, other volume's attachment": action({ 'os-force_detach': { attachment_id: IDS.foreign } }),
  'force_detach, an attachment id and .json': action({
    'os-force_detach': { attachment_id: `${IDS.attachment}.json` },
  }),
  'force_detach, "detail"': action({ 'os-force_detach': { attachment_id: 'detail' } }),
  'force_detach, ".."': action({ 'os-force_detach': { attachment_id: '..' } }),
  'force_detach, a slash': action({ 'os-force_detach': { attachment_id: 'a/b' } }),
  'force_detach, beyond ASCII': action({ 'os-force_detach': { attachment_id: '\u00e9\u{1f600}' } }),
  'migrate with an error': action({
    'os-migrate_volume_completion': { new_volume: IDS.newVolume, error: true },
  }),
  'migrate with error "false"': action({
    'os-migrate_volume_completion': { new_volume: IDS.newVolume, error: 'false' },
  }),
  'migrate with error ""': action({
    'os-migrate_volume_completion': { new_volume: IDS.newVolume, error: '' },
  }),
  'migrate to an unknown volume': action({ 'os-migrate_volume_completion': { new_volume: IDS.unknown } }),
  'migrate without a volume': action({ 'os-migrate_volume_completion': {} }),
  'two actions': action({ 'os-detach': {}, 'os-reserve': {} }),
  'no action': action({}),
  'unknown action': action({ 'os-nothing': {} }),
  'unknown volume': { method: 'POST', path: `/volumes/${IDS.unknown}/action`, body: { 'os-detach': {} } },
  'unknown attachment, deleted': { method: 'DELETE', path: `/attachments/${IDS.unknown}` },
  'attachment deleted by its id and .json twice': {
    method: 'DELETE',
    path: `/attachments/${IDS.attachment}.json.json`,
  },
  'the list of attachments, deleted': { method: 'DELETE', path: '/attachments/detail' },
  'the summary of attachments, deleted': { method: 'DELETE', path: '/attachments/summary' },
  'the list of volumes, detached': {
    method: 'POST',
    path: '/volumes/detail/action',
    body: { 'os-detach': {} },
  },
  'the summary of volumes, detached': {
    method: 'POST',
    path: '/volumes/summary/action',
    body: { 'os-detach': {} },
  },
  'migrate to the list of volumes': action({ 'os-migrate_volume_completion': { new_volume: 'detail' } }),
  'attachment delete with a body': { method: 'DELETE', path: `/attachments/${IDS.attachment}`, body: {} },
}

export const CALLERS = ['member', 'admin', 'reader', 'outsider'] as const
export type CallerName = (typeof CALLERS)[number]

export const SERVICE_TOKENS = ['none', 'nova', 'plain', 'garbage'] as const
export type ServiceTokenName = (typeof SERVICE_TOKENS)[number]

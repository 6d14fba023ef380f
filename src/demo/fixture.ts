import { connectionInfo } from './cinder-attachments.ts'
import type { Attachment, CinderStore, Volume } from './cinder-store.ts'
import type { Directory } from './directory.ts'
import type { Nova } from './nova.ts'

/** Ids by name. Keystone's have no dashes, the others do, as in a real cloud. */
export const PROJECTS = {
  admin: 'a0000000000000000000000000000001',
  demo: 'a0000000000000000000000000000002',
  victim: 'a0000000000000000000000000000003',
  service: 'a0000000000000000000000000000004',
} as const

export const USERS = {
  admin: 'b0000000000000000000000000000001',
  alice: 'b0000000000000000000000000000002',
  bob: 'b0000000000000000000000000000003',
  reader: 'b0000000000000000000000000000004',
  auditor: 'b0000000000000000000000000000005',
  nova: 'b0000000000000000000000000000006',
  cinder: 'b0000000000000000000000000000007',
  cinderguard: 'b0000000000000000000000000000008',
} as const

/** The gateway's own account in the stand-in cloud, by `section.name` of the configuration. */
export const GATEWAY_ACCOUNT = {
  'keystone_authtoken.username': 'cinderguard',
  'keystone_authtoken.password': 'cinderguard-secret',
  'keystone_authtoken.user_domain_name': 'Default',
  'keystone_authtoken.project_name': 'service',
  'keystone_authtoken.project_domain_name': 'Default',
} as const

export type UserName = keyof typeof USERS

const ROLES: Readonly<Record<UserName, readonly [keyof typeof PROJECTS, string]>> = {
  admin: ['admin', 'admin'],
  alice: ['demo', 'member'],
  bob: ['victim', 'member'],
  reader: ['demo', 'reader'],
  auditor: ['demo', 'auditor'],
  nova: ['service', 'service'],
  cinder: ['service', 'service'],
  cinderguard: ['service', 'service'],
}

/** alice's application credential; a token made from it cannot be rescoped. */
export const APPLICATION_CREDENTIAL = {
  id: 'c0000000000000000000000000000001',
  name: 'alice-backup',
  secret: 'alice-backup-secret',
} as const

export const SERVERS = {
  'web-1': 'd0000000-0000-4000-8000-000000000001',
  'web-2': 'd0000000-0000-4000-8000-000000000002',
  'db-1': 'd0000000-0000-4000-8000-000000000003',
} as const

/** Every password is the user's name and `-secret`. */
export function passwordOf(user: UserName): string {
  return `${user}-secret`
}

export function newDirectory(): Directory {
  const users = Object.entries(USERS) as [UserName, string][]
  return {
    users: users.map(([name, id]) => ({
      id,
      name,
      password: passwordOf(name),
      defaultProject: PROJECTS[ROLES[name][0]],
    })),
    projects: Object.entries(PROJECTS).map(([name, id]) => ({ id, name })),
    assignments: [
      ...users.map(([name, userId]) => ({
        userId,
        on: PROJECTS[ROLES[name][0]],
        roles: [ROLES[name][1]],
      })),
      { userId: USERS.admin, on: 'system', roles: ['admin'] },
      { userId: USERS.admin, on: PROJECTS.demo, roles: ['admin'] },
    ],
    applicationCredentials: [
      {
        ...APPLICATION_CREDENTIAL,
        userId: USERS.alice,
        projectId: PROJECTS.demo,
        roles: ['member', 'reader'],
      },
    ],
  }
}

type Row = Partial<Attachment> & {
  /** Server that holds it; a connection is made up unless `connectionInfo` is given. */
  readonly on?: keyof typeof SERVERS
  /** The attachment id Nova has: this one's by default, another, null, or false when Nova knows nothing. */
  readonly nova?: string | null | false
}

type Case = Partial<Volume> & { readonly rows?: readonly Row[] }

/** One volume per situation the guard must tell apart, by name. All belong to demo but `victim`. */
const CASES = {
  /** Nova uses it: fixed Cinder answers 409. */
  'in-use': { rows: [{ on: 'web-1' }] },
  available: {},
  /** A second free one, as the target of a migration. */
  'migration-target': {},
  /** A record left behind: Nova knows no such attachment. */
  stale: { rows: [{ on: 'web-1', nova: false }] },
  /** Nova uses this volume under another attachment id. */
  reused: { rows: [{ on: 'web-1', nova: 'ffffffff-0000-4000-8000-000000000000' }] },
  /** Attached to a host, no instance (Glance, bare metal). */
  host: { rows: [{ hostName: 'baremetal-1' }] },
  /** Shelved server: reserved, never connected. */
  reserved: { rows: [{ on: 'web-2', status: 'reserved', connectionInfo: null, exported: false }] },
  /** Attached by os-attach: no connection_info, and Nova has no attachment id. */
  legacy: { rows: [{ on: 'web-2', connectionInfo: null, nova: null }] },
  'multi-attach': { multiattach: true, rows: [{ on: 'web-1' }, { on: 'web-2' }] },
  /** One attached and one merely reserved: the volume's own `attachments` shows only the first. */
  'attached-and-reserved': {
    multiattach: true,
    rows: [{ on: 'web-1' }, { on: 'web-2', status: 'reserved', connectionInfo: null, exported: false }],
  },
  /** Connected but not finished: not in the volume's own `attachments`. */
  attaching: { rows: [{ on: 'web-2', status: 'attaching', exported: true }] },
  maintenance: { status: 'maintenance', rows: [{ on: 'web-1' }] },
  'maintenance-host': { status: 'maintenance', rows: [{ hostName: 'baremetal-1' }] },
  /** demo's volume in a server of the project victim: alice's token does not see that server. */
  'cross-project': { rows: [{ on: 'db-1' }] },
  /** bob's volume in bob's server. */
  victim: { projectId: PROJECTS.victim, userId: USERS.bob, rows: [{ on: 'db-1' }] },
  /** As in-use, of the tour: what is detached on the bare Cinder, and by Nova, must not be what is refused elsewhere. */
  'detached-bare': { rows: [{ on: 'web-1' }] },
  'detached-by-nova': { rows: [{ on: 'web-1' }] },
} as const satisfies Record<string, Case>

export type VolumeName = keyof typeof CASES

/** Volume ids by name: `e…-0001` and on, in the order above. */
export const VOLUMES = Object.fromEntries(
  Object.keys(CASES).map((name, at) => [name, `e0000000-0000-4000-8000-0000000000${hex(at + 1)}`]),
) as Record<VolumeName, string>

/** Id of a volume's attachment number `at`, counting from 0. */
export function attachmentId(volume: VolumeName, at = 0): string {
  return `f0000000-0000-4000-8000-0000000${hex(at)}0${VOLUMES[volume].slice(-2)}`
}

/** Puts the fixture's servers, volumes and attachments back, forgetting all others. */
export function fill(store: CinderStore, nova: Nova): void {
  store.clear()
  nova.servers.clear()
  for (const [name, id] of Object.entries(SERVERS)) {
    nova.servers.set(id, {
      id,
      name,
      projectId: name === 'db-1' ? PROJECTS.victim : PROJECTS.demo,
      volumes: [],
    })
  }
  for (const [name, { rows = [], ...fields }] of Object.entries(CASES as Record<VolumeName, Case>)) {
    const volume = { id: VOLUMES[name as VolumeName], projectId: PROJECTS.demo, userId: USERS.alice, name }
    const added = store.addVolume({ ...volume, ...fields })
    for (const [at, row] of rows.entries()) addRow(store, nova, name as VolumeName, at, row)
    if (fields.status) added.status = fields.status
  }
}

function addRow(store: CinderStore, nova: Nova, name: VolumeName, at: number, row: Row): void {
  const { on, nova: known, ...fields } = row
  const id = attachmentId(name, at)
  const volumeId = VOLUMES[name]
  const server = on && nova.servers.get(SERVERS[on])
  const connection = { connectionInfo: connectionInfo(volumeId, id), hostName: on ? `compute-${on}` : null }
  store.addAttachment({ id, volumeId, instanceId: server?.id ?? null, ...connection, ...fields })
  if (!server || known === false) return
  const bdmUuid = id.replace(/^f/, '9')
  const device = `/dev/vd${String.fromCharCode(98 + server.volumes.length)}`
  server.volumes.push({ volumeId, attachmentId: known === undefined ? id : known, device, bdmUuid })
}

function hex(number: number): string {
  return number.toString(16).padStart(2, '0')
}

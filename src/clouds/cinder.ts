import type { Attachment, Facts, Volume } from '../checks/check.ts'
import type { ObjectCollection } from '../operation/operation.ts'
import { compare, type Version } from '../operation/version.ts'
import { CloudError, type CloudResponse, isRecord, jsonObject, type Send, textAt } from './client.ts'

/** The eyes through which the upstream Cinder is asked. */
export interface Caller {
  /** Token headers, and the request id. */
  readonly headers: Readonly<Record<string, string>>
  readonly projectId: string | null
  /** Cinder's is_admin: such a caller also sees other projects' rows, when asked for. */
  readonly isAdmin: boolean
}

/** What was typed for an id can be none, and would only burst the head of a lookup. */
export class OddIdError extends Error {}

/** The caller's token was good to the gateway's cache, and is refused by Cinder: revoked meanwhile. */
export class TokenRefusedError extends Error {}

export interface CinderFacts {
  volume(id: string, caller: Caller): Promise<Facts['volume']['answer']>
  attachments(volumeId: string, caller: Caller): Promise<Facts['attachments']['answer']>
  attachment(id: string, caller: Caller): Promise<Facts['attachment']['answer']>
  object(question: Facts['object']['question'], caller: Caller): Promise<Facts['object']['answer']>
  /** Every attachment that the caller may see, of all volumes, page by page. */
  allAttachments(caller: Caller): AsyncGenerator<Attachment>
}

/** The attachments API begins here, and here its filters are hard-coded, beyond an operator's reach. */
const ATTACHMENTS: Version = [3, 27]
/** Whether it counts against quotas is the last field of a volume that rules may read. */
const FIELDS: Version = [3, 65]
/** Characters; Cinder's own have 36. */
const LONGEST_ID = 255
/** Statuses of a volume that may hide attachment rows from the volume view. */
const MAY_HIDE_ROWS = /^(attaching|detaching|reserved|error_attaching|error_detaching|maintenance)$/

/**
 * Reads volumes and attachments through Cinder's own REST API.
 *
 * @param base upstream URL with the mount prefix, without `/v3`.
 * @param maximum the upstream's newest microversion. @throws when it cannot be learnt.
 * @param pageSize `osapi_max_limit`: a list this long may be cut off.
 */
export function cinderFacts(
  send: Send,
  base: string,
  maximum: (requestId?: string) => Promise<Version>,
  pageSize: number,
): CinderFacts {
  /** As far as later ones add fields that rules may read. */
  async function newest(caller: Caller): Promise<string> {
    const version = await maximum(requestIdOf(caller))
    return (compare(version, FIELDS) < 0 ? version : FIELDS).join('.')
  }

  async function get(path: string, caller: Caller, version: string): Promise<CloudResponse> {
    const project = caller.projectId === null ? '' : `/${encodeURIComponent(caller.projectId)}`
    const answer = await send({
      method: 'GET',
      url: `${base}/v3${project}${path}`,
      headers: {
        accept: 'application/json',
        'openstack-api-version': `volume ${version}`,
        ...caller.headers,
      },
    })
    if (answer.status === 401) throw new TokenRefusedError('the upstream Cinder refuses the token')
    return answer
  }

  const cinder: CinderFacts = {
    async volume(id, caller) {
      const path = pathOf('volumes', id)
      if (path === null) return 'absent'
      // A volume is there at every version; what an old one does not show, rules cannot know.
      const version = await newest(caller).catch(() => '3.0')
      const answer = await get(path, caller, version)
      if (answer.status === 404 && isFault(answer, 'itemNotFound')) return 'absent'
      if (answer.status === 403 && isFault(answer, 'forbidden')) return 'not-authorized'
      const volume = answer.status === 200 ? jsonObject('cinder', answer).volume : undefined
      if (!isRecord(volume)) throw new CloudError('cinder', `a volume lookup was answered ${answer.status}`)
      return readVolume(volume)
    },

    async attachments(volumeId, caller) {
      if (compare(await maximum(requestIdOf(caller)), ATTACHMENTS) < 0)
        return fromVolume(await cinder.volume(volumeId, caller))
      const query = `volume_id=${inUrl(volumeId)}${caller.isAdmin ? '&all_tenants=1' : ''}`
      const answer = await get(`/attachments/detail?${query}`, caller, '3.27')
      const rows = answer.status === 200 ? jsonObject('cinder', answer).attachments : undefined
      if (!Array.isArray(rows))
        throw new CloudError('cinder', `an attachment list was answered ${answer.status}`)
      const attachments = rows.map(readAttachment)
      const others = attachments.some((row) => row.volumeId.toLowerCase() !== volumeId.toLowerCase())
      if (others) throw new CloudError('cinder', 'an attachment list with rows of another volume')
      return attachments.length >= pageSize ? 'unknown' : attachments
    },

    async attachment(id, caller) {
      const path = pathOf('attachments', id)
      if (path === null) return 'absent'
      const answer = await get(path, caller, '3.27')
      if (answer.status === 404 && isFault(answer, 'itemNotFound')) return 'absent'
      if (answer.status === 400 && isFault(answer, 'badRequest')) return listed(id, caller)
      const row = answer.status === 200 ? jsonObject('cinder', answer).attachment : undefined
      if (!isRecord(row)) throw new CloudError('cinder', `an attachment lookup was answered ${answer.status}`)
      const { id: canonical, volumeId } = readAttachment(row)
      const { instance, status, attach_mode } = row
      return { id: canonical, volumeId, view: { instance, status, attach_mode } }
    },

    async object({ collection, id }, caller) {
      const path = pathOf(collection, id)
      if (path === null) return 'absent'
      const answer = await get(path, caller, await newest(caller))
      if (answer.status === 404 && isFault(answer, 'itemNotFound')) return 'absent'
      if (answer.status === 403 && isFault(answer, 'forbidden')) return 'hidden'
      const object = answer.status === 200 ? jsonObject('cinder', answer)[NAMES[collection]] : undefined
      if (!isRecord(object))
        throw new CloudError('cinder', `a lookup in ${collection} was answered ${answer.status}`)
      return object
    },

    allAttachments: (caller) => paged('/attachments/detail', caller),
  }

  async function* paged(path: string, caller: Caller): AsyncGenerator<Attachment> {
    const everywhere = caller.isAdmin ? '&all_tenants=1' : ''
    for (let marker = ''; ; ) {
      const answer = await get(`${path}?limit=${pageSize}${everywhere}${marker}`, caller, '3.27')
      const rows = answer.status === 200 ? jsonObject('cinder', answer).attachments : undefined
      if (!Array.isArray(rows))
        throw new CloudError('cinder', `an attachment list was answered ${answer.status}`)
      const page = rows.map(readAttachment)
      yield* page
      const last = page.at(-1)
      if (last === undefined || page.length < pageSize) return
      marker = `&marker=${encodeURIComponent(last.id)}`
    }
  }

  /**
   * Cinder 18 and later fails to show an attachment that has no connection yet if its volume's back end has a
   * format (NFS and the like): it is there, and the list shows it, to whom its volume is shown.
   */
  async function listed(id: string, caller: Caller): Promise<Facts['attachment']['answer']> {
    for await (const row of paged('/attachments', caller))
      if (row.id.toLowerCase() === id.toLowerCase()) return { id: row.id, volumeId: row.volumeId }
    return 'hidden'
  }
  return cinder
}

/** The request that the caller asks for. */
export function requestIdOf({ headers }: Pick<Caller, 'headers'>): string | undefined {
  return headers['x-openstack-request-id']
}

/** @throws OddIdError */
function inUrl(id: string): string {
  if (id.length > LONGEST_ID) throw new OddIdError('an id too long to ask about')
  return encodeURIComponent(id)
}

/** Where Cinder routes something else than a row; `default` is one of types only, and no row's id either. */
const NO_IDS: ReadonlySet<string> = new Set(['', '.', '..', 'detail', 'summary', 'default'])

/**
 * The path of one row, or null where no path can name it. Routes strips one `.json`: the one added here, so that an
 * id that ends in `.json` is looked up as it is, and not as the row that it would otherwise turn into.
 */
function pathOf(collection: string, id: string): string | null {
  if (NO_IDS.has(id) || id.includes('/') || !id.isWellFormed()) return null
  return `/${collection}/${inUrl(id)}.json`
}

/** Under which name an answer holds an object of a collection. */
const NAMES: Readonly<Record<ObjectCollection, string>> = {
  snapshots: 'snapshot',
  backups: 'backup',
  groups: 'group',
  group_snapshots: 'group_snapshot',
  messages: 'message',
  types: 'volume_type',
  'volume-transfers': 'transfer',
}

/** Only Cinder's own 404 counts as "not there"; a load balancer's does not. */
function isFault(answer: CloudResponse, name: string): boolean {
  return isRecord(jsonObject('cinder', answer)[name])
}

function readVolume(view: Record<string, unknown>): Volume {
  const id = textAt(view, 'id')
  const status = textAt(view, 'status')
  if (id === null || status === null) throw new CloudError('cinder', 'a volume without id or status')
  return {
    id,
    status,
    projectId: textAt(view, 'os-vol-tenant-attr:tenant_id'),
    userId: textAt(view, 'user_id'),
    migrationStatus:
      (textAt(view, 'migration_status') ?? textAt(view, 'os-vol-mig-status-attr:migstat')) || null,
    view,
  }
}

function readAttachment(row: unknown): Attachment {
  if (!isRecord(row)) throw new CloudError('cinder', 'an attachment that is no object')
  const id = textAt(row, 'id')
  const volumeId = textAt(row, 'volume_id')
  if (id === null || volumeId === null) throw new CloudError('cinder', 'an attachment without id or volume')
  return {
    id,
    volumeId,
    serverId: textAt(row, 'instance') || null,
    status: textAt(row, 'status') ?? '',
    connected: isTruthy(row.connection_info),
  }
}

/** Python's truth of the JSON value: empty objects, strings and lists are false. */
function isTruthy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value)
  return (Array.isArray(value) ? value : Object.keys(value)).length > 0
}

/**
 * The safe fallback for a Cinder without an attachments API: its volume view shows neither connection info nor
 * rows that are not `attached`, so what it shows counts as connected, and what it may hide as unknown.
 */
function fromVolume(volume: Facts['volume']['answer']): Facts['attachments']['answer'] {
  if (volume === 'absent' || volume === 'not-authorized') return []
  const shown = Array.isArray(volume.view.attachments) ? volume.view.attachments.filter(isRecord) : []
  if (MAY_HIDE_ROWS.test(volume.status)) return 'unknown'
  if (volume.status === 'in-use' && shown.length === 0) return 'unknown'
  return shown.map((row) => ({
    id: textAt(row, 'attachment_id') ?? '',
    volumeId: volume.id,
    serverId: textAt(row, 'server_id') || null,
    status: 'attached',
    connected: true,
  }))
}

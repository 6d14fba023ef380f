import type { Facts } from '../checks/check.ts'
import type { Config } from '../config/options.ts'
import type { Eventually } from '../identity/identity.ts'
import { compare } from '../operation/version.ts'
import { CloudError, type CloudResponse, isRecord, jsonObject, type Send, textAt } from './client.ts'
import { endpointOf, type SessionKeeper } from './session.ts'
import type { ApiVersions } from './versions.ts'

type ServerVolume = Facts['serverVolume']['answer']

/** From 2.89 (Xena) Nova tells which attachment it uses; before, only that the volume is on the server. */
const TELLS_ATTACHMENT = [2, 89] as const

/**
 * Asks Nova who uses a volume on a server: `GET /servers/{server}/os-volume_attachments/{volume}`, as Cinder's
 * own check does. Anything but an answer that Nova itself wrote is an error, and so never a pass.
 */
export async function serverVolume(
  send: Send,
  /** Compute endpoint for the caller's project. */
  endpoint: string,
  versions: () => Eventually<ApiVersions>,
  question: Facts['serverVolume']['question'],
  headers: Readonly<Record<string, string>>,
): Promise<ServerVolume> {
  const { maximum } = await versions()
  const comparable = compare(maximum, TELLS_ATTACHMENT) >= 0
  const microversion = comparable
    ? { 'openstack-api-version': 'compute 2.89', 'x-openstack-nova-api-version': '2.89' }
    : {}
  const path = `/servers/${encodeURIComponent(question.serverId)}/os-volume_attachments/${encodeURIComponent(question.volumeId)}`
  const answer = await send({
    method: 'GET',
    url: endpoint + path,
    headers: { accept: 'application/json', ...microversion, ...headers },
  })
  switch (answer.status) {
    case 200:
      return readAnswer(answer, comparable)
    case 404:
      return confirmed(answer, 'itemNotFound', 'absent')
    case 403:
      return confirmed(answer, 'forbidden', 'forbidden')
    case 401:
      return 'unauthorized'
    default:
      throw new CloudError('nova', `an attachment lookup was answered ${answer.status}`)
  }
}

/** So many servers are asked about at a time. */
const SIDE_BY_SIDE = 4

/**
 * Every server that the asker may see, page by page, with the volumes that Nova has on it. Each is asked about by
 * itself: a list with details fails as a whole for one server that Nova cannot show.
 * @param everywhere of all projects; Nova lets only admins ask so
 * @throws CloudError
 */
export async function* serversWithVolumes(
  send: Send,
  endpoint: string,
  headers: Readonly<Record<string, string>>,
  everywhere: boolean,
): AsyncGenerator<{ readonly id: string; readonly volumes: readonly string[] }> {
  const get = (path: string) =>
    send({ method: 'GET', url: `${endpoint}${path}`, headers: { accept: 'application/json', ...headers } })
  const volumesOn = async (id: string) => {
    const answer = await get(`/servers/${encodeURIComponent(id)}/os-volume_attachments`)
    // Deleted since it was listed.
    if (answer.status === 404 && confirmed(answer, 'itemNotFound', 'absent') === 'absent') return []
    return fieldsOf(answer, 'volumeAttachments', 'volumeId')
  }
  for (let marker = ''; ; ) {
    const answer = await get(`/servers?limit=200${everywhere ? '&all_tenants=1' : ''}${marker}`)
    const ids = fieldsOf(answer, 'servers', 'id')
    for (let at = 0; at < ids.length; at += SIDE_BY_SIDE) {
      const some = ids.slice(at, at + SIDE_BY_SIDE)
      yield* await Promise.all(some.map(async (id) => ({ id, volumes: await volumesOn(id) })))
    }
    const last = ids.at(-1)
    if (last === undefined) return
    marker = `&marker=${encodeURIComponent(last)}`
  }
}

/** One field of each row of a list. */
function fieldsOf(answer: CloudResponse, list: string, field: string): readonly string[] {
  const rows = answer.status === 200 ? jsonObject('nova', answer)[list] : undefined
  if (!Array.isArray(rows)) throw new CloudError('nova', `a list of ${list} was answered ${answer.status}`)
  return rows.map((row) => {
    const value = isRecord(row) ? textAt(row, field) : null
    if (value === null) throw new CloudError('nova', `a list of ${list} without ${field}`)
    return value
  })
}

function readAnswer(answer: CloudResponse, comparable: boolean): ServerVolume {
  const found = jsonObject('nova', answer).volumeAttachment
  if (!isRecord(found)) throw new CloudError('nova', 'an answer without volumeAttachment')
  // A /v2 endpoint ignores microversions: its answer names no attachment, whatever was asked.
  if (!comparable || !answersMicroversion(answer)) return { attachmentId: null, comparable: false }
  if (!('attachment_id' in found)) throw new CloudError('nova', 'an answer without attachment_id')
  return { attachmentId: textAt(found, 'attachment_id'), comparable: true }
}

function answersMicroversion(answer: CloudResponse): boolean {
  return answer.headers['openstack-api-version'] === 'compute 2.89'
}

/** A 404 opens the guard, so it must be Nova's own: its fault form and its request id. */
function confirmed(answer: CloudResponse, fault: string, meaning: 'absent' | 'forbidden'): ServerVolume {
  const hasRequestId = 'x-openstack-request-id' in answer.headers || 'x-compute-request-id' in answer.headers
  if (hasRequestId && isRecord(jsonObject('nova', answer)[fault])) return meaning
  throw new CloudError('nova', `a ${answer.status} that Nova did not write`)
}

/**
 * Nova's endpoint for a project: `[cinderguard] nova_endpoint_override`, else `[nova] endpoint_override`, else the
 * service catalogue's, by `[nova] region_name` and `interface`. Catalogues of old clouds append the project id,
 * there that of the gateway's own token; it is exchanged for the caller's.
 *
 * @throws CloudError when there is none.
 */
export async function computeEndpoint(
  config: Config,
  session: SessionKeeper,
  projectId: string | null,
  requestId?: string,
): Promise<string> {
  const override = config.cinderguard.nova_endpoint_override ?? config.nova.endpoint_override
  if (override !== undefined) return override.replace(/\/+$/, '')
  const own = await session.get(requestId)
  const found = endpointOf(own, ['compute'], config.nova.interface, config.nova.region_name ?? null)
  if (found === null) throw new CloudError('nova', 'no compute endpoint in the service catalogue')
  const tail = `/${own.projectId}`
  if (own.projectId === null || !found.endsWith(tail)) return found
  const root = found.slice(0, -tail.length)
  return projectId === null ? root : `${root}/${encodeURIComponent(projectId)}`
}

import { apiFault, jsonReply, newRequestId, unauthenticated, withHeaders } from './faults.ts'
import type { Keystone } from './keystone.ts'
import { Listener, type ReceivedRequest, type Reply } from './listener.ts'
import { atLeast, compareMicroversions, isMicroversion } from './microversion.ts'
import type { TokenRecord } from './tokens.ts'

/** A volume as Nova's block device mapping knows it. */
export interface ServerVolume {
  readonly volumeId: string
  /** null: attached in the old way, or the attach is still under way. */
  attachmentId: string | null
  readonly device: string
  readonly bdmUuid: string
}

export interface ComputeServer {
  readonly id: string
  readonly name: string
  readonly projectId: string
  volumes: ServerVolume[]
}

/** Roles that may read a server of their project. */
const READERS = new Set(['reader', 'member', 'manager', 'admin'])
const MIN_MICROVERSION = '2.1'

/** Stand-in Nova: version documents, servers, and the volume attachments of a server. */
export class Nova extends Listener {
  readonly servers = new Map<string, ComputeServer>()
  /** Newest microversion spoken: 2.79 is Train, 2.88 Wallaby, 2.90 Yoga. */
  maxMicroversion = '2.95'
  readonly #keystone: Keystone

  constructor(keystone: Keystone) {
    super((request) => {
      const id = newRequestId()
      return withHeaders(this.#answer(request), { 'x-openstack-request-id': id, 'x-compute-request-id': id })
    })
    this.#keystone = keystone
  }

  #answer(request: ReceivedRequest): Reply {
    const [target = ''] = request.target.split('?', 1)
    let path: string
    try {
      path = decodeURIComponent(target).replace(/\/{2,}/g, '/')
    } catch {
      return apiFault(400)
    }
    if (path === '/') return jsonReply(200, { versions: [this.#version()] })
    if (path === '/v2.1' || path === '/v2.1/') return jsonReply(200, { version: this.#version() })
    if (!path.startsWith('/v2.1/')) return apiFault(404)
    const token = this.#keystone.lookup(request.header('x-auth-token'))
    if (!token) return unauthenticated(this.#keystone.url)
    const version = this.#negotiate(request)
    if (typeof version !== 'string') return version
    const marker = new URL(request.target, this.url).searchParams.get('marker')
    return withHeaders(this.#route(request.method, path, token, version, marker), {
      'openstack-api-version': `compute ${version}`,
      'x-openstack-nova-api-version': version,
      vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
    })
  }

  #negotiate(request: ReceivedRequest): string | Reply {
    const modern = request.header('openstack-api-version')?.match(/(?:^|,)\s*compute\s+(\S+)/)?.[1]
    const asked = modern ?? request.header('x-openstack-nova-api-version') ?? MIN_MICROVERSION
    if (asked === 'latest') return this.maxMicroversion
    if (!isMicroversion(asked)) {
      return apiFault(
        400,
        `API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`,
      )
    }
    const supported =
      atLeast(asked, MIN_MICROVERSION) && compareMicroversions(asked, this.maxMicroversion) <= 0
    if (supported) return asked
    const range = `Minimum is ${MIN_MICROVERSION} and maximum is ${this.maxMicroversion}.`
    return apiFault(406, `Version ${asked} is not supported by the API. ${range}`)
  }

  #route(method: string, path: string, token: TokenRecord, version: string, marker: string | null): Reply {
    const match =
      /^\/v2\.1(?:\/[0-9a-f-]{32,36})?\/servers(?:\/([^/]+)(?:\/os-volume_attachments(?:\/([^/]+))?)?)?$/.exec(
        path,
      )
    if (!match) return apiFault(404)
    if (method !== 'GET' && method !== 'HEAD') return apiFault(405)
    const [, serverId, volumeId] = match
    if (serverId === undefined) {
      const seen = [...this.servers.values()].filter((server) => sees(token, server))
      const rest = marker === null ? seen : seen.slice(seen.findIndex(({ id }) => id === marker) + 1)
      const summary = ({ id, name }: ComputeServer) => ({ id, name, links: [] })
      return jsonReply(200, { servers: rest.map(summary) })
    }
    const server = this.servers.get(serverId)
    if (!server || !sees(token, server)) return apiFault(404, `Instance ${serverId} could not be found.`)
    const show = path.includes('/os-volume_attachments')
    if (!token.roles.some((role) => READERS.has(role.toLowerCase()))) {
      const rule = show
        ? `os_compute_api:os-volumes-attachments:${volumeId ? 'show' : 'index'}`
        : 'os_compute_api:servers:show'
      return apiFault(403, `Policy doesn't allow ${rule} to be performed.`)
    }
    if (!show) return jsonReply(200, { server: serverView(server) })
    if (volumeId === undefined) {
      const all = server.volumes.map((volume) => attachmentView(server, volume, version))
      return jsonReply(200, { volumeAttachments: all })
    }
    const volume = server.volumes.find((one) => one.volumeId === volumeId)
    if (!volume) return apiFault(404, `Instance ${serverId} is not attached to volume ${volumeId}`)
    return jsonReply(200, { volumeAttachment: attachmentView(server, volume, version) })
  }

  #version(): unknown {
    return {
      id: 'v2.1',
      status: 'CURRENT',
      version: this.maxMicroversion,
      min_version: MIN_MICROVERSION,
      updated: '2013-07-23T11:33:21Z',
      links: [{ rel: 'self', href: `${this.url}/v2.1/` }],
    }
  }
}

function sees(token: TokenRecord, server: ComputeServer): boolean {
  return token.project?.id === server.projectId || token.roles.some((role) => role.toLowerCase() === 'admin')
}

function serverView(server: ComputeServer): unknown {
  return {
    id: server.id,
    name: server.name,
    status: 'ACTIVE',
    tenant_id: server.projectId,
    'os-extended-volumes:volumes_attached': server.volumes.map((volume) => ({ id: volume.volumeId })),
  }
}

function attachmentView(server: ComputeServer, volume: ServerVolume, version: string): unknown {
  return {
    ...(atLeast(version, '2.89') ? {} : { id: volume.volumeId }),
    volumeId: volume.volumeId,
    serverId: server.id,
    device: volume.device,
    ...(atLeast(version, '2.70') ? { tag: null } : {}),
    ...(atLeast(version, '2.79') ? { delete_on_termination: false } : {}),
    ...(atLeast(version, '2.89') ? { attachment_id: volume.attachmentId, bdm_uuid: volume.bdmUuid } : {}),
  }
}

import type { CatalogEntry } from '../clouds/session.ts'
import { type Finding, ok } from './finding.ts'
import { isUnknown, type Survey } from './survey.ts'

const BLOCK_STORAGE = ['volumev3', 'volumev2', 'block-storage', 'block-store', 'volume']

/** Ways to Cinder that do not lead through the gateway: on each of them nothing is checked. */
export function wayAroundFindings(survey: Survey): readonly Finding[] {
  return [network(survey), ...catalogue(survey)]
}

function network({ upstreamSeenAt, config }: Survey): Finding {
  const { upstream } = config.cinderguard
  const { hostname, port } = new URL(upstream)
  if (upstreamSeenAt.length === 0)
    return ok('upstream-reachable', `Cinder's port is not open on this machine's outside addresses.`)
  return {
    id: 'upstream-reachable',
    level: 'error',
    what: `Cinder itself answers on ${upstreamSeenAt.map((address) => `${address}:${port}`).join(', ')}, reachable from elsewhere.`,
    why: 'Whoever reaches it there goes round every check.',
    fix: [
      '# cinder.conf',
      '[DEFAULT]',
      `osapi_volume_listen = ${hostname === 'localhost' ? '127.0.0.1' : hostname}`,
      '# or close the port in the firewall',
    ],
  }
}

function catalogue({ own, config }: Survey): readonly Finding[] {
  if (isUnknown(own)) return []
  const mine = own.catalog.filter(({ type }) => BLOCK_STORAGE.includes(type))
  const upstream = placeOf(config.cinderguard.upstream)
  const wrong = endpointsAt(mine, upstream)
  if (wrong.length > 0)
    return [
      {
        id: 'catalogue',
        level: 'error',
        what: `The service catalogue sends clients to Cinder itself: ${wrong.join(', ')}.`,
        why: 'Clients that follow the catalogue never meet the gateway.',
        fix: ['openstack endpoint set --url http://GATEWAY:8776/v3/%(project_id)s ENDPOINT-ID'],
      },
    ]
  if (mine.length === 0)
    return [
      {
        id: 'catalogue',
        level: 'info',
        what: "The gateway's account sees no block storage endpoint in the catalogue.",
        why: 'Whether clients are sent to the gateway could not be seen.',
        fix: [],
      },
    ]
  return [ok('catalogue', 'No block storage endpoint of the catalogue is Cinder itself.')]
}

function endpointsAt(entries: readonly CatalogEntry[], place: string): readonly string[] {
  return entries.flatMap(({ endpoints }) =>
    endpoints
      .filter(({ url }) => placeOf(url) === place)
      .map(({ url, interface: iface }) => `${iface} ${url}`),
  )
}

/** Host and port; empty when it is no URL. */
function placeOf(url: string): string {
  try {
    const { hostname, port, protocol } = new URL(url)
    return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
  } catch {
    return ''
  }
}

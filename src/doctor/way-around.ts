import { blockStorageOf } from './block-storage.ts'
import { type Finding, ok } from './finding.ts'
import { isUnknown, type Survey } from './survey.ts'

/** Ways to Cinder that do not lead through the gateway: on each of them nothing is checked. */
export function wayAroundFindings(survey: Survey): readonly Finding[] {
  return [network(survey), ...catalogue(survey)]
}

function network({ reach, config, cinder }: Survey): Finding {
  const id = 'upstream-reachable'
  const { upstream } = config.cinderguard
  const { hostname, port, protocol } = new URL(upstream)
  if (reach.kind === 'socket') {
    if (!reach.isOpen)
      return ok(id, `Cinder listens on a unix socket, ${reach.path}, that is not open to everybody.`)
    return {
      id,
      level: 'warning',
      what: `Every user of this machine may connect to Cinder's socket ${reach.path}.`,
      why: 'Whoever has an account here bypasses every check.',
      fix: [
        `chmod o-w ${reach.path}   # and likewise in what creates it, such as uWSGI's chmod-socket = 660`,
      ],
    }
  }
  if (reach.kind === 'loopback') {
    if (reach.openAt.length === 0)
      return ok(id, "Cinder's port is not open on this machine's outside addresses.")
    return {
      id,
      level: 'error',
      what: `Cinder itself answers on ${reach.openAt.join(', ')}, reachable from elsewhere.`,
      why: 'Whoever reaches it there bypasses every check.',
      fix: [
        '# cinder.conf',
        '[DEFAULT]',
        `osapi_volume_listen = ${hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '')}`,
        '# or close the port in the firewall',
      ],
    }
  }
  // One that answers nobody at all says nothing of certificates.
  if (reach.answersAnybody === false && !isUnknown(cinder))
    return ok(id, `Cinder at ${upstream} answers only with a client certificate.`)
  const number = port || (protocol === 'https:' ? '443' : '80')
  return {
    id,
    level: 'warning',
    what: `Cinder at ${upstream} is reached over the network${reach.answersAnybody === true ? ', and answers without the client certificate of upstream_certfile' : ''}. Whether others reach it too cannot be seen from here.`,
    why: 'Whoever does bypasses every check.',
    fix: [
      '# on the host of Cinder, let in the gateways only:',
      `nft add rule inet filter input tcp dport ${number} ip saddr != GATEWAY reject`,
      '# or make it require a client certificate (TLS), and here:',
      '[cinderguard]',
      'upstream_certfile = …',
      'upstream_keyfile = …',
      '# then from a machine of a user, and from a compute host; it must fail:',
      `curl -k -m 5 ${protocol}//${hostname}:${number}/`,
    ],
  }
}

function catalogue(survey: Survey): readonly Finding[] {
  const { own, config, proofs } = survey
  if (isUnknown(own)) return []
  const mine = blockStorageOf(own.catalog)
  if (mine.length === 0)
    return [
      {
        id: 'catalogue',
        level: 'info',
        what: "The gateway's account sees no block storage endpoint in the catalogue.",
        why: 'Whether clients are sent to the gateway could not be seen.',
        fix: ['openstack endpoint list --service volumev3'],
      },
    ]
  const upstream = placeOf(config.cinderguard.upstream)
  const wrong = mine.filter(({ url }) => placeOf(url) === upstream)
  if (wrong.length > 0 && config.cinderguard.upstream_socket === undefined)
    return [
      {
        id: 'catalogue',
        level: 'error',
        what: `The service catalogue sends clients to Cinder itself: ${wrong.map((each) => `${each.interface} ${each.url}`).join(', ')}.`,
        why: 'Clients that use the catalogue bypass the gateway.',
        fix: ENDPOINT,
      },
    ]
  if (proofs.length === 0)
    return [
      {
        id: 'catalogue',
        level: 'info',
        what: 'No block storage endpoint of the catalogue is Cinder itself; that they lead to the gateway is not proven.',
        why: 'No running gateway could be asked what it sees.',
        fix: ['cinderguard doctor --admin http://127.0.0.1:9776   # or where its admin_bind is'],
      },
    ]
  return proofs.map(({ url, interface: iface, result }): Finding => {
    if (result === 'seen')
      return ok('catalogue', `The catalogue's endpoint ${url} (${iface}) leads to the gateway.`)
    if (result === 'not-seen')
      return {
        id: 'catalogue',
        level: 'error',
        what: `The catalogue's endpoint ${url} (${iface}) does not lead to the gateway: it saw none of the requests that were sent there.`,
        why: 'Clients that use the catalogue reach something else: perhaps Cinder itself.',
        fix: [
          ...ENDPOINT,
          '# if other gateways are behind it, name all: cinderguard doctor --admin URL --admin URL',
        ],
      }
    return {
      id: 'catalogue',
      level: 'warning',
      what: `The catalogue's endpoint ${url} (${iface}) could not be tried from here: ${result.problem}.`,
      why: 'Whether it leads to the gateway is not known.',
      fix: ['# run cinderguard doctor where that address can be reached'],
    }
  })
}

const ENDPOINT = [
  'openstack endpoint list --service volumev3   # then, for each:',
  'openstack endpoint set --url http://GATEWAY:8776/v3/%\\(project_id\\)s ENDPOINT-ID',
] as const

/** Host and port; empty when it is no URL. */
function placeOf(url: string): string {
  try {
    const { hostname, port, protocol } = new URL(url)
    return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
  } catch {
    return ''
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '../../../src/serve.ts'
import { IDS, OPERATIONS, type Shape, SITUATIONS } from '../cases.ts'
import { exchange } from '../exchange.ts'
import { FAULTS, Faulty, FOREIGN_404 } from '../faulty.ts'
import type { Lab, LabService } from '../lab/lab.ts'
import { gatewayFor } from '../shared.ts'
import { CA_FILE, GOOD, strange } from './certificates.ts'

type Service = 'keystone' | 'nova' | 'cinder'

/** A service falls, in one way, and stands up again. */
export interface Fall {
  readonly service: Service
  readonly name: string
  /** The services themselves, or what stands before each and speaks TLS. */
  readonly way: 'direct' | 'behind'
  begin(ground: Ground): Promise<void> | void
  end(ground: Ground): Promise<void> | void
}

/** What clients saw of one fall. */
export interface Seen {
  /** Answers by status to what was under way while it lasted: of guarded calls, and of reads. */
  readonly guarded: Readonly<Record<string, number>>
  readonly reads: Readonly<Record<string, number>>
  /** Milliseconds of the longest answer. */
  readonly slowest: number
  /** Milliseconds from its end to the first 409 that was asked for after it. */
  readonly recovery: number
  /** Refused calls that reached Cinder all the same. */
  readonly executed: number
  /** Answers of the gateway's own without a request id, or a 503 without `Retry-After`. */
  readonly misshapen: readonly string[]
}

/** Seconds that the gateways wait: for a call to each service, for a decision, for a forwarded request. */
export const LIMITS = { call: 1, decision: 3, upstream: 3 }

/** The same, as options. */
export const TIMEOUTS = {
  'keystone_authtoken.token_cache_time': '-1',
  'cinderguard.keystone_timeout': String(LIMITS.call),
  'cinderguard.nova_timeout': String(LIMITS.call),
  'cinderguard.cinder_timeout': String(LIMITS.call),
  'cinderguard.decision_timeout': String(LIMITS.decision),
  'cinderguard.upstream_timeout': String(LIMITS.upstream),
}

/** Real services, a gateway before them, and another before stand-betweens that break on demand. */
export class Ground {
  readonly lab: Lab
  readonly between: Readonly<Record<Service, Faulty>>
  readonly gateways: Readonly<Record<Fall['way'], Gateway>>

  private constructor(lab: Lab, between: Ground['between'], gateways: Ground['gateways']) {
    this.lab = lab
    this.between = between
    this.gateways = gateways
  }

  static async prepare(lab: Lab): Promise<Ground> {
    const between = {
      keystone: await Faulty.before(lab.urls.keystone, GOOD),
      nova: await Faulty.before(lab.urls.nova, GOOD),
      cinder: await Faulty.before(lab.urls.cinder.legacy, GOOD),
    }
    const gateways = {
      direct: await gatewayFor(lab, lab.urls.cinder.legacy, TIMEOUTS),
      behind: await gatewayFor(lab, between.cinder.url, {
        ...TIMEOUTS,
        'keystone_authtoken.auth_url': between.keystone.url,
        'keystone_authtoken.cafile': CA_FILE,
        'cinderguard.nova_endpoint_override': between.nova.url,
        'nova.cafile': CA_FILE,
        'cinderguard.upstream_cafile': CA_FILE,
      }),
    }
    return new Ground(lab, between, gateways)
  }

  async clear(): Promise<void> {
    for (const gateway of Object.values(this.gateways)) await gateway.stop()
    for (const each of Object.values(this.between)) each.stop()
  }
}

const STRANGER = strange()
const PROCESS: Readonly<Record<Service, LabService>> = {
  keystone: 'keystone',
  nova: 'nova',
  cinder: 'legacy',
}
const SERVICES: readonly Service[] = ['keystone', 'nova', 'cinder']

/** Every service in every way; `direct` ones and those about certificates have no other test. */
export const FALLS: readonly Fall[] = SERVICES.flatMap((service): Fall[] => [
  {
    service,
    name: 'is killed, and started again',
    way: 'direct',
    begin: ({ lab }) => lab.kill(PROCESS[service]),
    end: ({ lab }) => lab.revive(PROCESS[service]),
  },
  {
    service,
    name: 'hangs (SIGSTOP), and goes on',
    way: 'direct',
    begin: ({ lab }) => lab.hang(PROCESS[service]),
    end: ({ lab }) => lab.resume(PROCESS[service]),
  },
  ...Object.entries({
    ...FAULTS,
    ...(service === 'nova' ? { 'answers 404 by way of a load balancer': FOREIGN_404 } : {}),
  }).map(
    ([name, fault]): Fall => ({
      service,
      name,
      way: 'behind',
      begin({ between }) {
        between[service].fault = fault
      },
      end({ between }) {
        between[service].fault = null
        // What was left hanging would hang on.
        between[service].show(GOOD)
      },
    }),
  ),
  {
    service,
    name: 'shows a certificate that nobody vouches for',
    way: 'behind',
    begin: ({ between }) => between[service].show(STRANGER),
    end: ({ between }) => between[service].show(GOOD),
  },
])

const GUARDED = ['os-detach', 'attachment delete'] as const
const READ = `/volumes/${IDS.volume}`
/** Statuses that Cinder may have answered by itself; all others are the gateway's own. */
const FORWARDED: readonly number[] = [200, 302, 429, 500]
export const FIXTURE = SITUATIONS['Nova uses this attachment'] ?? {
  volumes: [],
  attachments: [],
  instances: [],
}
const CLIENTS = 4
/** Milliseconds after which a service counts as not recovered. */
const NEVER = 20_000

/** Lets a service fall for `seconds` under load, and waits until all is well again. */
export async function fall(ground: Ground, how: Fall, seconds: number): Promise<Seen> {
  const { lab } = ground
  const { url } = ground.gateways[how.way]
  const { token, projectId } = await lab.token('member')
  const guarded: Record<string, number> = {}
  const reads: Record<string, number> = {}
  const misshapen: string[] = []
  let [slowest, isDown, isOver, recovery] = [0, false, false, Number.POSITIVE_INFINITY]
  let ended = Number.POSITIVE_INFINITY
  lab.reset(FIXTURE)
  lab.clearVerdicts()

  async function ask(operation: (typeof GUARDED)[number] | 'read'): Promise<void> {
    const began = performance.now()
    const wasDown = isDown
    const shape: Shape = OPERATIONS[operation] ?? { method: 'GET', path: READ }
    const answer = await exchange(url, projectId, shape, { user: token }).catch(() => null)
    const now = performance.now()
    slowest = Math.max(slowest, now - began)
    const status = answer?.status ?? 'cut'
    if (wasDown || isDown) {
      const counts = operation === 'read' ? reads : guarded
      counts[status] = (counts[status] ?? 0) + 1
    }
    if (answer !== null && !FORWARDED.includes(answer.status)) {
      const { 'retry-after': after, 'x-openstack-request-id': id } = answer.headers
      if (id !== 'there') misshapen.push(`${operation}: ${status} without a request id`)
      if (status === 503 && after === undefined) misshapen.push(`${operation}: 503 without Retry-After`)
    }
    if (status === 409 && began > ended) recovery = Math.min(recovery, now - ended)
  }
  async function client(at: number): Promise<void> {
    for (let turn = at; !isOver; turn += 1) await ask([...GUARDED, 'read' as const][turn % 3] ?? 'read')
  }

  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(at)))
  await sleep(300)
  isDown = true
  await how.begin(ground)
  await sleep(seconds * 1000)
  isDown = false
  await how.end(ground)
  ended = performance.now()
  while (recovery === Number.POSITIVE_INFINITY && performance.now() < ended + NEVER) await sleep(50)
  isOver = true
  await clients
  return { guarded, reads, slowest, recovery, executed: lab.readVerdicts().length, misshapen }
}

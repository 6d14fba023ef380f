import type { Gateway } from '../serve.ts'
import type { Cloud } from './cloud.ts'
import { PROJECTS, VOLUMES, type VolumeName } from './fixture.ts'

/** The shell variables that the printed commands name volumes by. What a station detaches no other one needs. */
export const TOUR_VOLUMES = {
  BARE_VOLUME: 'detached-bare',
  VOLUME: 'in-use',
  NOVA_VOLUME: 'detached-by-nova',
} as const satisfies Record<string, VolumeName>
export type TourVolume = keyof typeof TOUR_VOLUMES

/** One station of the tour: a request, what it should be answered, and what that means. */
export interface Station {
  readonly title: string
  readonly to: 'gateway' | 'cinder'
  readonly volume: TourVolume
  readonly action: object
  readonly serviceToken?: 'forged' | 'nova'
  readonly expected: number
  /** How good the announced answer is for the cloud. */
  readonly good: boolean
  readonly comment: string
}

/** A station, and what really came. */
export interface Visited extends Station {
  readonly status: number
  readonly body: string
  readonly requestId: string | null
  /** The counter that it moved, as `/metrics` shows it. */
  readonly metric: string | undefined
}

export interface Tokens {
  readonly alice: string
  readonly nova: string
}

const DETACH = { 'os-detach': {} }

/** The attack of CVE-2023-2088 against the bare legacy Cinder, then against the gateway, and its relatives. */
const STATIONS: readonly Station[] = [
  {
    title: "The attack on the bare legacy Cinder: alice detaches a volume behind Nova's back",
    to: 'cinder',
    volume: 'BARE_VOLUME',
    action: DETACH,
    expected: 202,
    good: false,
    comment:
      'Accepted: her server still holds the block device, and can read whatever volume is given that LUN next.',
  },
  {
    title: 'The same attack, on another volume, through Cinderguard',
    to: 'gateway',
    volume: 'VOLUME',
    action: DETACH,
    expected: 409,
    good: true,
    comment:
      'Refused with the message of a fixed Cinder, because Nova says that the server uses the attachment.',
  },
  {
    title: 'The same with a forged service token',
    to: 'gateway',
    volume: 'VOLUME',
    action: DETACH,
    serviceToken: 'forged',
    expected: 401,
    good: true,
    comment: 'Keystone does not know the token, so the request is refused before anything else.',
  },
  {
    title: 'os-force_detach by a non-admin',
    to: 'gateway',
    volume: 'VOLUME',
    action: { 'os-force_detach': { connector: {} } },
    expected: 403,
    good: true,
    comment: 'An oslo.policy rule refuses it; the request is not forwarded.',
  },
  {
    title: 'Nova itself detaches, with its service token, as `openstack server remove volume` makes it do',
    to: 'gateway',
    volume: 'NOVA_VOLUME',
    action: DETACH,
    serviceToken: 'nova',
    expected: 202,
    good: true,
    comment: 'Allowed: the service token proves that Nova itself is detaching.',
  },
]

/** Visits one station after the other, and puts back at the end what was detached. */
export async function* visit(cloud: Cloud, gateway: Gateway, tokens: Tokens): AsyncGenerator<Visited> {
  for (const station of STATIONS) {
    const path = `/v3/${PROJECTS.demo}/volumes/${VOLUMES[TOUR_VOLUMES[station.volume]]}/action`
    const before = await counters(gateway)
    const answer = await fetch((station.to === 'cinder' ? cloud.urls.cinder : gateway.url) + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-auth-token': tokens.alice,
        ...(station.serviceToken === undefined
          ? {}
          : { 'x-service-token': station.serviceToken === 'nova' ? tokens.nova : 'forged' }),
      },
      body: JSON.stringify(station.action),
    })
    const { status } = answer
    const body = await answer.text()
    const moved = (await counters(gateway)).filter((line) => !before.includes(line))
    const metric = moved.find((line) => line.includes('refusals')) ?? moved[0]
    yield { ...station, status, body, requestId: answer.headers.get('x-openstack-request-id'), metric }
  }
  cloud.reset()
}

/** The lines of the two counters that the tour moves. */
async function counters(gateway: Gateway): Promise<readonly string[]> {
  const text = await gateway.metrics.registry.metrics()
  return text.split('\n').filter((line) => /^cinderguard_(?:refusals|requests)_total\{/.test(line))
}

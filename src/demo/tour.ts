import type { Gateway } from '../serve.ts'
import type { Cloud } from './cloud.ts'
import { PROJECTS, VOLUMES } from './fixture.ts'

/** One station of the tour: a request, what it should be answered, and how to send it by hand. */
interface Station {
  readonly title: string
  readonly to: 'gateway' | 'cinder'
  readonly action: object
  readonly token: string
  readonly serviceToken?: string
  readonly expected: number
  readonly comment: string
}

const PATH = `/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`

/**
 * The attack of CVE-2023-2088 against the bare legacy Cinder, then against the gateway, and its relatives; prints
 * each with the metrics line that it moved. True when every answer was as announced.
 */
export async function printTour(
  cloud: Cloud,
  gateway: Gateway,
  print: (text: string) => void,
): Promise<boolean> {
  const alice = cloud.token('alice')
  const nova = cloud.token('nova')
  const detach = { 'os-detach': {} }
  const stations: readonly Station[] = [
    {
      title: "The attack on the bare legacy Cinder: alice detaches a volume behind Nova's back",
      to: 'cinder',
      action: detach,
      token: alice,
      expected: 202,
      comment:
        'Accepted: her server still holds the block device, and whoever gets that space next shares it with her.',
    },
    {
      title: 'The same attack through Cinderguard',
      to: 'gateway',
      action: detach,
      token: alice,
      expected: 409,
      comment:
        'Refused with the words of a fixed Cinder, because Nova says that the server uses the attachment.',
    },
    {
      title: 'A forged service token beside it',
      to: 'gateway',
      action: detach,
      token: alice,
      serviceToken: 'forged',
      expected: 401,
      comment: 'Keystone does not know it, so the request is refused before anything else.',
    },
    {
      title: 'os-force_detach by someone who is no admin',
      to: 'gateway',
      action: { 'os-force_detach': { connector: {} } },
      token: alice,
      expected: 403,
      comment: 'The oslo.policy rule volume_extension:volume_admin_actions:force_detach refuses it.',
    },
    {
      title: 'Nova itself detaches, with its service token, as `openstack server remove volume` makes it do',
      to: 'gateway',
      action: detach,
      token: alice,
      serviceToken: nova,
      expected: 202,
      comment: 'A service may: it knows what it does.',
    },
  ]
  print(
    `\nCinderguard demo: a stand-in cloud on this machine, state in memory.\n\n` +
      `  Keystone        ${cloud.urls.keystone}\n  Nova            ${cloud.urls.nova}\n` +
      `  legacy Cinder   ${cloud.urls.cinder}   (unfixed)\n  Cinderguard     ${gateway.url}   in front of it\n` +
      `  metrics         ${gateway.adminUrl}/metrics\n\n  alice's token   export ALICE=${alice}\n  Nova's token    export NOVA=${nova}\n`,
  )
  let asExpected = true
  for (const [index, station] of stations.entries()) {
    // The first attack took the volume away; each station begins with it in use.
    cloud.reset()
    const before = await counters(gateway)
    const { status, text } = await send(station, cloud, gateway)
    const right = status === station.expected
    asExpected &&= right
    const moved = (await counters(gateway)).filter((line) => !before.includes(line))
    print(
      `\n${index + 1}. ${station.title}\n\n${commandOf(station, cloud, gateway)}\n\n` +
        `   ${right ? '' : `UNEXPECTED (not ${station.expected}): `}HTTP ${status} ${text}\n   ${station.comment}\n` +
        moved.map((line) => `   ${line}\n`).join(''),
    )
  }
  cloud.reset()
  return asExpected
}

function urlOf(station: Station, cloud: Cloud, gateway: Gateway): string {
  return (station.to === 'cinder' ? cloud.urls.cinder : gateway.url) + PATH
}

async function send(
  station: Station,
  cloud: Cloud,
  gateway: Gateway,
): Promise<{ status: number; text: string }> {
  const answer = await fetch(urlOf(station, cloud, gateway), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-auth-token': station.token,
      ...(station.serviceToken === undefined ? {} : { 'x-service-token': station.serviceToken }),
    },
    body: JSON.stringify(station.action),
  })
  return { status: answer.status, text: await answer.text() }
}

function commandOf(station: Station, cloud: Cloud, gateway: Gateway): string {
  const service =
    station.serviceToken === undefined
      ? ''
      : ` -H "X-Service-Token: ${station.serviceToken === 'forged' ? 'forged' : '$NOVA'}"`
  return (
    `   curl -i -X POST ${urlOf(station, cloud, gateway)} \\\n` +
    `     -H "X-Auth-Token: $ALICE"${service} -H 'Content-Type: application/json' \\\n     -d '${JSON.stringify(station.action)}'`
  )
}

/** The lines of the two counters that the tour moves. */
async function counters(gateway: Gateway): Promise<readonly string[]> {
  const text = await gateway.metrics.registry.metrics()
  return text.split('\n').filter((line) => /^cinderguard_(?:refusals|requests)_total\{/.test(line))
}

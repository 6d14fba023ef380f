import { styleText } from 'node:util'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/options.ts'
import { type Cloud, startCloud } from '../demo/cloud.ts'
import { GATEWAY_ACCOUNT, PROJECTS, VOLUMES } from '../demo/fixture.ts'
import { makeFolder } from '../demo/folder.ts'
import { TOUR_VOLUMES, visit } from '../demo/tour.ts'
import { afterwards, introduction, type Paint, stationText } from '../demo/tour-text.ts'
import { loadPolicyOf } from '../organisation/layers.ts'
import { createLogger } from '../record/log.ts'
import { type Gateway, startGateway } from '../serve.ts'
import { untilSignal } from './signals.ts'

/** Fixed, so that printed addresses stay right; any free ones when these are taken or `--any-port` is given. */
const PORTS = { gateway: 8776, admin: 9776, keystone: 5000, nova: 8774, cinder: 18776 }

/** Coloured on a terminal alone, and not with NO_COLOR. */
const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout })

/** `cinderguard demo`: the gateway in front of the embedded cloud, a guided tour, then on until Ctrl-C. `--once` ends after the tour. */
export async function demo(argv: readonly string[]): Promise<number> {
  const ended = untilSignal(['SIGINT', 'SIGTERM', 'SIGHUP'])
  const isAny = argv.includes('--any-port')
  const cloud = await startCloud(isAny ? {} : { ports: PORTS }).catch(() => startCloud())
  try {
    const gateway = await startAt(cloud, isAny ? ANY : FIXED).catch(() => startAt(cloud, ANY))
    try {
      return await tour(cloud, gateway, argv.includes('--once') ? null : ended)
    } finally {
      await gateway.stop()
    }
  } finally {
    await cloud.stop()
  }
}

/** @param ended null: ends after the tour, with 1 when something was not as announced. */
async function tour(cloud: Cloud, gateway: Gateway, ended: Promise<string> | null): Promise<number> {
  const print = (text: string) => process.stdout.write(text)
  const tokens = { alice: cloud.token('alice'), nova: cloud.token('nova') }
  const binds = { bind: hostOf(gateway.url), admin: hostOf(gateway.adminUrl) }
  const variables = {
    CINDER: cloud.urls.cinder,
    GATEWAY: gateway.url,
    PROJECT: PROJECTS.demo,
    ...Object.fromEntries(Object.entries(TOUR_VOLUMES).map(([name, volume]) => [name, VOLUMES[volume]])),
    ALICE: tokens.alice,
    NOVA: tokens.nova,
  }
  const folder = makeFolder(settingsFor(cloud, binds), variables, tokens.alice)
  print(introduction(cloud, gateway, ended === null ? null : folder, paint))
  let number = 0
  let asExpected = true
  let attack: string | null = null
  for await (const visited of visit(cloud, gateway, tokens)) {
    number += 1
    asExpected &&= visited.status === visited.expected
    if (visited.status === 409) attack = visited.requestId
    print(stationText(visited, number, paint))
  }
  if (ended === null) return asExpected ? 0 : 1
  // As an installation has it.
  const volumes = `${gateway.url}/v3/$(project_id)s`
  const { keystone } = cloud
  keystone.endpoints = {
    ...keystone.endpoints,
    volumev3: { public: volumes, internal: volumes, admin: volumes },
  }
  print(afterwards(gateway, folder, attack, paint))
  await ended
  print('\nEnded.\n')
  return 0
}

interface Binds {
  readonly bind: string
  readonly admin: string
}
const FIXED: Binds = { bind: `127.0.0.1:${PORTS.gateway}`, admin: `127.0.0.1:${PORTS.admin}` }
const ANY: Binds = { bind: '127.0.0.1:0', admin: '127.0.0.1:0' }

function startAt(cloud: Cloud, binds: Binds): Promise<Gateway> {
  const config = configOf(settingsFor(cloud, binds))
  const policy = loadPolicyOf(config)
  if ('problems' in policy) throw new Error(policy.problems.join('; '))
  return startGateway(config, policy, createLogger('error'))
}

function configOf(overrides: Readonly<Record<string, string>>): Config {
  const loaded = loadConfig({ overrides })
  if ('problems' in loaded) throw new Error(loaded.problems.map((problem) => problem.message).join('; '))
  return loaded.config
}

/** The demo's configuration, by `section.name`. */
function settingsFor(cloud: Cloud, { bind, admin }: Binds): Readonly<Record<string, string>> {
  return {
    'cinderguard.bind': bind,
    'cinderguard.admin_bind': admin,
    'cinderguard.upstream': cloud.urls.cinder,
    'cinderguard.shutdown_timeout': '1',
    'keystone_authtoken.auth_url': cloud.urls.keystone,
    'keystone_authtoken.www_authenticate_uri': cloud.urls.keystone,
    ...GATEWAY_ACCOUNT,
    'service_user.send_service_user_token': 'true',
  }
}

function hostOf(url: string): string {
  return new URL(url).host
}

import { loadConfig } from '../config/load.ts'
import { type Cloud, startCloud } from '../demo/cloud.ts'
import { printTour } from '../demo/tour.ts'
import { loadPolicyOf } from '../organisation/layers.ts'
import { createLogger } from '../record/log.ts'
import { startGateway } from '../serve.ts'
import { untilSignal } from './signals.ts'

/** Fixed, so that printed commands stay right; any free ones when these are taken or `--port 0` is given. */
const PORTS = { gateway: 8776, admin: 9776, keystone: 5000, nova: 8774, cinder: 18776 }

/** `cinderguard demo`: the gateway in front of the embedded cloud, a guided tour, then on until Ctrl-C. `--once` ends after the tour. */
export async function demo(argv: readonly string[]): Promise<number> {
  const unknown = argv.find((word) => word !== '--once' && word !== '--any-port')
  if (unknown !== undefined) {
    process.stderr.write(`cinderguard demo: "${unknown}" is not understood (--once, --any-port)\n`)
    return 2
  }
  const any = argv.includes('--any-port')
  const cloud = await startCloud(any ? {} : { ports: PORTS }).catch(() => startCloud())
  try {
    return await tour(cloud, any, argv.includes('--once'))
  } finally {
    await cloud.stop()
  }
}

async function tour(cloud: Cloud, any: boolean, once: boolean): Promise<number> {
  const config = configFor(cloud, any)
  const policy = loadPolicyOf(config)
  if ('problems' in policy) throw new Error(policy.problems.join('; '))
  const log = createLogger('error')
  const gateway = await startGateway(config, policy, log).catch(() =>
    startGateway(configFor(cloud, true), policy, log),
  )
  try {
    const asExpected = await printTour(cloud, gateway, (text) => process.stdout.write(text))
    if (once) return asExpected ? 0 : 1
    process.stdout.write('\nStill running, so that you can try the commands above. Ctrl-C ends it.\n')
    await untilSignal()
    process.stdout.write('\nEnded.\n')
    return 0
  } finally {
    await gateway.stop()
  }
}

function configFor(cloud: Cloud, any: boolean) {
  const loaded = loadConfig({
    overrides: {
      'cinderguard.bind': `127.0.0.1:${any ? 0 : PORTS.gateway}`,
      'cinderguard.admin_bind': `127.0.0.1:${any ? 0 : PORTS.admin}`,
      'cinderguard.upstream': cloud.urls.cinder,
      'cinderguard.shutdown_timeout': '1',
      'keystone_authtoken.auth_url': cloud.urls.keystone,
      'keystone_authtoken.www_authenticate_uri': cloud.urls.keystone,
      'keystone_authtoken.username': 'cinderguard',
      'keystone_authtoken.password': 'cinderguard-secret',
      'keystone_authtoken.user_domain_name': 'Default',
      'keystone_authtoken.project_name': 'service',
      'keystone_authtoken.project_domain_name': 'Default',
      'service_user.send_service_user_token': 'true',
    },
  })
  if ('problems' in loaded) throw new Error(loaded.problems.map((problem) => problem.message).join('; '))
  return loaded.config
}

import { pino } from 'pino'
import { loadConfig } from '../../src/config/load.ts'
import { loadPolicyOf } from '../../src/organisation/layers.ts'
import { type Gateway, startGateway } from '../../src/serve.ts'
import { type Lab, startLab } from './lab/lab.ts'

let lab: Promise<Lab> | null = null

/** The OpenStack that all files of this run share; started at first use, ended with the process. */
export function sharedLab(): Promise<Lab> {
  lab ??= startLab({ eventlet: true })
  return lab
}

/** A gateway in this process in front of one of the lab's Cinders, configured from Cinder's own cinder.conf. */
export async function gatewayFor(
  running: Lab,
  upstream: string,
  overrides: Record<string, string> = {},
): Promise<Gateway> {
  const loaded = loadConfig({
    files: [running.paths.cinderConf],
    overrides: {
      'cinderguard.bind': '127.0.0.1:0',
      'cinderguard.admin_bind': '127.0.0.1:0',
      'cinderguard.upstream': upstream,
      'cinderguard.shutdown_timeout': '1',
      ...overrides,
    },
  })
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  const policy = loadPolicyOf(loaded.config)
  if ('problems' in policy) throw new Error(policy.problems.join('; '))
  return startGateway(loaded.config, policy, pino({ level: 'silent' }))
}

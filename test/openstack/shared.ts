import { pino } from 'pino'
import { loadConfig } from '../../src/config/load.ts'
import { loadPolicyOf } from '../../src/policy/load.ts'
import { type Gateway, startGateway } from '../../src/serve.ts'
import { type Lab, startLab } from './lab/lab.ts'
import type { LabVerdict } from './lab/Verdicts.ts'

let lab: Promise<Lab> | null = null

/** The OpenStack that all files of this run share; started at first use, ended with the process. */
export function sharedLab(): Promise<Lab> {
  lab ??= startLab({ eventlet: true })
  return lab
}

/** Requests that a gateway forwarded although it would have refused them (observe mode), by id. */
const excused = new Set<string>()

/** Executed through a gateway, by its id on the request, although the real check refuses it: in the whole run. */
export async function bypasses(): Promise<readonly LabVerdict[]> {
  if (lab === null) return []
  const seen = (await lab).allVerdicts()
  return seen.filter(
    ({ allowed, global_request_id: id }) => !allowed && id !== null && !excused.has(id.toLowerCase()),
  )
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
  const gateway = await startGateway(loaded.config, policy, pino({ level: 'silent' }))
  const { mode } = gateway.stages
  gateway.stages.mode = (rejection, draft) => {
    const decided = mode(rejection, draft)
    if (decided === 'observe' && draft.request !== undefined)
      excused.add(draft.request.requestId.toLowerCase())
    return decided
  }
  return gateway
}

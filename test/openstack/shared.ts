import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig } from '../../src/config/load.ts'
import { contentOf } from '../../src/explain/content.ts'
import { loadPolicyOf } from '../../src/organisation/layers.ts'
import type { CadfEvent } from '../../src/record/cadf.ts'
import { type Gateway, startGateway } from '../../src/serve.ts'
import { type Lab, startLab } from './lab/lab.ts'
import type { LabVerdict } from './lab/Verdicts.ts'

let lab: Promise<Lab> | null = null

/** The OpenStack that all files of this run share; started at first use, ended with the process. */
export function sharedLab(): Promise<Lab> {
  lab ??= startLab({ eventlet: true })
  return lab
}

/** Decision records of gateways told to forward what the real check refuses; they say each time that they do. */
const observers: string[] = []
const excused = new Set<string>()

/** Takes in which requests a gateway forwarded in observe mode or of a trusted user, by its decision records. */
export function excuse(file: string): void {
  const lines = readFileSync(file, 'utf8').split('\n')
  const decisions = lines
    .filter((line) => line !== '')
    .map((line) => contentOf(JSON.parse(line) as CadfEvent))
  for (const { verdict, caller, request_id } of decisions)
    if (verdict === 'observed' || caller === 'trusted-user') excused.add(request_id.toLowerCase())
}

/** Executed through a gateway, by its id on the request, although the real check refuses it: in the whole run. */
export async function bypasses(): Promise<readonly LabVerdict[]> {
  if (lab === null) return []
  const seen = (await lab).allVerdicts()
  for (const file of observers) excuse(file)
  return seen.filter(
    ({ allowed, global_request_id: id }) => !allowed && id !== null && !excused.has(id.toLowerCase()),
  )
}

const isLenient = (overrides: Readonly<Record<string, string>>): boolean =>
  overrides['cinderguard.mode'] === 'observe' ||
  'cinderguard.mode_overrides' in overrides ||
  'cinderguard.trusted_service_users' in overrides

function observer(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'cinderguard-observer-')), 'decisions.log')
  writeFileSync(file, '')
  observers.push(file)
  return file
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
      // Its own probes would be counted with what tests make it ask.
      'cinderguard.readiness_interval': '0',
      ...(isLenient(overrides) ? { 'cinderguard.audit_log': observer() } : {}),
      ...overrides,
    },
  })
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  const policy = loadPolicyOf(loaded.config)
  if ('problems' in policy) throw new Error(policy.problems.join('; '))
  return startGateway(loaded.config, policy, pino({ level: 'silent' }))
}

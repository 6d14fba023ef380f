import { pino } from 'pino'
import type { PolicySource } from '../../src/checks/policy.ts'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblem } from '../../src/config/problem.ts'
import { type Cloud, type CloudOptions, startCloud } from '../../src/demo/cloud.ts'
import { GATEWAY_ACCOUNT } from '../../src/demo/fixture.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { type Gateway, startGateway } from '../../src/serve.ts'

/** A gateway in front of the stand-in cloud, and what a test needs of both. */
export interface TestGateway {
  readonly url: string
  readonly adminUrl: string
  readonly cloud: Cloud
  readonly gateway: Gateway
  /** Every line logged so far, parsed. */
  readonly logged: Readonly<Record<string, unknown>>[]
  stop(): Promise<void>
}

/** Rules in force, and what of the rest of a policy a test says. */
export type SomePolicy = Pick<PolicySource, 'current'> & Partial<PolicySource>

const FIXED = {
  identity: () => ({ version: null, digest: 'unknown' }),
  problem: () => null,
  history: () => ({ taken: 1, refused: 0, takenAt: 0 }),
}

/** Cinder's own rules, as a gateway without policy files has them. */
export function cinderPolicy(): SomePolicy {
  const rules = compileRules(new Map())
  if ('problems' in rules) throw new Error("Cinder's own rules do not compile")
  return { current: () => rules }
}

/**
 * Starts both on free ports.
 *
 * @param overrides options by `section.name`, over those that the stand-in cloud needs; `cinderguard.upstream`
 *   puts another server in place of the cloud's Cinder.
 */
export async function startTestGateway(
  overrides: Readonly<Record<string, string>> = {},
  options: { readonly cloud?: CloudOptions; readonly policy?: SomePolicy } = {},
): Promise<TestGateway> {
  const cloud = await startCloud(options.cloud)
  const loaded = loadConfig({
    overrides: {
      'cinderguard.bind': '127.0.0.1:0',
      'cinderguard.admin_bind': '127.0.0.1:0',
      // Only what a test asks for comes to the cloud.
      'cinderguard.readiness_interval': '0',
      'cinderguard.upstream': cloud.urls.cinder,
      'keystone_authtoken.auth_url': `${cloud.urls.keystone}/v3`,
      ...GATEWAY_ACCOUNT,
      ...overrides,
    },
  })
  if ('problems' in loaded) {
    await cloud.stop()
    throw new Error(loaded.problems.map(describeProblem).join('\n'))
  }
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const gateway = await startGateway(loaded.config, { ...FIXED, ...(options.policy ?? cinderPolicy()) }, log)
  let stopped: Promise<void> | undefined
  return {
    url: gateway.url,
    adminUrl: gateway.adminUrl,
    cloud,
    gateway,
    logged,
    stop() {
      stopped ??= gateway.stop().finally(() => cloud.stop())
      return stopped
    },
  }
}

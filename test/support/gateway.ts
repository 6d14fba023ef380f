import { pino } from 'pino'
import type { PolicySource } from '../../src/checks/policy.ts'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblem } from '../../src/config/problem.ts'
import { type Cloud, type CloudOptions, startCloud } from '../../src/demo/cloud.ts'
import { GATEWAY_ACCOUNT } from '../../src/demo/fixture.ts'
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

/** Admins may do everything, others what is not for admins, in their own project: Cinder's old defaults in short. */
const POLICY: PolicySource = {
  current: () => ({
    has: (rule) => rule.startsWith('volume'),
    allows(rule, credentials, target) {
      const roles = Array.isArray(credentials.roles) ? credentials.roles : []
      if (roles.includes('admin')) return true
      if (rule === 'context_is_admin' || rule.includes(':volume_admin_actions:')) return false
      return credentials.project_id === target.project_id
    },
  }),
}

/**
 * Starts both on free ports.
 *
 * @param overrides options by `section.name`, over those that the stand-in cloud needs; `cinderguard.upstream`
 *   puts another server in place of the cloud's Cinder.
 */
export async function startTestGateway(
  overrides: Readonly<Record<string, string>> = {},
  options: { readonly cloud?: CloudOptions; readonly policy?: PolicySource } = {},
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
  const gateway = await startGateway(loaded.config, options.policy ?? POLICY, log)
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

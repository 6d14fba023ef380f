import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { consoleAccess } from './admin/access.ts'
import { createAdmin } from './admin/admin.ts'
import { consolePage } from './admin/console.ts'
import { decisionRoutes } from './admin/decisions.ts'
import { readNow } from './admin/now.ts'
import { checkReadiness, type PolicyReadiness } from './admin/readiness.ts'
import { createApp } from './app.ts'
import type { PolicySource } from './checks/policy.ts'
import type { Config } from './config/options.ts'
import type { Stages } from './gateway.ts'
import { createAudit } from './record/audit.ts'
import type { CadfEvent } from './record/cadf.ts'
import { createMetrics, type Metrics } from './record/metrics.ts'
import { Recent } from './record/recent.ts'
import { readModes } from './rollout/mode.ts'
import { Report } from './rollout/report.ts'
import { type ListenOptions, listen } from './server.ts'

/** A running gateway. */
export interface Gateway {
  readonly url: string
  readonly adminUrl: string
  readonly metrics: Metrics
  /** For explanations. */
  readonly stages: Stages
  /** Opens the files that it writes anew, after they were moved away (logrotate). */
  reopen(): void
  /** Unready at once, then requests under way are let finish. */
  stop(): Promise<void>
}

/** The release, from package.json. */
export function versionOf(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return String((JSON.parse(text) as { version: unknown }).version)
}

/** Starts both listeners. One that cannot be had stops the other. @throws when an address or a key file cannot be had. */
export async function startGateway(config: Config, policy: PolicySource, log: Logger): Promise<Gateway> {
  const metrics = createMetrics(versionOf())
  const { mode, mode_overrides, audit_log, audit_queue } = config.cinderguard
  const modes = readModes(mode, mode_overrides, (name) => policy.current().has(name))
  if ('problems' in modes) throw new Error(`[cinderguard] mode_overrides: ${modes.problems.join('; ')}`)
  metrics.mode(modes.overall)
  metrics.policy(policy)
  const recent = new Recent<CadfEvent>(1000)
  const report = new Report(modes.overall, Date.now())
  const audit = createAudit({ target: audit_log, queueBytes: audit_queue, metrics, log, recent, report })
  const app = await createApp(config, policy, metrics, log, audit, modes)
  let draining = false
  const readiness = () => checkReadiness(app.probes, metrics.ready)
  const admin = createAdmin({
    registry: metrics.registry,
    readiness: async () => ({ ...(await readiness()), policy: policyOf(policy) }),
    page: consolePage(),
    isDraining: () => draining,
    decisions: decisionRoutes(
      consoleAccess(config.cinderguard.admin_bind, config.cinderguard.console_role, app.validator),
      {
        recent,
        report: () => report.read(),
        now: async () =>
          readNow(metrics.registry, {
            version: `Cinderguard ${versionOf()}`,
            since: report.read().since,
            policy: nameOf(policy),
            services: (await readiness()).services,
          }),
        policy: () => ({ source: () => undefined, ...policy.current() }),
      },
    ),
  })
  const adminListener = await listen(admin, config.cinderguard.admin_bind)
  const tls = tlsOf(config, (problem) => log.error({ problem }, 'the replaced TLS files are not used'))
  const opened = listen(app.handle, config.cinderguard.bind, {
    tls,
    messages: app.messages,
    onBroken: metrics.broken,
  })
  const listener = await opened.catch(async (error: unknown) => {
    await adminListener.close(0)
    await app.close()
    throw error
  })
  log.info({ url: listener.url, admin: adminListener.url, version: versionOf() }, 'cinderguard is listening')
  return {
    url: listener.url,
    adminUrl: adminListener.url,
    metrics,
    stages: app.stages,
    reopen: audit.reopen,
    async stop() {
      draining = true
      log.info('draining')
      await listener.close(config.cinderguard.shutdown_timeout)
      await adminListener.close(0)
      await app.close()
      await audit.close()
    },
  }
}

function policyOf(policy: PolicySource): PolicyReadiness {
  const { version = null, digest = 'unknown' } = policy.identity?.() ?? {}
  return { version, digest, problem: policy.problem?.() ?? null }
}

function nameOf(policy: PolicySource): string {
  const { version, digest } = policyOf(policy)
  return `policy ${version === null ? '' : `${version}, `}${digest.slice(0, 12)}`
}

function tlsOf(config: Config, onProblem: (problem: string) => void): ListenOptions['tls'] {
  const { tls_cert_file, tls_key_file, tls_client_ca_file } = config.cinderguard
  if (tls_cert_file === undefined || tls_key_file === undefined) return undefined
  const files = { certFile: tls_cert_file, keyFile: tls_key_file, clientCaFile: tls_client_ca_file }
  return { files, onProblem }
}

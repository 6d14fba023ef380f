import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { consoleAccess } from './admin/access.ts'
import { createAdmin } from './admin/admin.ts'
import { consolePage } from './admin/console.ts'
import { decisionRoutes } from './admin/decisions.ts'
import { kept } from './admin/kept.ts'
import { readNow } from './admin/now.ts'
import { checkReadiness, type PolicyReadiness, type Probes, watchReadiness } from './admin/readiness.ts'
import type { PolicySource } from './checks/policy.ts'
import type { Config } from './config/options.ts'
import type { Explaining } from './explain/explaining.ts'
import type { TokenValidator } from './identity/identity.ts'
import type { CadfEvent } from './record/cadf.ts'
import type { Metrics } from './record/metrics.ts'
import type { Recent } from './record/recent.ts'
import type { ReadinessReport } from './rollout/report.ts'
import { listen } from './server.ts'
import type { TlsFiles } from './tls.ts'
import { versionOf } from './version.ts'

/** Milliseconds for which the console believes that a service is as it was, and waits for the first answer. */
const STATE_AGE = 1500
const PATIENCE = 1000
const UNASKED = 'has not answered yet'
const UNKNOWN = { keystone: UNASKED, cinder: UNASKED, nova: UNASKED }

/** Where the admin listener has its knowledge from: one process, or all workers together. */
export interface BackSources {
  readonly registry: () => Promise<Registry>
  readonly report: () => Promise<ReadinessReport>
  /** That of all processes; without it, that of this one. */
  readonly policy?: () => Promise<PolicyReadiness>
  readonly recent: Recent<CadfEvent>
  readonly probes: Probes
  readonly validator: TokenValidator
  readonly metrics: Pick<Metrics, 'ready' | 'certificate'>
  readonly explaining: Explaining
  readonly log: Logger
}

/** The side that operators see. */
export interface Back {
  readonly url: string
  /** Not ready from now on, so that balancers send nothing more. */
  drain(): void
  stop(): Promise<void>
}

/** Opens the admin listener. @throws when its address or a file cannot be had. */
export async function startBack(config: Config, policy: PolicySource, sources: BackSources): Promise<Back> {
  const { admin_bind, console_role, readiness_interval } = config.cinderguard
  const { registry, report, recent, probes, validator, explaining, metrics, log } = sources
  let draining = false
  const check = () => checkReadiness(probes, metrics.ready)
  const watch = watchReadiness(check, readiness_interval, () => performance.now())
  const services = kept(async () => (await watch.current()).services, STATE_AGE, PATIENCE, UNKNOWN)
  const now = async () => {
    const [found, { since }, health] = await Promise.all([registry(), report(), services()])
    return readNow(found, {
      at: new Date().toISOString(),
      version: `Cinderguard ${versionOf()}`,
      since,
      policy: policyOf(policy),
      services: health,
    })
  }
  const admin = createAdmin({
    registry,
    readiness: async () => ({
      ...(await watch.current()),
      policy: (await sources.policy?.()) ?? policyOf(policy),
    }),
    page: consolePage(),
    isDraining: () => draining,
    decisions: decisionRoutes(consoleAccess(admin_bind, console_role, validator), {
      recent,
      report,
      now,
      explain: explaining.record,
      policy: () => policy.current(),
    }),
  })
  const onProblem = (problem: string) => log.error({ problem }, 'the replaced TLS files are not used')
  const onUse = (expires: number) => metrics.certificate('admin', expires)
  const files = adminTls(config)
  const tls = files === undefined ? undefined : { files, onProblem, onUse }
  const listener = await listen(admin, admin_bind, { tls }).catch((error: unknown) => {
    watch.stop()
    throw error
  })
  return {
    url: listener.url,
    drain() {
      draining = true
    },
    stop() {
      watch.stop()
      return listener.close(0)
    },
  }
}

function adminTls({ cinderguard }: Config): TlsFiles | undefined {
  const { admin_tls_cert_file: certFile, admin_tls_key_file: keyFile } = cinderguard
  return certFile === undefined || keyFile === undefined
    ? undefined
    : { certFile, keyFile, clientCaFile: undefined }
}

function policyOf(policy: PolicySource): PolicyReadiness {
  const { version, digest } = policy.identity()
  return { version, digest, problem: policy.problem() }
}

import type { Logger } from 'pino'
import type { Probes } from './admin/readiness.ts'
import { createApp } from './app.ts'
import type { PolicySource } from './checks/policy.ts'
import type { Config } from './config/options.ts'
import type { Explaining } from './explain/explaining.ts'
import type { TokenValidator } from './identity/identity.ts'
import type { LiveSettings } from './live-settings.ts'
import { type Audit, createAudit } from './record/audit.ts'
import type { CadfEvent } from './record/cadf.ts'
import type { Metrics } from './record/metrics.ts'
import type { Report } from './rollout/report.ts'
import { type ListenOptions, listen } from './server.ts'
import type { TlsEvents } from './tls.ts'
import type { TakesTurns } from './turns.ts'

/** What one process shares with the others of its gateway, or keeps for itself when it is alone. */
export interface Shared {
  readonly metrics: Metrics
  /** Hears of each decision record. */
  readonly recent: { add(event: CadfEvent): void }
  readonly report: Report
  readonly turns: TakesTurns
  readonly settings: LiveSettings
}

/** The side that clients see. */
export interface Front {
  readonly url: string
  readonly explaining: Explaining
  readonly probes: Probes
  readonly validator: TokenValidator
  /** Opens the files that it writes anew. */
  reopen(): void
  /** Lets requests under way finish. */
  stop(): Promise<void>
}

/** Opens the listener that clients connect to. @throws when the address or a file cannot be had. */
export async function startFront(
  config: Config,
  policy: PolicySource,
  log: Logger,
  shared: Shared,
): Promise<Front> {
  const { metrics } = shared
  const { audit_log, audit_queue, bind, shutdown_timeout, upstream_timeout: unread } = config.cinderguard
  const audit: Audit = createAudit({ target: audit_log, queueBytes: audit_queue, log, ...shared })
  const app = await createApp(config, policy, metrics, log, audit, shared.settings, shared.turns)
  const tls = tlsOf(config, {
    onProblem: (problem) => log.error({ problem }, 'the replaced TLS files are not used'),
    onUse: (expires) => metrics.certificate('listener', expires),
  })
  const options = { tls, messages: app.messages, onBroken: metrics.broken, unread }
  const listener = await listen(app.handle, bind, options).catch(async (error: unknown) => {
    await app.close()
    await audit.close()
    throw error
  })
  return {
    url: listener.url,
    explaining: app.explaining,
    probes: app.probes,
    validator: app.validator,
    reopen: audit.reopen,
    async stop() {
      await listener.close(shutdown_timeout)
      await app.close()
      await audit.close()
    },
  }
}

function tlsOf(config: Config, events: TlsEvents): ListenOptions['tls'] {
  const { tls_cert_file, tls_key_file, tls_client_ca_file } = config.cinderguard
  if (tls_cert_file === undefined || tls_key_file === undefined) return undefined
  const files = { certFile: tls_cert_file, keyFile: tls_key_file, clientCaFile: tls_client_ca_file }
  return { files, ...events }
}

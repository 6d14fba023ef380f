import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { startBack } from './back.ts'
import type { PolicySource } from './checks/policy.ts'
import type { Config } from './config/options.ts'
import type { Explaining } from './explain/explaining.ts'
import { modesOf, startFront } from './front.ts'
import type { CadfEvent } from './record/cadf.ts'
import { linesLost } from './record/log.ts'
import { createMetrics, type Metrics } from './record/metrics.ts'
import { Recent } from './record/recent.ts'
import { Report } from './rollout/report.ts'
import { Turns } from './turns.ts'
import { versionOf } from './version.ts'

/** A running gateway. */
export interface Gateway {
  readonly url: string
  readonly adminUrl: string
  readonly metrics: Metrics
  readonly explaining: Explaining
  /** Opens the files that it writes anew, after they were moved away (logrotate). */
  reopen(): void
  /** Unready at once, then requests under way are let finish. */
  stop(): Promise<void>
}

/** How many decisions the admin listener shows. */
export const RECENT = 1000

/** A gateway in one process. A listener that cannot be had stops the other. @throws when it cannot start. */
export async function startGateway(config: Config, policy: PolicySource, log: Logger): Promise<Gateway> {
  const metrics = createMetrics(versionOf())
  const { overall } = modesOf(config, policy)
  metrics.mode(overall)
  metrics.policy(policy)
  metrics.process()
  metrics.logLines(() => linesLost(log))
  const recent = new Recent<CadfEvent>(RECENT)
  const report = new Report(overall, Date.now())
  const front = await startFront(config, policy, log, { metrics, recent, report, turns: new Turns() })
  const back = await startBack(config, policy, {
    registry: async () => metrics.registry,
    report: async () => report.read(),
    recent,
    probes: front.probes,
    validator: front.validator,
    metrics,
    log,
    explaining: front.explaining,
  }).catch(async (error: unknown) => {
    await front.stop()
    throw error
  })
  log.info({ url: front.url, admin: back.url, version: versionOf() }, 'cinderguard is listening')
  return {
    url: front.url,
    adminUrl: back.url,
    metrics,
    explaining: front.explaining,
    reopen: front.reopen,
    async stop() {
      back.drain()
      log.info('draining')
      await sleep(config.cinderguard.shutdown_delay * 1000)
      await front.stop()
      await back.stop()
    },
  }
}

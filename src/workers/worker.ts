import type { Logger } from 'pino'
import type { Config } from '../config/options.ts'
import { startFront } from '../front.ts'
import { LiveSettings } from '../live-settings.ts'
import type { LivePolicy } from '../organisation/live.ts'
import { linesLost } from '../record/log.ts'
import { createMetrics } from '../record/metrics.ts'
import { Report } from '../rollout/report.ts'
import type { Gateway } from '../serve.ts'
import { CrowdedError, type TakesTurns, type Turn } from '../turns.ts'
import { versionOf } from '../version.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** Messages that may wait for the primary before decisions are no longer shown on the console. */
const MAX_WAITING = 1000

/** One worker of a gateway. @throws when it cannot start. */
export async function startWorker(
  config: Config,
  policy: LivePolicy,
  log: Logger,
): Promise<Pick<Gateway, 'stop' | 'reopen' | 'take'>> {
  let waiting = 0
  const say = (message: FromWorker): void => {
    if (!process.connected) return
    waiting += 1
    process.send?.(message, undefined, undefined, () => {
      waiting -= 1
    })
  }
  const turns = new PrimaryTurns(say)
  const metrics = createMetrics(versionOf())
  const settings = new LiveSettings(config, policy)
  settings.onMode(metrics.mode)
  metrics.policy(policy)
  metrics.process()
  metrics.logLines(() => linesLost(log))
  const report = new Report(settings.current().modes.overall, Date.now())
  settings.onMode((mode) => report.turnTo(mode))
  const recent = {
    add(event: Extract<FromWorker, { say: 'decision' }>['event']) {
      if (waiting < MAX_WAITING) say({ say: 'decision', event })
    },
  }
  const front = await startFront(config, policy, log, { metrics, recent, report, turns, settings })
  process.on('message', (message: ToWorker) => {
    switch (message.say) {
      case 'granted':
        turns.granted(message.id, message.isLate)
        break
      case 'crowded':
        turns.refused(message.id)
        break
      case 'reopen':
        // What the whole gateway is told by SIGHUP.
        process.emit('SIGHUP')
        break
      case 'policy':
        void policy.refresh()
        break
      case 'snapshot':
        void metrics.registry.getMetricsAsJSON().then((found) => {
          const state = { ...policy.identity(), problem: policy.problem() }
          const snapshot = { metrics: found, report: report.read(), policy: state }
          say({ say: 'snapshot', id: message.id, snapshot })
        })
    }
  })
  say({ say: 'listening', url: front.url })
  // Nobody would take its place, nor grant it turns.
  let isStopping = false
  process.once('disconnect', () => {
    if (!isStopping) process.kill(process.pid, 'SIGTERM')
  })
  return {
    reopen: front.reopen,
    take: (fresh) => settings.take(fresh),
    stop() {
      isStopping = true
      return front.stop()
    },
  }
}

/** Turns that all workers of a gateway take with each other. */
class PrimaryTurns implements TakesTurns {
  readonly #waiting = new Map<number, PromiseWithResolvers<boolean>>()
  readonly #say: (message: FromWorker) => void
  #last = 0

  constructor(say: (message: FromWorker) => void) {
    this.#say = say
  }

  async take(volumeId: string, since: number): Promise<Turn> {
    this.#last += 1
    const id = this.#last
    const waiting = Promise.withResolvers<boolean>()
    this.#waiting.set(id, waiting)
    this.#say({ say: 'take', id, volumeId, since })
    const isLate = await waiting.promise
    let isOver = false
    const end = (): void => {
      if (!isOver) this.#say({ say: 'end', id })
      isOver = true
    }
    return { end, isLate }
  }

  granted(id: number, isLate: boolean): void {
    this.#waiting.get(id)?.resolve(isLate)
    this.#waiting.delete(id)
  }

  refused(id: number): void {
    this.#waiting.get(id)?.reject(new CrowdedError('too many wait for a volume'))
    this.#waiting.delete(id)
  }
}

import type { Logger } from 'pino'
import type { Config } from '../config/options.ts'
import { type Front, modesOf, startFront } from '../front.ts'
import type { LivePolicy } from '../organisation/live.ts'
import { linesLost } from '../record/log.ts'
import { createMetrics } from '../record/metrics.ts'
import { Report } from '../rollout/report.ts'
import type { EndTurn, TakesTurns } from '../turns.ts'
import { versionOf } from '../version.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** Messages that may wait for the primary before decisions are no longer shown on the console. */
const MAX_WAITING = 1000

/** One worker of a gateway. @throws when it cannot start. */
export async function startWorker(
  config: Config,
  policy: LivePolicy,
  log: Logger,
): Promise<Pick<Front, 'stop' | 'reopen'>> {
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
  const { overall } = modesOf(config, policy)
  metrics.mode(overall)
  metrics.policy(policy)
  metrics.process()
  metrics.logLines(() => linesLost(log))
  const report = new Report(overall, Date.now())
  const recent = {
    add(event: Extract<FromWorker, { say: 'decision' }>['event']) {
      if (waiting < MAX_WAITING) say({ say: 'decision', event })
    },
  }
  const front = await startFront(config, policy, log, { metrics, recent, report, turns })
  process.on('message', (message: ToWorker) => {
    switch (message.say) {
      case 'granted':
        turns.granted(message.id)
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
    stop() {
      isStopping = true
      return front.stop()
    },
  }
}

/** Turns that all workers of a gateway take with each other. */
class PrimaryTurns implements TakesTurns {
  readonly #waiting = new Map<number, () => void>()
  readonly #say: (message: FromWorker) => void
  #last = 0

  constructor(say: (message: FromWorker) => void) {
    this.#say = say
  }

  async take(volumeId: string): Promise<EndTurn> {
    this.#last += 1
    const id = this.#last
    await new Promise<void>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#say({ say: 'take', id, volumeId })
    })
    let isOver = false
    return () => {
      if (!isOver) this.#say({ say: 'end', id })
      isOver = true
    }
  }

  granted(id: number): void {
    this.#waiting.get(id)?.()
    this.#waiting.delete(id)
  }
}

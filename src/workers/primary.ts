import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createApp } from '../app.ts'
import { startBack } from '../back.ts'
import type { Config } from '../config/options.ts'
import { modesOf } from '../front.ts'
import type { LivePolicy } from '../organisation/live.ts'
import type { CadfEvent } from '../record/cadf.ts'
import { linesLost } from '../record/log.ts'
import { createMetrics } from '../record/metrics.ts'
import { Recent } from '../record/recent.ts'
import { Report } from '../rollout/report.ts'
import { type Gateway, RECENT } from '../serve.ts'
import { clearSocket } from '../server.ts'
import { type EndTurn, Turns } from '../turns.ts'
import { versionOf } from '../version.ts'
import type { FromWorker, Snapshot, ToWorker } from './messages.ts'
import { Together } from './together.ts'

/** Milliseconds for a worker to say what it knows; one that does not is taken at its last word. */
const ASK = 1000
/** Milliseconds before a worker that ended at once is started again. */
const AGAIN = 1000

/**
 * The primary of a gateway with several workers: it starts them, starts those again that end, has their turns taken,
 * and is the side that operators see. @throws when the first of them cannot start.
 */
export async function startPrimary(
  config: Config,
  policy: LivePolicy,
  log: Logger,
): Promise<Pick<Gateway, 'url' | 'adminUrl' | 'reopen' | 'stop'>> {
  const metrics = createMetrics(versionOf())
  const modes = modesOf(config, policy)
  const recent = new Recent<CadfEvent>(RECENT)
  const own = new Report(modes.overall, Date.now())
  const turns = new Turns()
  const together = new Together()
  const held = new Map<number, Map<number, Promise<EndTurn>>>()
  const answers = new Map<number, (snapshot: Snapshot | null) => void>()
  let asked = 0
  let isStopping = false

  const tell = (worker: Worker, message: ToWorker): void => {
    // One that is just ending hears nothing; that is no fault of the primary's.
    if (worker.isConnected()) worker.send(message, () => undefined)
  }
  const alive = (): readonly Worker[] =>
    Object.values(cluster.workers ?? {}).filter((each) => each !== undefined)

  const hear = (worker: Worker, message: FromWorker): void => {
    const turnsOf = held.get(worker.id)
    switch (message.say) {
      case 'decision':
        recent.add(message.event)
        break
      case 'snapshot':
        answers.get(message.id)?.(message.snapshot)
        break
      case 'take': {
        const turn = turns.take(message.volumeId)
        turnsOf?.set(message.id, turn)
        void turn.then(() => tell(worker, { say: 'granted', id: message.id }))
        break
      }
      case 'end':
        void turnsOf?.get(message.id)?.then((end) => end())
        turnsOf?.delete(message.id)
    }
  }

  function fork(): Promise<string> {
    const worker = cluster.fork()
    const begun = performance.now()
    held.set(worker.id, new Map())
    metrics.workers(1)
    return new Promise((resolve, fail) => {
      worker.on('message', (message: FromWorker) => {
        if (message.say === 'listening') resolve(message.url)
        else if (message.say === 'failed') fail(new Error(message.problem))
        else hear(worker, message)
      })
      worker.on('error', (error) => log.error({ problem: error.message }, 'a worker cannot be told'))
      worker.once('exit', (code, signal) => {
        fail(new Error(`a worker ended at once (${signal ?? code})`))
        metrics.workers(-1)
        together.end(worker.id)
        for (const turn of held.get(worker.id)?.values() ?? []) void turn.then((end) => end())
        held.delete(worker.id)
        if (isStopping) return
        metrics.workerLost()
        log.error({ worker: worker.process.pid, code, signal }, 'a worker ended; another takes its place')
        const wait = performance.now() - begun < AGAIN ? AGAIN : 0
        setTimeout(() => {
          if (!isStopping) fork().catch(() => undefined)
        }, wait)
      })
    })
  }

  async function ask(): Promise<void> {
    await Promise.all(
      alive().map(async (worker) => {
        asked += 1
        const id = asked
        const { promise, resolve } = Promise.withResolvers<Snapshot | null>()
        answers.set(id, resolve)
        const timer = setTimeout(() => resolve(null), ASK)
        tell(worker, { say: 'snapshot', id })
        const snapshot = await promise
        clearTimeout(timer)
        answers.delete(id)
        if (snapshot !== null && held.has(worker.id)) together.update(worker.id, snapshot)
      }),
    )
  }

  async function stopWorkers(): Promise<void> {
    isStopping = true
    const gone = alive().map((worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())))
    for (const worker of alive()) worker.process.kill('SIGTERM')
    await Promise.all(gone)
  }

  policy.onChange(() => {
    for (const worker of alive()) tell(worker, { say: 'policy' })
  })
  metrics.mode(modes.overall)
  metrics.policy(policy)
  metrics.process()
  metrics.logLines(() => linesLost(log))
  const nothing = { record: () => undefined, reopen: () => undefined, close: async () => undefined }
  const app = await createApp(config, policy, metrics, log, nothing, modes, turns)
  const back = await startBack(config, policy, {
    policy: async () => {
      await ask()
      return together.policy({ ...policy.identity(), problem: policy.problem() })
    },
    registry: async () => {
      await ask()
      return together.registry(await metrics.registry.getMetricsAsJSON())
    },
    report: async () => {
      await ask()
      return together.report(own.read())
    },
    recent,
    probes: app.probes,
    validator: app.validator,
    metrics,
    log,
    explaining: app.explaining,
  })
  try {
    cluster.setupPrimary({ args: process.argv.slice(2) })
    clearSocket(config.cinderguard.bind)
    const urls = await Promise.all(Array.from({ length: config.cinderguard.workers }, fork))
    const url = urls[0] ?? ''
    log.info({ url, admin: back.url, workers: urls.length, version: versionOf() }, 'cinderguard is listening')
    return {
      url,
      adminUrl: back.url,
      reopen: () => {
        for (const worker of alive()) tell(worker, { say: 'reopen' })
      },
      async stop() {
        back.drain()
        log.info('draining')
        await sleep(config.cinderguard.shutdown_delay * 1000)
        await stopWorkers()
        await back.stop()
        await app.close()
      },
    }
  } catch (error) {
    await stopWorkers()
    await back.stop()
    await app.close()
    throw error
  }
}

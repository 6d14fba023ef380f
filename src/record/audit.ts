import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Outcome } from '../gateway.ts'
import { cadfEvent } from './cadf.ts'
import type { Metrics } from './metrics.ts'
import { isWorthRecording } from './record.ts'
import { openSink, type Sink } from './sink.ts'

/** Decision records: one CADF event, on one line, for each refusal and each guarded operation. */
export interface Audit {
  record(outcome: Outcome): void
  reopen: Sink['reopen']
  close: Sink['close']
}

/** A failing sink is said once a minute, not once a record. */
const COMPLAIN_EVERY = 60_000

/**
 * @param target `[cinderguard] audit_log`; empty means no decision records.
 * @param queueBytes what may wait to be written.
 */
export function createAudit(
  target: string,
  queueBytes: number,
  metrics: Pick<Metrics, 'decisionRecord'>,
  log: Logger,
): Audit {
  if (target === '') return { record: () => undefined, reopen: () => undefined, close: async () => undefined }
  let complained = Number.NEGATIVE_INFINITY
  const sink = openSink(target, queueBytes, {
    written: () => metrics.decisionRecord('written'),
    dropped: () => metrics.decisionRecord('dropped'),
    failed(problem) {
      metrics.decisionRecord('failed')
      if (Date.now() - complained < COMPLAIN_EVERY) return
      complained = Date.now()
      log.error({ audit_log: target, problem }, 'decision records cannot be written')
    },
  })
  return {
    record(outcome) {
      if (!isWorthRecording(outcome)) return
      const context = { id: randomUUID(), time: Date.now(), observer: hostname() }
      sink.write(JSON.stringify(cadfEvent(outcome, context)))
    },
    reopen: sink.reopen,
    close: sink.close,
  }
}

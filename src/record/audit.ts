import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Outcome } from '../gateway.ts'
import type { Report } from '../rollout/report.ts'
import { isOrdinary, sightingOf } from '../rollout/sighting.ts'
import { type CadfEvent, cadfEvent, withoutFacts } from './cadf.ts'
import type { Metrics } from './metrics.ts'
import { openSink } from './open-sink.ts'
import { isWorthRecording } from './record.ts'
import type { Sink } from './sink.ts'

/** Decision records: one CADF event, on one line, for each refusal and each guarded operation. */
export interface Audit {
  record(outcome: Outcome): void
  reopen: Sink['reopen']
  close: Sink['close']
}

export interface AuditOptions {
  /** `[cinderguard] audit_log`; empty writes none down. */
  readonly target: string
  /** Bytes that may wait to be written. */
  readonly queueBytes: number
  readonly metrics: Pick<Metrics, 'decisionRecord'>
  readonly log: Logger
  /** The latest records, for the admin listener. */
  readonly recent: { add(event: CadfEvent): void }
  readonly report: Report
}

/** A failing sink is said once a minute, not once a record. */
const COMPLAIN_EVERY = 60_000
const NOWHERE: Sink = { write: () => undefined, reopen: () => undefined, close: async () => undefined }

export function createAudit({ target, queueBytes, metrics, log, recent, report }: AuditOptions): Audit {
  let complained = Number.NEGATIVE_INFINITY
  let isClosing = false
  const events = {
    written: () => metrics.decisionRecord('written'),
    dropped(count: number) {
      for (let each = 0; each < count; each += 1) metrics.decisionRecord('dropped')
      if (isClosing) log.error({ audit_log: target, lost: count }, 'decision records were lost at the end')
    },
    failed(problem: string) {
      metrics.decisionRecord('failed')
      if (Date.now() - complained < COMPLAIN_EVERY) return
      complained = Date.now()
      log.error({ audit_log: target, problem }, 'decision records cannot be written')
    },
  }
  const sink = target === '' ? NOWHERE : openSink(target, queueBytes, events)
  return {
    record(outcome) {
      if (isOrdinary(outcome) && !report.mindsSuccess) return
      const time = Date.now()
      report.add(sightingOf(outcome, time))
      if (!isWorthRecording(outcome)) return
      const event = cadfEvent(outcome, { id: randomUUID(), time, observer: hostname() })
      recent.add(event)
      sink.write(JSON.stringify(event), () => JSON.stringify(withoutFacts(event)))
    },
    reopen: sink.reopen,
    close() {
      isClosing = true
      return sink.close()
    },
  }
}

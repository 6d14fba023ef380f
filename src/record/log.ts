import { type Logger, pino } from 'pino'
import type { Outcome } from '../gateway.ts'
import { decisionRecord, isWorthRecording, verdictOf } from './record.ts'

/** JSON lines on standard output. What is logged of a request is what a decision record lists, and nothing else. */
export function createLogger(level: string): Logger {
  return pino({ level, base: { service: 'cinderguard' }, timestamp: pino.stdTimeFunctions.isoTime })
}

export function logOutcome(log: Logger, outcome: Outcome): void {
  if (!isWorthRecording(outcome)) return
  log[outcome.status >= 500 ? 'warn' : 'info'](decisionRecord(outcome), `request ${verdictOf(outcome)}`)
}

import { type Logger, pino } from 'pino'
import type { Outcome } from '../gateway.ts'
import { openBackground } from './background.ts'
import { decisionRecord, isWorthRecording, verdictOf } from './record.ts'

/** Bytes of lines that may wait for whoever reads them. */
const MAX_WAITING = 16 * 1024 * 1024

interface Lines {
  lost: number
  close(): Promise<void>
}
const LINES = new WeakMap<Logger, Lines>()

/**
 * JSON lines on standard output, written in the background: a reader that stops must not stop the gateway. What does
 * not fit is dropped and counted. What is logged of a request is what a decision record lists, and nothing else.
 *
 * @param dest another file descriptor or a file, for tests.
 */
export function createLogger(level: string, dest: number | string = 1): Logger {
  const { stream, close } = openBackground({ dest, maxLength: MAX_WAITING })
  const deafen = (): void => {
    stream.write = () => {
      lines.lost += 1
      return true
    }
  }
  const lines: Lines = { lost: 0, close: () => close().then(deafen) }
  stream.on('drop', () => {
    lines.lost += 1
  })
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Nobody reads any more, for good.
    if (error.code === 'EPIPE') deafen()
  })
  const base = { service: 'cinderguard' }
  const log = pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime }, stream)
  LINES.set(log, lines)
  return log
}

/** Lines of this logger that were dropped so far. */
export function linesLost(log: Logger): number {
  return LINES.get(log)?.lost ?? 0
}

/** Writes what still waits, for at most a second. What is logged afterwards is lost. */
export async function closeLogger(log: Logger): Promise<void> {
  await LINES.get(log)?.close()
}

export function logOutcome(log: Logger, outcome: Outcome): void {
  if (!isWorthRecording(outcome)) return
  log[outcome.status >= 500 ? 'warn' : 'info'](decisionRecord(outcome), `request ${verdictOf(outcome)}`)
}

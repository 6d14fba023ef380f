import { destination, type Logger, pino } from 'pino'
import type { Outcome } from '../gateway.ts'
import { decisionRecord, isWorthRecording, verdictOf } from './record.ts'

/** Bytes of lines that may wait for whoever reads them. */
const MAX_WAITING = 16 * 1024 * 1024
/** Milliseconds that the end waits for them. */
const LAST_WAIT = 1000

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
  const stream = destination({ dest, sync: false, maxLength: MAX_WAITING })
  const lines: Lines = {
    lost: 0,
    close: () =>
      new Promise((resolve) => {
        const over = (): void => {
          clearTimeout(giveUp)
          // Else the end of the process would wait for the reader once more.
          stream.destroy()
          resolve()
        }
        const giveUp = setTimeout(over, LAST_WAIT)
        stream.flush(over)
      }),
  }
  stream.on('drop', () => {
    lines.lost += 1
  })
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Nobody reads any more, for good.
    if (error.code !== 'EPIPE') return
    stream.write = () => {
      lines.lost += 1
      return true
    }
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

/** Writes what still waits, for at most a second. Nothing may be logged afterwards. */
export async function closeLogger(log: Logger): Promise<void> {
  await LINES.get(log)?.close()
}

export function logOutcome(log: Logger, outcome: Outcome): void {
  if (!isWorthRecording(outcome)) return
  log[outcome.status >= 500 ? 'warn' : 'info'](decisionRecord(outcome), `request ${verdictOf(outcome)}`)
}

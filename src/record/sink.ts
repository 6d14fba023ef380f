import { createSocket } from 'node:dgram'
import { hostname } from 'node:os'
import { destination } from 'pino'

/** Takes decision records, one line each. Never waits, never throws. */
export interface Sink {
  write(line: string): void
  /** Opens the file anew: it was moved away by log rotation. */
  reopen(): void
  /** Writes what is still held, for at most a second. */
  close(): Promise<void>
}

export interface SinkEvents {
  /** A record was taken. */
  written(): void
  /** A record was lost: the queue is full, or it could not be sent. */
  dropped(): void
  /** The sink fails; the message names no secret. */
  failed(problem: string): void
}

/** Where records go, as `[cinderguard] audit_log` says it: `stdout`, `syslog://HOST:PORT` or a file's path. */
export function openSink(target: string, queueBytes: number, events: SinkEvents): Sink {
  return target.startsWith('syslog://')
    ? syslogSink(new URL(target), events)
    : streamSink(target === 'stdout' ? 1 : target, queueBytes, events)
}

/** A file or standard output, written in the background; what does not fit in the queue is dropped and counted. */
function streamSink(dest: string | 1, queueBytes: number, events: SinkEvents): Sink {
  const stream = destination({ dest, sync: false, mkdir: true, append: true, maxLength: queueBytes })
  let lost = false
  stream.on('drop', () => {
    lost = true
  })
  stream.on('error', (error: Error) => events.failed(codeOf(error)))
  return {
    write(line) {
      lost = false
      stream.write(`${line}\n`)
      if (lost) events.dropped()
      else events.written()
    },
    reopen() {
      if (dest !== 1) stream.reopen()
    },
    close: () =>
      new Promise((resolve) => {
        const giveUp = setTimeout(resolve, 1000)
        const done = () => {
          clearTimeout(giveUp)
          resolve()
        }
        stream.once('close', done)
        stream.once('error', done)
        if (dest === 1) stream.flush(done)
        else stream.end()
      }),
  }
}

/** RFC 5424 over UDP (RFC 5426), facility `security/authorization` (4), severity `notice` (5). */
function syslogSink(target: URL, events: SinkEvents): Sink {
  const host = target.hostname.replace(/^\[|\]$/g, '')
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').unref()
  socket.on('error', (error) => events.failed(codeOf(error)))
  return {
    write(line) {
      const frame = `<37>1 ${new Date().toISOString()} ${hostname()} cinderguard ${process.pid} decision - ${line}`
      socket.send(frame, Number(target.port || 514), host, (error) => {
        if (error === null) return events.written()
        events.dropped()
        events.failed(codeOf(error))
      })
    },
    reopen: () => undefined,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.name
}

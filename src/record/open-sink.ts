import type { Sink, SinkEvents } from './sink.ts'
import { streamSink } from './stream-sink.ts'
import { syslogSink } from './syslog.ts'

/**
 * Where records go, as `[cinderguard] audit_log` says it: `stdout`, `syslog://HOST:PORT`, `syslog+tcp://HOST:PORT` or
 * a file's path. Not more than `queueBytes` of them wait.
 */
export function openSink(target: string, queueBytes: number, events: SinkEvents): Sink {
  return /^syslog(?:\+tcp)?:/.test(target)
    ? syslogSink(new URL(target), queueBytes, events)
    : streamSink(target === 'stdout' ? 1 : target, queueBytes, events)
}

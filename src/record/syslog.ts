import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns'
import { connect, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { codeOf, LAST_WAIT, type Sink, type SinkEvents } from './sink.ts'

/** Bytes that fit in one UDP datagram over IPv4. */
const DATAGRAM = 65_507
/** Milliseconds for which an address of the host is believed. */
const ADDRESS_TIME = 60_000
/** Milliseconds before a connection that ended is tried again. */
const AGAIN = 1000

/**
 * Records as RFC 5424 messages, facility `security/authorization` (4), severity `notice` (5): over UDP (RFC 5426) for
 * `syslog:`, over TCP with counted octets (RFC 6587) for `syslog+tcp:`.
 */
export function syslogSink(
  target: URL,
  queueBytes: number,
  events: SinkEvents,
  /** Finds the address of a name; for tests. */
  resolve: typeof lookup = lookup,
): Sink {
  const host = target.hostname.replace(/^\[|\]$/g, '')
  const port = Number(target.port || 514)
  return target.protocol === 'syslog:'
    ? overUdp(host, port, queueBytes, events, resolve)
    : overTcp(host, port, queueBytes, events)
}

const messageOf = (line: string): string =>
  `<37>1 ${new Date().toISOString()} ${hostname()} cinderguard ${process.pid} decision - ${line}`

function overUdp(
  host: string,
  port: number,
  queueBytes: number,
  events: SinkEvents,
  resolve: typeof lookup,
): Sink {
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    lookup: rememberingLookup(host, resolve),
  }).unref()
  socket.on('error', (error) => events.failed(codeOf(error)))
  let held = 0
  let records = 0
  let whenEmpty: () => void = () => undefined
  return {
    write(line, shorter) {
      let message = Buffer.from(messageOf(line))
      if (message.length > DATAGRAM) message = Buffer.from(messageOf(shorter()))
      const { length } = message
      if (length > DATAGRAM || held + length > queueBytes) return events.dropped(1)
      held += length
      records += 1
      socket.send(message, port, host, (error) => {
        if (records === 0) return
        held -= length
        records -= 1
        if (error === null) events.written()
        else {
          events.dropped(1)
          events.failed(codeOf(error))
        }
        if (records === 0) whenEmpty()
      })
    },
    reopen: () => undefined,
    async close() {
      if (records > 0) await within(LAST_WAIT, (done) => (whenEmpty = done))
      if (records > 0) events.dropped(records)
      records = 0
      await new Promise<void>((closed) => socket.close(() => closed()))
    },
  }
}

/** The resolver is asked once a minute, not once a record. A socket also asks for the address that it binds to. */
function rememberingLookup(host: string, resolve: typeof lookup): typeof lookup {
  let known: { readonly address: string; readonly until: number } | null = null
  const remembering = (name: string, family: number, callback: Found): void => {
    if (name === host && known !== null && known.until > Date.now()) {
      callback(null, known.address, family)
      return
    }
    resolve(name, family, (error, address) => {
      if (error === null && name === host) known = { address, until: Date.now() + ADDRESS_TIME }
      callback(error, address, family)
    })
  }
  return remembering as typeof lookup
}
type Found = (error: NodeJS.ErrnoException | null, address: string, family: number) => void

/** While there is no connection records wait, as many as the queue holds. */
function overTcp(host: string, port: number, queueBytes: number, events: SinkEvents): Sink {
  let socket: Socket | null = null
  let isClosed = false
  let held = 0
  let timer: NodeJS.Timeout | undefined
  const waiting: Buffer[] = []
  let whenEmpty: () => void = () => undefined

  function sendAll(to: Socket): void {
    while (!to.writableNeedDrain) {
      const next = waiting.shift()
      if (next === undefined) return
      to.write(next, (error) => {
        held -= next.length
        if (error) events.dropped(1)
        else events.written()
        if (held === 0) whenEmpty()
      })
    }
  }
  function open(): void {
    const fresh = connect({ host, port, keepAlive: true }).unref()
    fresh.on('connect', () => {
      socket = fresh
      sendAll(fresh)
    })
    fresh.on('drain', () => sendAll(fresh))
    fresh.on('data', () => undefined)
    fresh.on('error', (error) => events.failed(codeOf(error)))
    fresh.on('close', () => {
      socket = null
      if (!isClosed) timer = setTimeout(open, AGAIN).unref()
    })
  }
  open()
  return {
    write(line) {
      const message = Buffer.from(messageOf(line))
      const frame = Buffer.concat([Buffer.from(`${message.length} `), message])
      if (held + frame.length > queueBytes) return events.dropped(1)
      held += frame.length
      waiting.push(frame)
      if (socket !== null) sendAll(socket)
    },
    reopen: () => undefined,
    async close() {
      if (held > 0) await within(LAST_WAIT, (done) => (whenEmpty = done))
      isClosed = true
      clearTimeout(timer)
      if (waiting.length > 0) events.dropped(waiting.splice(0).length)
      socket?.destroySoon()
    },
  }
}

/** Waits for `begin`'s callback, but not longer. */
function within(milliseconds: number, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    begin(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

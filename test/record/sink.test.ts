import { execFileSync, spawn } from 'node:child_process'
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import type { lookup } from 'node:dns'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closeLogger, createLogger, linesLost } from '../../src/record/log.ts'
import { openSink } from '../../src/record/open-sink.ts'
import type { Sink } from '../../src/record/sink.ts'
import { syslogSink } from '../../src/record/syslog.ts'

const QUEUE = 65_536
let dir: string
let counts: { written: number; dropped: number; failed: string[] }
const events = {
  written() {
    counts.written += 1
  },
  dropped(count: number) {
    counts.dropped += count
  },
  failed(problem: string) {
    counts.failed.push(problem)
  },
}
const open = (target: string): Sink => openSink(target, QUEUE, events)
const write = (sink: Sink, line: string, shorter = 'short'): void => sink.write(line, () => shorter)

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cinderguard-sink-'))
  counts = { written: 0, dropped: 0, failed: [] }
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

/** A pipe whose reader has stopped. */
function stoppedPipe(): { path: string; reader: number } {
  const path = join(dir, 'pipe')
  execFileSync('mkfifo', [path])
  return { path, reader: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) }
}

/** Reads until nobody waits to write any more. */
function drain(reader: number): void {
  const room = Buffer.alloc(65_536)
  try {
    while (readSync(reader, room) > 0);
  } catch {
    // Nothing there at the moment.
  }
}

function textIn(reader: number): string {
  const room = Buffer.alloc(65_536)
  try {
    return room.subarray(0, readSync(reader, room)).toString()
  } catch {
    return ''
  }
}

describe('a file', () => {
  test('takes lines, and counts each when it is written', async () => {
    const sink = open(join(dir, 'records', 'audit.log'))
    write(sink, 'één')
    write(sink, 'two')
    await sink.close()
    expect(readFileSync(join(dir, 'records', 'audit.log'), 'utf8')).toBe('één\ntwo\n')
    expect(counts).toEqual({ written: 2, dropped: 0, failed: [] })
  })

  test('a reader that stops: the queue is bounded, and every line is written or counted as lost', async () => {
    const { path, reader } = stoppedPipe()
    const sink = open(path)
    const line = 'x'.repeat(999)
    for (let each = 0; each < 500; each += 1) write(sink, line)
    // The pipe takes 64 KiB, and the queue as much.
    await expect.poll(() => counts.written).toBeGreaterThan(50)
    expect(counts.dropped).toBeGreaterThan(300)
    await sink.close()
    expect(counts.written + counts.dropped).toBe(500)
    drain(reader)
    closeSync(reader)
  })
})

describe('syslog over UDP', () => {
  let server: Datagrams
  let received: string[]
  beforeEach(async () => {
    received = []
    server = createSocket('udp4')
    server.on('message', (message) => void received.push(message.toString()))
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
  })
  afterEach(() => void server.close())
  const url = (host = '127.0.0.1') => `syslog://${host}:${server.address().port}`

  test('sends each record as a message of RFC 5424', async () => {
    const sink = open(url())
    write(sink, '{"a":1}')
    await sink.close()
    await expect.poll(() => received).toHaveLength(1)
    expect(received[0]).toMatch(/^<37>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ cinderguard \d+ decision - \{"a":1\}$/)
    expect(counts).toEqual({ written: 1, dropped: 0, failed: [] })
  })

  test('what no datagram holds is sent shorter, and what is too long even then is dropped', async () => {
    const sink = open(url())
    write(sink, 'x'.repeat(66_000), 'shorter')
    write(sink, 'x'.repeat(66_000), 'y'.repeat(66_000))
    await sink.close()
    await expect.poll(() => received).toHaveLength(1)
    expect(received[0]).toMatch(/ decision - shorter$/)
    expect(counts).toEqual({ written: 1, dropped: 1, failed: [] })
  })

  test('the host is looked up once a minute, and not for each record', async () => {
    const asked: string[] = []
    const resolve = ((name: string, _family: number, found: (error: null, address: string) => void) => {
      asked.push(name)
      found(null, name === 'logs' ? '127.0.0.1' : name)
    }) as unknown as typeof lookup
    const sink = syslogSink(new URL(url('logs')), QUEUE, events, resolve)
    for (let each = 0; each < 3; each += 1) {
      write(sink, 'record')
      await expect.poll(() => received).toHaveLength(each + 1)
    }
    await sink.close()
    expect(asked.filter((name) => name === 'logs')).toHaveLength(1)
    expect(counts).toEqual({ written: 3, dropped: 0, failed: [] })
  })

  test('a host that does not resolve: no more wait than fit in the queue, each is counted', async () => {
    const resolve = ((_name: string, _family: number, found: (error: Error) => void) => {
      setTimeout(() => found(Object.assign(new Error(), { code: 'ENOTFOUND' })), 10)
    }) as unknown as typeof lookup
    const sink = syslogSink(new URL(url('nowhere')), QUEUE, events, resolve)
    const line = 'x'.repeat(999)
    for (let each = 0; each < 500; each += 1) write(sink, line)
    expect(counts.dropped).toBeGreaterThan(400)
    await sink.close()
    expect(counts).toMatchObject({ written: 0, dropped: 500 })
  })
})

describe('syslog over TCP', () => {
  let server: Server
  let received: string
  let sockets: Socket[]
  beforeEach(async () => {
    received = ''
    sockets = []
    server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', (chunk) => {
        received += chunk.toString()
      })
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = () => `syslog+tcp://127.0.0.1:${(server.address() as AddressInfo).port}`

  test('counts octets (RFC 6587), however long a record is', async () => {
    const sink = open(url())
    write(sink, 'één')
    write(sink, 'x'.repeat(60_000))
    await sink.close()
    await expect.poll(() => received.length).toBeGreaterThan(60_000)
    const [, length = '', rest = ''] = /^(\d+) (.*)$/s.exec(received) ?? []
    const first = Buffer.from(rest).subarray(0, Number(length)).toString()
    expect(first).toMatch(/^<37>1 .* decision - één$/)
    expect(counts).toEqual({ written: 2, dropped: 0, failed: [] })
  })

  test('a server that is away for a while gets what waited for it', async () => {
    const { port } = server.address() as AddressInfo
    await new Promise<void>((resolve) => server.close(() => resolve()))
    const sink = open(`syslog+tcp://127.0.0.1:${port}`)
    write(sink, 'early')
    await expect.poll(() => counts.failed).toContain('ECONNREFUSED')
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    await expect.poll(() => counts.written, { timeout: 5000 }).toBe(1)
    await sink.close()
    await expect.poll(() => received).toMatch(/ decision - early$/)
  })

  test('a server that does not read: the queue is bounded, and what is left at the end is counted', async () => {
    server.on('connection', (socket) => void socket.pause())
    const sink = open(url())
    const line = 'x'.repeat(10_000)
    const wave = async () => {
      for (let each = 0; each < 50; each += 1) write(sink, line)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    let sent = 0
    while (counts.dropped === 0 || sent < 20) {
      await wave()
      sent += 1
    }
    await sink.close()
    await expect.poll(() => counts.written + counts.dropped).toBe(sent * 50)
  })
})

/** Runs a module that writes to its standard output. @returns its exit code, and what it wrote there */
async function ending(module: string, read: boolean): Promise<{ code: number | null; lines: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', module], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  const gone = once(child, 'close')
  if (read) child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  // A reader that has stopped goes on when the writer has long given up.
  else setTimeout(() => child.stdout.resume(), 3000)
  const limit = setTimeout(() => child.kill('SIGKILL'), 15_000)
  const [code] = (await gone) as [number | null]
  clearTimeout(limit)
  return { code, lines: said.split('\n').length - 1 }
}

describe('the end of a process that writes to standard output', () => {
  const source = (name: string): string => JSON.stringify(join(import.meta.dirname, '../../src/record', name))
  const logs = (lines: number, size: number): string => `
    import { closeLogger, createLogger } from ${source('log.ts')}
    const log = createLogger('info')
    for (let n = 0; n < ${lines}; n += 1) log.info('x'.repeat(${size}))
    await closeLogger(log)
    log.info('what comes too late is lost, and breaks nothing')`
  const sinks = (lines: number): string => `
    import { streamSink } from ${source('stream-sink.ts')}
    const none = () => undefined
    const sink = streamSink(1, 65536, { written: none, dropped: none, failed: none })
    for (let n = 0; n < ${lines}; n += 1) sink.write('record', none)
    await sink.close()`

  test('waits for the lines behind one that is being written', async () => {
    expect(await ending(logs(5, 10), true)).toEqual({ code: 0, lines: 5 })
    expect(await ending(sinks(5), true)).toEqual({ code: 0, lines: 5 })
  })

  test('does not go on for ever when nobody reads them', async () => {
    expect(await ending(logs(3000, 1000), false)).toMatchObject({ code: 0 })
  })
})

describe('the log', () => {
  test('a reader that stops: lines are dropped and counted, and nothing waits', async () => {
    const { path, reader } = stoppedPipe()
    const log = createLogger('info', path)
    const started = performance.now()
    for (let each = 0; each < 20_000; each += 1) log.info({ filler: 'x'.repeat(1000) }, 'line')
    expect(linesLost(log)).toBeGreaterThan(1000)
    await closeLogger(log)
    expect(performance.now() - started).toBeLessThan(15_000)
    drain(reader)
    closeSync(reader)
  })

  test('a reader that goes away for good: what is said then is counted', async () => {
    const { path, reader } = stoppedPipe()
    const log = createLogger('info', path)
    log.info('one')
    // Only then is the pipe open for writing.
    await expect.poll(() => textIn(reader)).toContain('one')
    closeSync(reader)
    log.info('two')
    await expect
      .poll(() => {
        log.info('three')
        return linesLost(log)
      })
      .toBeGreaterThan(0)
  })
})

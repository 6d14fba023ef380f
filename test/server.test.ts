import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type Listener, listen } from '../src/server.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'
import { Upstream } from './support/upstream.ts'

const MEBIBYTE = Buffer.alloc(1024 * 1024, 'x')
const cleanUp: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each()
})

/** Asks, and reads nothing of the answer. */
function askAndLeave(url: string, head: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  socket.on('error', () => undefined)
  socket.write(head)
  cleanUp.push(() => void socket.destroy())
  return socket
}

test('a client that does not read is cut off when nothing has moved for a while', async () => {
  const listener: Listener = await listen(
    (_request, response) => {
      for (let each = 0; each < 64; each += 1) response.write(MEBIBYTE)
    },
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    { unread: 0.5 },
  )
  cleanUp.push(() => listener.close(0))
  const socket = askAndLeave(listener.url, 'GET / HTTP/1.1\r\nHost: c\r\n\r\n')
  await once(socket, 'connect')
  await new Promise((resolve) => setTimeout(resolve, 2000))
  // What was on its way is still read, and then no more comes.
  const gone = once(socket, 'close')
  socket.resume()
  await gone
  expect(socket.bytesRead).toBeLessThan(64 * MEBIBYTE.length)
})

describe.each(['http-proxy-3', 'undici'])('an answer that nobody reads, by %s', (forwarder) => {
  test.each(['guarded', 'all'])('is not read from Cinder either: [policy] enforce = %s', async (enforce) => {
    const upstream = await Upstream.start()
    let taken = 0
    upstream.answer = (_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${128 * MEBIBYTE.length}\r\n\r\n`)
      const more = (): void => {
        while (taken < 128) {
          taken += 1
          if (!socket.write(MEBIBYTE)) break
        }
        if (taken < 128) socket.once('drain', more)
      }
      more()
      return undefined
    }
    const gateway: TestGateway = await startTestGateway({
      'cinderguard.upstream': upstream.url,
      'cinderguard.forwarder': forwarder,
      'policy.enforce': enforce,
    })
    cleanUp.push(
      () => upstream.stop(),
      () => gateway.stop(),
    )
    const head = [
      'GET /v3/demo/os-services HTTP/1.1',
      'Host: c',
      `X-Auth-Token: ${gateway.cloud.token('admin')}`,
      'Connection: close',
    ]
    askAndLeave(gateway.url, `${head.join('\r\n')}\r\n\r\n`)
    await expect.poll(() => taken).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(taken).toBeLessThan(64)
  })
})

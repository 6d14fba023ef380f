import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PROJECTS } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { askRaw, header, lines, RawClient } from '../support/raw.ts'
import { ok, Upstream } from '../support/upstream.ts'

/** What comes back from the upstream, and what happens when it breaks. */
describe.each(['http-proxy-3', 'undici'])('%s', (engine) => {
  let upstream: Upstream
  let gateway: TestGateway
  /** The same with little patience. */
  let hasty: TestGateway
  let token: string
  const TIMEOUT = 0.4

  beforeAll(async () => {
    upstream = await Upstream.start()
    const options = { 'cinderguard.forwarder': engine, 'cinderguard.upstream': upstream.url }
    gateway = await startTestGateway(options)
    hasty = await startTestGateway({ ...options, 'cinderguard.upstream_timeout': String(TIMEOUT) })
    token = gateway.cloud.token('alice')
  })
  beforeEach(() => {
    upstream.reset()
    gateway.logged.length = 0
  })
  afterAll(async () => {
    await gateway.stop()
    await hasty.stop()
    await upstream.stop()
  })

  const PATH = `/v3/${PROJECTS.demo}/x`
  const get = (method = 'GET') =>
    lines(`${method} ${PATH} HTTP/1.1`, 'Host: cinder', `X-Auth-Token: ${token}`, '', '')
  const post = (body = '{"a": 1}') =>
    lines(
      `POST ${PATH} HTTP/1.1`,
      'Host: cinder',
      `X-Auth-Token: ${token}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      '',
      body,
    )
  const ask = (bytes: string) => askRaw(gateway.url, bytes)
  const askHasty = (bytes: string) => askRaw(hasty.url, bytes.replace(token, hasty.cloud.token('alice')))
  const BAD_GATEWAY = '{"computeFault": {"code": 502, "message": "Bad gateway."}}'
  const TIMED_OUT = '{"computeFault": {"code": 504, "message": "The gateway has timed out."}}'

  async function inFlight(): Promise<number> {
    const text = await gateway.gateway.metrics.registry.metrics()
    return Number(/^cinderguard_requests_in_flight (\S+)$/m.exec(text)?.[1])
  }

  /** How many requests were recorded so far. */
  async function recorded(): Promise<number> {
    const text = await gateway.gateway.metrics.registry.metrics()
    return [...text.matchAll(/^cinderguard_requests_total\{.*\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    )
  }

  describe('an answer is passed on as it is', () => {
    test('status, headers and bytes; each Set-Cookie in its own line', async () => {
      upstream.answer = () =>
        'HTTP/1.1 202 Accepted\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Compute-Request-Id: req-1\r\nContent-Encoding: gzip\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nLocation: http://other/\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00'
      const answer = await ask(get())
      expect([answer.status, answer.body.toString('hex')]).toEqual([
        202,
        Buffer.from('\x1f\x8b\x00').subarray(0, 3).toString('hex'),
      ])
      expect(answer.headers.get('set-cookie')).toEqual(['a=1', 'b=2'])
      expect(header(answer, 'content-encoding')).toBe('gzip')
      expect(header(answer, 'x-compute-request-id')).toBe('req-1')
      expect(answer.headers.get('date')).toEqual(['Mon, 01 Jan 2024 00:00:00 GMT'])
      expect(header(answer, 'location')).toBe('http://other/')
    })

    test('a redirect is not followed', async () => {
      upstream.answer = () =>
        `HTTP/1.1 302 Found\r\nLocation: ${upstream.url}/other\r\nContent-Length: 0\r\n\r\n`
      expect((await ask(get())).status).toBe(302)
      expect(upstream.requests).toHaveLength(1)
    })

    test('headers that concern the connection to the upstream are not', async () => {
      upstream.answer = () =>
        ok(
          'ok',
          'Connection: keep-alive, X-Hop',
          'Keep-Alive: timeout=99',
          'Upgrade: h2c',
          'Proxy-Connection: close',
          'Trailer: X',
        )
      const answer = await ask(get())
      const names = ['upgrade', 'proxy-connection', 'trailer'].filter((name) => answer.headers.has(name))
      expect([names, header(answer, 'connection'), header(answer, 'keep-alive')]).toEqual([
        [],
        'keep-alive',
        'timeout=75',
      ])
    })

    test.each([
      ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 200, '10'],
      ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204, undefined],
      ['DELETE', 'HTTP/1.1 204 No Content\r\n\r\n', 204, undefined],
      ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', 304, undefined],
      ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200, '0'],
    ])('%s answered by %j has no body, and ends at once', async (method, reply, status, length) => {
      upstream.answer = () => reply
      const client = await RawClient.connect(gateway.url)
      const answer = await client.send(get(method)).response({ head: method === 'HEAD' })
      expect([answer.status, answer.complete, header(answer, 'content-length')]).toEqual([
        status,
        true,
        length,
      ])
      upstream.answer = () => ok('next')
      expect((await client.send(get()).response()).body.toString()).toBe('next')
      client.destroy()
    })

    test('chunks come as they are sent, not when all are there', async () => {
      let goOn = (): void => undefined
      upstream.answer = (_request, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
        goOn = () => void socket.write('6\r\nsecond\r\n0\r\n\r\n')
        return undefined
      }
      const client = await RawClient.connect(gateway.url)
      await client.send(get()).sees('first')
      goOn()
      const answer = await client.response()
      expect([answer.body.toString(), header(answer, 'transfer-encoding')]).toEqual([
        'firstsecond',
        'chunked',
      ])
      client.destroy()
    })

    test('one that ends with the connection is whole', async () => {
      upstream.answer = (_request, socket) => {
        socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')
        return undefined
      }
      expect((await ask(get())).body.toString()).toBe('until the end')
    })

    test.each([
      [
        'a reason phrase that Node would not write',
        'HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok',
        200,
      ],
      ['a status that Node would not write', 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok', 502],
      ['no HTTP', 'what?\r\n\r\n', 502],
      [
        'both framings',
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        502,
      ],
      [
        'a switch of protocols',
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
        502,
      ],
    ])('%s is survived', async (_name, reply, status) => {
      upstream.answer = () => reply
      expect((await ask(get())).status).toBe(status)
      upstream.answer = () => ok()
      expect((await ask(get())).status).toBe(200)
    })
  })

  describe('an upstream that breaks', () => {
    test('within its answer: the client learns at once that it is not whole', async () => {
      upstream.answer = (_request, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
        setTimeout(() => socket.destroy(), 50)
        return undefined
      }
      const started = performance.now()
      const answer = await ask(get())
      expect([answer.complete, answer.body.toString()]).toEqual([false, 'half'])
      expect(performance.now() - started).toBeLessThan(4000)
    })

    test('within a chunked answer: no last chunk is invented', async () => {
      upstream.answer = (_request, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
        setTimeout(() => socket.destroy(), 50)
        return undefined
      }
      expect((await ask(get())).complete).toBe(false)
    })

    test('falling silent within its answer: the same, in time', async () => {
      upstream.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'
      const answer = await askHasty(get())
      expect([answer.complete, answer.body.toString()]).toEqual([false, 'half'])
    })

    test.each([
      ['GET', get],
      ['POST', post],
    ])('never answering %s: 504 in time, and asked once', async (_method, request) => {
      upstream.answer = () => undefined
      const started = performance.now()
      const answer = await askHasty(request())
      expect([answer.status, answer.body.toString()]).toEqual([504, TIMED_OUT])
      expect(header(answer, 'retry-after')).toBe('5')
      expect(performance.now() - started).toBeLessThan(4000)
      expect(upstream.requests).toHaveLength(1)
    })

    test('closing a connection that was kept open: a GET does not notice', async () => {
      expect((await ask(get())).status).toBe(200)
      upstream.answer = ({ connection }, socket) => {
        if (connection > 1) return ok('again')
        socket.resetAndDestroy()
        return undefined
      }
      const answer = await ask(get())
      expect([answer.status, answer.body.toString()]).toEqual([200, 'again'])
      expect(upstream.requests.map(({ connection }) => connection)).toEqual([1, 1, 2])
    })

    test('resetting every connection: 502, after two tries of a GET', async () => {
      upstream.answer = (_request, socket) => {
        socket.resetAndDestroy()
        return undefined
      }
      const answer = await ask(get())
      expect([answer.status, answer.body.toString()]).toEqual([502, BAD_GATEWAY])
      expect(upstream.requests).toHaveLength(2)
    })

    test('resetting a POST: 502, and never sent twice', async () => {
      upstream.answer = (_request, socket) => {
        socket.resetAndDestroy()
        return undefined
      }
      const answer = await ask(post())
      expect([answer.status, answer.body.toString()]).toEqual([502, BAD_GATEWAY])
      expect(upstream.requests).toHaveLength(1)
    })

    test('a POST goes over a connection of its own, so that it cannot meet a dying one', async () => {
      await ask(get())
      await ask(post())
      await ask(post())
      expect(upstream.requests.map(({ connection }) => connection)).toEqual([1, 2, 3])
      expect(upstream.requests[1]?.header('connection')).toBe('close')
    })

    test.each([
      ['nothing', [], [1, 1, 1]],
      ['for a minute', ['Keep-Alive: timeout=60'], [1, 1, 1]],
      ['for hardly a second', ['Keep-Alive: timeout=1'], [1, 2, 3]],
    ] as const)(
      'saying that it keeps connections %s: they are used as long as that is safe',
      async (_time, said, used) => {
        upstream.answer = () => ok('ok', ...said)
        for (const each of used) expect([each, (await ask(get())).status]).toEqual([each, 200])
        expect(upstream.requests.map(({ connection }) => connection)).toEqual(used)
      },
    )

    test('taking longer than it keeps idle connections: it is waited for', async () => {
      const patient = await startTestGateway({
        'cinderguard.forwarder': engine,
        'cinderguard.upstream': upstream.url,
        'cinderguard.upstream_timeout': '5',
      })
      const bytes = get().replace(token, patient.cloud.token('alice'))
      upstream.answer = () => ok('ok', 'Keep-Alive: timeout=2')
      await askRaw(patient.url, bytes)
      upstream.answer = (_request, socket) => {
        setTimeout(() => socket.write(ok('slow')), 1500)
        return undefined
      }
      expect((await askRaw(patient.url, bytes)).body.toString()).toBe('slow')
      await patient.stop()
    })

    test('answering before the body was read: the answer arrives', async () => {
      upstream.onHead = (_request, socket) => {
        socket.pause()
        socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly')
        return undefined
      }
      const answer = await ask(post(`"${'x'.repeat(100_000)}"`))
      expect([answer.status, answer.body.toString()]).toEqual([409, 'early'])
    })

    test('refusing connections: 502, and the next request is served when it is back', async () => {
      const away = await Upstream.start()
      const other = await startTestGateway({ 'cinderguard.upstream': away.url })
      await away.stop()
      const bytes = get().replace(token, other.cloud.token('alice'))
      const answer = await askRaw(other.url, bytes)
      expect([answer.status, answer.body.toString()]).toEqual([502, BAD_GATEWAY])
      await other.stop()
    })
  })

  describe('a client that goes away', () => {
    test('before the answer: the upstream request is given up', async () => {
      upstream.answer = () => undefined
      const client = await RawClient.connect(gateway.url)
      client.send(get())
      await expect.poll(() => upstream.requests.length).toBe(1)
      client.destroy()
      await expect.poll(() => upstream.open, { timeout: 5000, interval: 10 }).toBe(0)
      await expect.poll(inFlight).toBe(0)
    })

    test('within the answer: the same', async () => {
      upstream.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'
      const client = await RawClient.connect(gateway.url)
      await client.send(get()).sees('half')
      client.destroy()
      await expect.poll(() => upstream.open, { timeout: 5000, interval: 10 }).toBe(0)
      await expect.poll(inFlight).toBe(0)
    })

    test('while it sends: nothing is forwarded, and it is recorded once', async () => {
      const before = await recorded()
      const client = await RawClient.connect(gateway.url)
      client.send(post().slice(0, -3))
      await expect.poll(inFlight).toBe(1)
      client.destroy()
      await expect.poll(inFlight).toBe(0)
      await expect.poll(recorded).toBe(before + 1)
      expect(upstream.requests).toEqual([])
    })

    test('with several requests sent: one is under way at a time, and none stays behind', async () => {
      upstream.answer = () => undefined
      const before = await recorded()
      const client = await RawClient.connect(gateway.url)
      client.send(get() + get() + get())
      await expect.poll(() => upstream.requests.length).toBe(1)
      client.destroy()
      await expect.poll(() => upstream.open, { timeout: 1500, interval: 10 }).toBe(0)
      await expect.poll(inFlight).toBe(0)
      expect(await recorded()).toBe(before + 1)
      expect(upstream.requests).toHaveLength(1)
    })
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PROJECTS } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { askRaw, header, lines, RawClient, type RawResponse } from '../support/raw.ts'
import { ok, Upstream, type UpstreamRequest } from '../support/upstream.ts'

/** What reaches the upstream: one request for one, of the judged bytes and no others. */
describe.each(['http-proxy-3', 'undici'])('%s', (engine) => {
  let upstream: Upstream
  let gateway: TestGateway
  let token: string

  beforeAll(async () => {
    // Read by http-proxy-3: its fetch path follows redirects, loses cookies and hangs on a 204.
    process.env.FORCE_FETCH_PATH = 'true'
    upstream = await Upstream.start()
    gateway = await startTestGateway({
      'cinderguard.forwarder': engine,
      'cinderguard.upstream': upstream.url,
    })
    token = gateway.cloud.token('alice')
  })
  beforeEach(() => upstream.reset())
  afterAll(async () => {
    delete process.env.FORCE_FETCH_PATH
    await gateway.stop()
    await upstream.stop()
  })

  const PATH = `/v3/${PROJECTS.demo}/x`
  const HOST = 'Host: cinder'
  const auth = () => `X-Auth-Token: ${token}`
  const send = (...parts: readonly string[]) => askRaw(gateway.url, lines(...parts))

  async function only(answer: Promise<RawResponse>): Promise<UpstreamRequest> {
    expect((await answer).status).toBe(200)
    expect(upstream.problems).toEqual([])
    expect(upstream.requests.map(({ method, target }) => `${method} ${target}`)).toHaveLength(1)
    const [request] = upstream.requests
    if (request === undefined) throw new Error('nothing arrived')
    return request
  }

  async function nothing(answer: Promise<RawResponse>, status: number, message: string): Promise<void> {
    const { status: got, body } = await answer
    expect([got, body.toString()]).toEqual([
      status,
      `{"badRequest": {"code": ${status}, "message": "${message}"}}`,
    ])
    expect(upstream.requests).toEqual([])
  }

  const SMUGGLED = lines(
    'POST /v3/p/volumes/V/action HTTP/1.1',
    'Host: x',
    'Content-Length: 23',
    '',
    '{"os-force_detach":{}}\n',
  )
  const chunk = (text: string) => [text.length.toString(16), text, '0', '', '']

  describe('a chunked body never becomes a second request', () => {
    test.each(['DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH'])('%s', async (method) => {
      const request = await only(
        send(
          `${method} ${PATH} HTTP/1.1`,
          HOST,
          auth(),
          'Transfer-Encoding: chunked',
          '',
          ...chunk(SMUGGLED),
        ),
      )
      expect(request.header('content-length')).toBe(String(SMUGGLED.length))
      expect(request.body.toString()).toBe(SMUGGLED)
      expect(request.header('transfer-encoding')).toBeUndefined()
    })

    test('chunk extensions and trailers end here', async () => {
      const request = await only(
        send(
          `POST ${PATH} HTTP/1.1`,
          HOST,
          auth(),
          'Transfer-Encoding: chunked',
          '',
          '2;x=y',
          'ab',
          '0',
          'X-Service-Token: s',
          '',
          '',
        ),
      )
      expect([request.body.toString(), request.header('x-service-token')]).toEqual(['ab', undefined])
    })
  })

  describe('a body of declared length keeps it', () => {
    test.each(['DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH'])('%s', async (method) => {
      const request = await only(
        send(`${method} ${PATH} HTTP/1.1`, HOST, auth(), `Content-Length: ${SMUGGLED.length}`, '', SMUGGLED),
      )
      expect(request.header('content-length')).toBe(String(SMUGGLED.length))
      expect(request.body.toString()).toBe(SMUGGLED)
    })

    test.each([
      ['DELETE', '0'],
      ['POST', '0'],
      ['PUT', '0'],
      ['OPTIONS', '0'],
      ['GET', undefined],
      ['HEAD', undefined],
    ])('%s without a body has the length %s', async (method, promised) => {
      // RFC 9110, 8.6: undici sends none where no body is to be expected.
      const length = engine === 'undici' && !method.startsWith('P') ? undefined : promised
      const request = await only(send(`${method} ${PATH} HTTP/1.1`, HOST, auth(), '', ''))
      expect(request.header('content-length')).toBe(length)
    })

    test('every byte arrives as it is', async () => {
      const body = Buffer.from(Array.from({ length: 512 }, (_, at) => at % 256))
      const head = lines(
        `POST ${PATH} HTTP/1.1`,
        HOST,
        auth(),
        'Content-Type: application/json',
        'Content-Length: 512',
        '',
        '',
      )
      const request = await only(askRaw(gateway.url, Buffer.concat([Buffer.from(head), body])))
      expect(request.body.equals(body)).toBe(true)
      expect(request.header('content-type')).toBe('application/json')
    })

    test('more than a thousand header fields do not hide the length', async () => {
      const many = Array.from({ length: 2000 }, () => 'a:')
      const answer = send(
        `GET ${PATH} HTTP/1.1`,
        HOST,
        auth(),
        ...many,
        `Content-Length: ${SMUGGLED.length}`,
        '',
        SMUGGLED,
      )
      await nothing(answer, 431, 'Cinderguard: more than 100 header fields')
    })
  })

  describe('the path that was judged is the path that is sent', () => {
    test.each([
      PATH,
      `${PATH}/`,
      `${PATH}?`,
      `${PATH}?a=1&b=%20+c;d=%zz`,
      `${PATH}?next=/v3/../x//y&u=http://h/`,
      `${PATH}??a=?b`,
      `${PATH}%20y`,
      `${PATH}%2e`,
      `${PATH}/%61bc/%C3%A9`,
      `${PATH};p=1/~a,b:c@d!$&'()*+=`,
      `${PATH}.json`,
      `${PATH}?q={"a":[1|2]}^\``,
      '/v3/',
      '/v3',
      '/',
      '/healthcheck',
    ])('%s', async (target) => {
      expect((await only(send(`GET ${target} HTTP/1.1`, HOST, auth(), '', ''))).target).toBe(target)
    })

    const SEGMENT = 'a path segment that can be read in two ways'
    const ENCODED = 'an encoded slash, backslash or control character in the path'
    test.each([
      ['/v3/p/foo/../volumes/V/action', SEGMENT],
      ['/v3/./p/x', SEGMENT],
      ['/v3/p/%2e%2e/x', SEGMENT],
      ['/v3/p/.%2E/x', SEGMENT],
      ['/v3//p/x', 'an empty path segment'],
      ['//evil/v3/x', 'an empty path segment'],
      ['/v3\\p\\x', 'a backslash in the path'],
      ['/\\evil/v3/x', 'a backslash in the path'],
      ['/v3/p%2Fx', ENCODED],
      ['/v3/p%5cx', ENCODED],
      ['/v3/p%00', ENCODED],
      ['/v3/p%0a', ENCODED],
      ['/v3/p%zz', 'a malformed percent-escape in the path'],
      ['/v3/p%', 'a malformed percent-escape in the path'],
      ['/v3/p%ff', 'a path that is not UTF-8'],
      ['/v3/p#f', 'a # in the request target'],
      ['/v3/p/x?_method=DELETE', 'a _method query parameter'],
      ['/v3/p/x?a=1;%5fmethod=delete', 'a _method query parameter'],
      ['http://evil/v3/x', 'the request target is not a path'],
      ['http://127.0.0.1:99999999/v3/x', 'the request target is not a path'],
    ])('%s is refused', (target, problem) =>
      nothing(send(`GET ${target} HTTP/1.1`, HOST, auth(), '', ''), 400, `Cinderguard: ${problem}`),
    )

    test('one that is no URL at all goes nowhere', async () => {
      expect(
        (await send('GET http://[::1/v3/x HTTP/1.1', HOST, auth(), '', '')).status,
      ).toBeGreaterThanOrEqual(400)
      expect(upstream.requests).toEqual([])
    })
  })

  describe('headers', () => {
    test('the judged ones arrive once and as sent, those for this hop do not, nor anybody’s invention', async () => {
      const request = await only(
        send(
          `GET ${PATH} HTTP/1.1`,
          HOST,
          auth(),
          'Accept: application/json',
          'X-Custom: a  b',
          'X-Custom: c',
          'User-Agent: t\u00e9st',
          'Connection: keep-alive, X-Hop',
          'X-Hop: 1',
          'Keep-Alive: timeout=5',
          'Proxy-Connection: keep-alive',
          'Proxy-Authorization: x',
          'TE: trailers',
          'X-Roles: admin',
          'x_roles: admin',
          'X_Auth_Token: forged',
          'X-Is-Admin-Project: True',
          'X-Forwarded-Prefix: /v3',
          'X-OpenStack-Request-ID: req-0123abcd-0123-4567-89ab-0123456789ab',
          '',
          '',
        ),
      )
      expect(Object.fromEntries(request.headers)).toEqual({
        host: 'cinder',
        'x-auth-token': token,
        accept: 'application/json',
        'x-custom': 'a  b, c',
        'user-agent': 't\u00e9st',
        'x-openstack-request-id': 'req-0123abcd-0123-4567-89ab-0123456789ab',
        [engine === 'undici' ? 'connection' : 'Connection']: 'keep-alive',
      })
    })

    test('a caller without a request id gets one, the same upstream and in the answer of the gateway', async () => {
      const request = await only(
        send(`GET ${PATH} HTTP/1.1`, HOST, auth(), 'X-OpenStack-Request-ID: x', '', ''),
      )
      expect(request.header('x-openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/)
    })

    test.each(['X-Auth-Token', 'content-type', 'X-Service-Token'])(
      'Connection may not take away %s',
      (name) =>
        nothing(
          send(`GET ${PATH} HTTP/1.1`, HOST, auth(), `Connection: ${name}`, '', ''),
          400,
          `Cinderguard: Connection names ${name.toLowerCase()}`,
        ),
    )

    test('Expect: 100-continue is answered here and changes nothing upstream', async () => {
      const client = await RawClient.connect(gateway.url)
      client.send(
        lines(
          `POST ${PATH} HTTP/1.1`,
          HOST,
          auth(),
          'Expect: 100-continue',
          'X-Roles: admin',
          'Content-Length: 2',
          '',
          '',
        ),
      )
      await client.sees('HTTP/1.1 100 Continue\r\n\r\n')
      const request = await only(client.send('ab').response())
      expect(request.body.toString()).toBe('ab')
      expect([request.header('expect'), request.header('x-roles')]).toEqual([undefined, undefined])
      client.destroy()
    })

    test('Expect of anything else is 417 and goes nowhere', async () => {
      expect(
        (await send(`POST ${PATH} HTTP/1.1`, HOST, auth(), 'Expect: miracles', 'Content-Length: 0', '', ''))
          .status,
      ).toBe(417)
      expect(upstream.requests).toEqual([])
    })

    test.each(['websocket', 'h2c'])(
      'Upgrade: %s is not passed on, and what follows is not a tunnel',
      async (protocol) => {
        const request = await only(
          send(
            `GET ${PATH} HTTP/1.1`,
            HOST,
            auth(),
            'Connection: Upgrade',
            `Upgrade: ${protocol}`,
            'Sec-WebSocket-Key: x',
            '',
            '',
          ),
        )
        expect([request.header('upgrade'), request.header('connection')]).toEqual([undefined, 'keep-alive'])
      },
    )

    test('CONNECT ends the connection', async () => {
      const client = await RawClient.connect(gateway.url)
      client.send(lines('CONNECT cinder:8776 HTTP/1.1', HOST, auth(), '', ''))
      expect(await client.rest()).toMatch(/^HTTP\/1\.1 400 /)
      expect(upstream.requests).toEqual([])
    })
  })

  describe('several requests on one connection', () => {
    test('are answered in their order, however long each takes', async () => {
      upstream.answer = ({ target }, socket) => {
        setTimeout(() => socket.write(ok(target.slice(-1))), target.endsWith('1') ? 150 : 1)
        return undefined
      }
      const client = await RawClient.connect(gateway.url)
      const all = ['1', '2', '3'].map((name) => lines(`GET ${PATH}${name} HTTP/1.1`, HOST, auth(), '', ''))
      client.send(all.join(''))
      const bodies = [await client.response(), await client.response(), await client.response()].map(
        ({ body }) => body.toString(),
      )
      expect(bodies).toEqual(['1', '2', '3'])
      client.destroy()
    })

    test('a refusal between two does not disturb them', async () => {
      const client = await RawClient.connect(gateway.url)
      const targets = [PATH, '/v3//x', PATH]
      client.send(targets.map((target) => lines(`GET ${target} HTTP/1.1`, HOST, auth(), '', '')).join(''))
      const statuses = [await client.response(), await client.response(), await client.response()].map(
        ({ status }) => status,
      )
      expect(statuses).toEqual([200, 400, 200])
      client.destroy()
    })

    test('what follows a refused body is not read as a request', async () => {
      const client = await RawClient.connect(gateway.url)
      client.send(lines(`POST ${PATH} HTTP/1.1`, HOST, auth(), 'Content-Length: 200000', '', SMUGGLED))
      const answer = await client.response()
      expect([answer.status, header(answer, 'connection')]).toEqual([413, 'close'])
      expect(await client.rest()).toBe('')
      expect(upstream.requests).toEqual([])
    })

    test('the answer to a body that is too large reaches a client that sends on', async () => {
      const client = await RawClient.connect(gateway.url)
      client.send(lines(`POST ${PATH} HTTP/1.1`, HOST, auth(), 'Content-Length: 2000000', '', ''))
      await client.sendBlindly(Array.from({ length: 20 }, () => Buffer.alloc(10_000)))
      expect((await client.response()).status).toBe(413)
      client.destroy()
    })

    test('rubbish behind a request does not spoil its answer', async () => {
      upstream.answer = (_request, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
        setTimeout(() => socket.write('half'), 100)
        return undefined
      }
      const client = await RawClient.connect(gateway.url)
      client.send(lines(`GET ${PATH} HTTP/1.1`, HOST, auth(), '', ''))
      await client.sees('half')
      client.send('RUBBISH\r\n\r\n')
      expect((await client.rest()).split('\r\n\r\n')[1]).toBe('half')
    })
  })
})

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROJECTS } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { askRaw, lines } from '../support/raw.ts'

const FILES = join(import.meta.dirname, '../support/tls')
const read = (name: string) => readFileSync(join(FILES, name), 'utf8')

/** An upstream by https, whose certificate is for `localhost` and 127.0.0.1. */
describe.each(['http-proxy-3', 'undici'])('%s', (engine) => {
  let server: Server
  const names: (string | false | null)[] = []
  const sockets = new Set<unknown>()
  beforeAll(async () => {
    server = createServer({ cert: read('server.pem'), key: read('server.key') }, (request, response) => {
      names.push((request.socket as unknown as { servername: string | false | null }).servername)
      sockets.add(request.socket)
      response.end(`${request.headers.host}`)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const through = async (
    host: string,
    more: Readonly<Record<string, string>>,
    use: (gateway: TestGateway) => Promise<void>,
  ) => {
    const { port } = server.address() as AddressInfo
    const gateway = await startTestGateway({
      'cinderguard.forwarder': engine,
      'cinderguard.upstream': `https://${host}:${port}`,
      ...more,
    })
    await use(gateway).finally(() => gateway.stop())
  }
  const ask = (gateway: TestGateway, method: string, host: string) =>
    askRaw(
      gateway.url,
      lines(
        `${method} /v3/${PROJECTS.demo}/x HTTP/1.1`,
        `Host: ${host}`,
        `X-Auth-Token: ${gateway.cloud.token('alice')}`,
        'Content-Length: 0',
        '',
        '',
      ),
    )
  const CA = { 'cinderguard.upstream_cafile': join(FILES, 'ca.pem') }

  test.each([
    ['localhost', 'localhost'],
    ['127.0.0.1', false],
  ] as const)('the certificate must be of %s, whatever Host is asked for', async (host, name) => {
    names.length = 0
    await through(host, CA, async (gateway) => {
      for (const method of ['GET', 'POST'])
        for (const asked of ['cinder.example', 'other.example:8776', '127.0.0.1', 'localhost']) {
          const answer = await ask(gateway, method, asked)
          expect([answer.status, answer.body.toString()]).toEqual([200, asked])
        }
    })
    expect(names.map((each) => each || false)).toEqual(names.map(() => name))
  })

  test('a connection serves one Host after the other', async () => {
    sockets.clear()
    await through('localhost', CA, async (gateway) => {
      for (const asked of ['a.example', 'b.example', 'a.example']) await ask(gateway, 'GET', asked)
    })
    expect(sockets.size).toBe(1)
  })

  test('a certificate of another name is none, though the client asks for the name that it bears', async () => {
    const { port } = server.address() as AddressInfo
    const elsewhere = createServer(
      { cert: read('server.pem'), key: read('server.key') },
      (_request, response) => {
        response.end('reached')
      },
    )
    await new Promise<void>((resolve) => elsewhere.listen(port, '127.0.0.2', resolve))
    await through('127.0.0.2', CA, async (gateway) => {
      for (const method of ['GET', 'POST']) expect((await ask(gateway, method, 'localhost')).status).toBe(502)
    }).finally(() => elsewhere.close())
  })
})

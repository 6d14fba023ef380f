import { readFileSync } from 'node:fs'
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NO_TLS, openClientTls, readClientTls } from '../src/client-tls.ts'
import { createClient } from '../src/clouds/client.ts'
import { PROJECTS } from '../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'

const FILES = join(import.meta.dirname, 'support/tls')
const read = (name: string) => readFileSync(join(FILES, name), 'utf8')
const ENDS = Date.parse('2126-10-30T20:57:53Z')
const SOON = { timeout: 10_000, interval: 50 }
let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cinderguard-'))
  await install('client')
})
afterEach(() => rm(dir, { recursive: true }))

/** Puts a certificate and its key where the configuration looks for them. */
async function install(name: string): Promise<void> {
  await copyFile(join(FILES, `${name}.pem`), join(dir, 'cert.pem'))
  await copyFile(join(FILES, `${name}.key`), join(dir, 'key.pem'))
}
const files = () => ({ ca: join(FILES, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') })

describe('the files', () => {
  test('are read as texts', () => {
    expect(readClientTls(files())).toEqual({
      ca: read('ca.pem'),
      cert: read('client.pem'),
      key: read('client.key'),
    })
  })

  test('none: nothing is read, nothing is watched', () => {
    expect(openClientTls({})).toBe(NO_TLS)
    expect(NO_TLS.current()).toEqual({})
  })

  test.each([
    ['an authority that is none', { ca: 'half' }],
    ['a certificate and the key of another', { cert: 'client.pem', key: 'other.key' }],
  ] as const)('%s cannot be used, and is named', async (_what, named) => {
    await writeFile(join(dir, 'half'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    const at = Object.fromEntries(
      Object.entries(named).map(([what, name]) => [what, join(name === 'half' ? dir : FILES, name)]),
    )
    expect(() => openClientTls(at)).toThrow(Object.values(at)[0])
  })

  test('replaced, they count from then on; what cannot be used is reported, and the old ones stay', async () => {
    const problems: string[] = []
    const used: number[] = []
    const source = openClientTls(
      files(),
      { onProblem: (problem) => problems.push(problem), onUse: (expires) => used.push(expires) },
      10,
    )
    const first = source.current()
    expect(source.current()).toBe(first)
    expect(used).toEqual([ENDS])
    await writeFile(join(dir, 'key.new'), 'half a key')
    // At once: a look between its being emptied and written would see one more problem.
    await rename(join(dir, 'key.new'), join(dir, 'key.pem'))
    await expect.poll(() => problems).toEqual([expect.stringContaining('are not a certificate and its key')])
    expect(source.current()).toBe(first)
    await install('other')
    await expect.poll(() => source.current().cert).toBe(read('other.pem'))
    await expect.poll(() => source.current().key).toBe(read('other.key'))
    expect(used.at(-1)).toBe(ENDS)
    source.close()
  })
})

describe('a server that wants to see a certificate', () => {
  let server: Server
  /** Whose certificate came with each request, and over which connection. */
  const seen: { readonly name: string; readonly socket: unknown }[] = []
  beforeAll(async () => {
    const tls = { cert: read('server.pem'), key: read('server.key'), ca: read('ca.pem'), requestCert: true }
    server = createServer(tls, (request, response) => {
      const socket = request.socket as TLSSocket
      seen.push({ name: String(socket.getPeerCertificate().subject?.CN), socket })
      response.setHeader('content-type', 'application/json').end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  beforeEach(() => {
    seen.length = 0
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = () => `https://localhost:${(server.address() as AddressInfo).port}`

  test.each(['http-proxy-3', 'undici'] as const)(
    'sees the replaced one of forwarder = %s',
    async (forwarder) => {
      const gateway = await startTestGateway({
        'cinderguard.forwarder': forwarder,
        'cinderguard.upstream': url(),
        'cinderguard.upstream_cafile': join(FILES, 'ca.pem'),
        'cinderguard.upstream_certfile': join(dir, 'cert.pem'),
        'cinderguard.upstream_keyfile': join(dir, 'key.pem'),
      })
      try {
        expect([await ask(gateway), await ask(gateway)]).toEqual([200, 200])
        expect(seen.map(({ name }) => name)).toEqual(['client', 'client'])
        expect(seen[0]?.socket).toBe(seen[1]?.socket)
        await install('other')
        const shown = async (method: string) => {
          expect(await ask(gateway, method)).toBe(200)
          return seen.at(-1)?.name
        }
        await expect.poll(() => shown('GET'), SOON).toBe('other')
        expect(await shown('POST')).toBe('other')
      } finally {
        await gateway.stop()
      }
    },
  )

  test('is seen by the clients of the services, which drop connections made by the one before', async () => {
    const tls = openClientTls(files(), {}, 10)
    const client = createClient({ service: 'keystone', timeout: 5, retries: 0, tls })
    const shown = async () => {
      await client.send({ method: 'GET', url: `${url()}/`, headers: {} })
      return seen.at(-1)?.name
    }
    expect([await shown(), await shown()]).toEqual(['client', 'client'])
    await install('other')
    await expect.poll(shown, SOON).toBe('other')
    await client.close()
    tls.close()
  })

  test.each(['http-proxy-3', 'undici'] as const)(
    'is believed once its authority is in the file: forwarder = %s',
    async (forwarder) => {
      const authority = join(dir, 'ca.pem')
      await copyFile(join(FILES, 'client.pem'), authority)
      const gateway = await startTestGateway({
        'cinderguard.forwarder': forwarder,
        'cinderguard.upstream': url(),
        'cinderguard.upstream_cafile': authority,
        'cinderguard.upstream_certfile': join(dir, 'cert.pem'),
        'cinderguard.upstream_keyfile': join(dir, 'key.pem'),
      })
      try {
        expect(await ask(gateway)).toBe(502)
        await copyFile(join(FILES, 'ca.pem'), authority)
        await expect.poll(() => ask(gateway), SOON).toBe(200)
        await copyFile(join(FILES, 'client.pem'), authority)
        await expect.poll(() => ask(gateway), SOON).toBe(502)
      } finally {
        await gateway.stop()
      }
    },
  )
})

async function ask({ url, cloud }: TestGateway, method = 'GET'): Promise<number> {
  const answer = await fetch(`${url}/v3/${PROJECTS.demo}/volumes`, {
    method,
    headers: { 'x-auth-token': cloud.token('alice') },
  })
  await answer.text()
  return answer.status
}

import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { attachmentId, PROJECTS, type UserName, VOLUMES } from '../../src/demo/fixture.ts'
import { ask } from '../demo/ask.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { lines, RawClient } from '../support/raw.ts'

/** Operations on one volume, and what clients can do to each other by them. */
describe.each(['http-proxy-3', 'undici'])('%s', (engine) => {
  let gateway: TestGateway
  afterEach(() => gateway.stop())
  const start = async (more: Readonly<Record<string, string>> = {}) => {
    gateway = await startTestGateway({ 'cinderguard.forwarder': engine, ...more })
  }
  const volume = VOLUMES.stale
  const headersOf = (user: UserName) => ({
    'x-auth-token': gateway.cloud.token(user),
    'openstack-api-version': 'volume 3.44',
  })
  const detach = () =>
    ask('POST', `${gateway.url}/v3/${PROJECTS.demo}/volumes/${volume}/action`, headersOf('alice'), {
      'os-detach': {},
    })
  const bytesOf = (user: UserName, method: string, path: string, body: object) => {
    const text = JSON.stringify(body)
    return lines(
      `${method} /v3${path} HTTP/1.1`,
      'Host: c',
      `X-Auth-Token: ${gateway.cloud.token(user)}`,
      'Content-Type: application/json',
      'OpenStack-API-Version: volume 3.44',
      `Content-Length: ${text.length}`,
      '',
      text,
    )
  }
  const arrived = (method: string, path: RegExp) => gateway.cloud.cinder.count(method, path)

  /** Cinder works on every write until it is told to go on. */
  const held = (path: RegExp) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gateway.cloud.cinder.fault = async ({ method, url }) => {
      if (method !== 'GET' && path.test(url ?? '')) await promise
      return false
    }
    return resolve
  }

  test("another project's user who attaches a volume by its id keeps nobody from it", async () => {
    await start()
    const release = held(/\/attachments/)
    const bob = await RawClient.connect(gateway.url)
    bob.send(bytesOf('bob', 'POST', '/attachments', { attachment: { volume_uuid: volume } }))
    await expect.poll(() => arrived('POST', /attachments/)).toBe(1)
    expect((await detach()).status).toBe(202)
    release()
    bob.destroy()
  })

  test('a client that does not read its answer keeps nobody from the volume', async () => {
    await start()
    const large = 'x'.repeat(8_000_000)
    let count = 0
    gateway.cloud.cinder.fault = ({ method }, response) => {
      if (method === 'GET') return false
      count += 1
      if (count > 1) return false
      response.writeHead(202, { 'content-length': String(large.length) }).end(large)
      return true
    }
    const { hostname, port } = new URL(gateway.url)
    const slow = connect(Number(port), hostname)
    slow.write(bytesOf('alice', 'POST', `/volumes/${volume}/action`, { 'os-detach': {} }))
    await expect.poll(() => count).toBe(1)
    expect((await detach()).status).toBe(202)
    slow.destroy()
  })

  test('a client that leaves ends nothing: the next waits until Cinder has answered, and is judged anew', async () => {
    await start({ 'cinderguard.decision_timeout': '20' })
    const release = held(/\/attachments/)
    const first = await RawClient.connect(gateway.url)
    const path = `/attachments/${attachmentId('reserved')}`
    first.send(bytesOf('alice', 'PUT', path, { attachment: { connector: { host: 'h' } } }))
    await expect.poll(() => arrived('PUT', /attachments/)).toBe(1)
    first.destroy()
    await expect.poll(() => gateway.logged.some(({ reason }) => reason === 'client_gone')).toBe(true)
    gateway.cloud.cinder.requests.length = 0

    // By what Cinder shows before the first is done, nobody's server is connected.
    const next = ask('DELETE', `${gateway.url}/v3/${PROJECTS.demo}${path}`, headersOf('alice'))
    await expect.poll(() => arrived('GET', /attachments\/detail/)).toBe(1)
    const server = [...gateway.cloud.nova.servers.values()].find(({ name }) => name === 'web-2')
    server?.volumes.push({
      volumeId: VOLUMES.reserved,
      attachmentId: attachmentId('reserved'),
      device: '/dev/vdz',
      bdmUuid: 'b',
    })
    release()
    expect([(await next).status, arrived('DELETE', /./), arrived('GET', /attachments\/detail/)]).toEqual([
      409, 0, 2,
    ])
  })

  test('what Cinder never answers is waited for as long as any answer', async () => {
    await start({ 'cinderguard.upstream_timeout': '0.4' })
    let isHanging = true
    gateway.cloud.cinder.fault = ({ method }) => method !== 'GET' && isHanging
    expect((await detach()).status).toBe(504)
    isHanging = false
    expect((await detach()).status).toBe(202)
  })

  test('a service whose look-up fails attaches all the same', async () => {
    await start()
    gateway.cloud.cinder.fault = ({ method }, response) => {
      if (method === 'GET') response.writeHead(500).end()
      return method === 'GET'
    }
    const answer = await ask(
      'PUT',
      `${gateway.url}/v3/${PROJECTS.demo}/attachments/${attachmentId('reserved')}`,
      { ...headersOf('alice'), 'x-service-token': gateway.cloud.token('nova') },
      { attachment: { connector: { host: 'h' } } },
    )
    expect(answer.status).toBe(200)
  })
})

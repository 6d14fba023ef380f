import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { PROJECTS } from '../src/demo/fixture.ts'
import { versionOf } from '../src/version.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'
import { header, lines, RawClient } from './support/raw.ts'
import { ok, Upstream } from './support/upstream.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function start(
  overrides: Record<string, string> = {},
): Promise<{ upstream: Upstream; gateway: TestGateway; get: string }> {
  const upstream = await Upstream.start()
  stops.push(() => upstream.stop())
  const gateway = await startTestGateway({ 'cinderguard.upstream': upstream.url, ...overrides })
  stops.push(() => gateway.stop())
  const get = lines(
    `GET /v3/${PROJECTS.demo}/x HTTP/1.1`,
    'Host: c',
    `X-Auth-Token: ${gateway.cloud.token('alice')}`,
    '',
    '',
  )
  return { upstream, gateway, get }
}

describe('stopping', () => {
  test('is unready at once, lets a request under way finish, and takes no other', async () => {
    const { upstream, gateway, get } = await start()
    let finish = (): void => undefined
    upstream.answer = ({ target }, socket) => {
      if (target === '/') return ok('{}')
      finish = () => void socket.write(ok('finished'))
      return undefined
    }
    const client = await RawClient.connect(gateway.url)
    client.send(get)
    await expect.poll(() => upstream.requests.length).toBe(1)
    const started = performance.now()
    const stopped = gateway.gateway.stop()
    const ready = await fetch(`${gateway.adminUrl}/readyz`)
    expect([ready.status, await ready.json()]).toMatchObject([503, { ready: false, draining: true }])
    await expect(RawClient.connect(gateway.url)).rejects.toThrow('ECONNREFUSED')
    finish()
    const answer = await client.response()
    expect([answer.status, answer.body.toString(), header(answer, 'connection')]).toEqual([
      200,
      'finished',
      'close',
    ])
    await stopped
    expect(performance.now() - started).toBeLessThan(10_000)
    await expect(RawClient.connect(gateway.adminUrl)).rejects.toThrow('ECONNREFUSED')
  })

  test('also ends a connection whose answer had begun before', async () => {
    const { upstream, gateway, get } = await start()
    upstream.answer = (_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
      setTimeout(() => socket.write('half'), 300)
      return undefined
    }
    const client = await RawClient.connect(gateway.url)
    await client.send(get).sees('half')
    const started = performance.now()
    await gateway.gateway.stop()
    expect(performance.now() - started).toBeLessThan(10_000)
    expect((await client.response()).body.toString()).toBe('halfhalf')
  })

  test('closes connections that nobody uses at once', async () => {
    const { gateway, get } = await start()
    const client = await RawClient.connect(gateway.url)
    expect((await client.send(get).response()).status).toBe(200)
    await gateway.gateway.stop()
    expect(await client.rest()).toBe('')
  })

  test('after shutdown_timeout cuts what is still under way', async () => {
    const { upstream, gateway, get } = await start({ 'cinderguard.shutdown_timeout': '0.2' })
    upstream.answer = () => undefined
    const client = await RawClient.connect(gateway.url)
    client.send(get)
    await expect.poll(() => upstream.requests.length).toBe(1)
    await gateway.gateway.stop()
    expect(await client.rest()).toBe('')
    await expect.poll(() => upstream.open).toBe(0)
  })
})

describe('starting', () => {
  test.each(['bind', 'admin_bind'])('with %s taken fails, and leaves nothing running', async (option) => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    stops.push(() => new Promise((resolve) => holder.close(() => resolve())))
    const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`
    await expect(startTestGateway({ [`cinderguard.${option}`]: taken })).rejects.toThrow('EADDRINUSE')
  })

  test('tells where it listens, and its release', async () => {
    const { gateway } = await start()
    expect(gateway.logged).toMatchObject([
      { msg: 'cinderguard is listening', url: gateway.url, admin: gateway.adminUrl, version: versionOf() },
    ])
  })
})

describe('the admin listener', () => {
  test('serves health, readiness and metrics, and nothing else', async () => {
    const gateway = await startTestGateway()
    stops.push(() => gateway.stop())
    const page = async (path: string) => {
      const answer = await fetch(gateway.adminUrl + path)
      return [answer.status, await answer.text()]
    }
    expect(await page('/healthz')).toEqual([200, 'ok\n'])
    expect(await page('/readyz')).toEqual([
      200,
      '{"ready":true,"draining":false,"services":{"keystone":"ok","cinder":"ok","nova":"ok"},"policy":{"version":null,"digest":"unknown","problem":null}}',
    ])
    expect((await page('/metrics'))[1]).toContain(`cinderguard_build_info{version="${versionOf()}"`)
    expect(await page('/v3/')).toEqual([404, 'not found\n'])
  })

  test('is unready without Keystone, and ready without Nova', async () => {
    const gateway = await startTestGateway()
    stops.push(() => gateway.stop())
    await gateway.cloud.nova.stop()
    const withoutNova = await fetch(`${gateway.adminUrl}/readyz`)
    expect([withoutNova.status, await withoutNova.json()]).toMatchObject([
      200,
      { services: { nova: 'nova: ECONNREFUSED' } },
    ])
    const other = await startTestGateway()
    stops.push(() => other.stop())
    await other.cloud.keystone.stop()
    expect((await fetch(`${other.adminUrl}/readyz`)).status).toBe(503)
  })
})

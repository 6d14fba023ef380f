import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { ask } from './ask.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud({ publicVolumeUrl: 'http://gateway.test/v3/$(project_id)s' })
})
beforeEach(() => cloud.reset())
afterAll(() => cloud.stop())

const volumes = () => ask('GET', `${cloud.urls.cinder}/v3/volumes`, { 'x-auth-token': cloud.token('alice') })

test('records requests as they came, and forgets them on reset', async () => {
  const path = `/v3//volumes/${VOLUMES['in-use']}/%61ction?x=1`
  await ask(
    'POST',
    `${cloud.urls.cinder}${path}`,
    { 'X-Auth-Token': cloud.token('alice') },
    { 'os-extend': {} },
  )
  const [received] = cloud.cinder.requests
  expect(received).toMatchObject({ method: 'POST', target: path })
  expect(received?.body.toString()).toBe('{"os-extend":{}}')
  expect(received?.rawHeaders.map((name) => name.toLowerCase())).toContain('x-auth-token')
  expect([cloud.cinder.count(), cloud.cinder.count('GET'), cloud.cinder.count('POST', /volumes/)]).toEqual([
    1, 0, 1,
  ])
  cloud.reset()
  expect(cloud.cinder.requests).toEqual([])
})

test.each([
  ['cinder', 'an error', 503, 'busy'],
  ['nova', 'not JSON', 200, '<html>'],
  ['keystone', 'another form', 404, '[]'],
] as const)('a fault answers in place of %s: %s', async (name, _what, status, text) => {
  cloud[name].fault = (_request, response) => {
    response.writeHead(status).end(text)
    return true
  }
  expect(await ask('GET', cloud.urls[name])).toMatchObject({ status, text })
  cloud.reset()
  expect((await ask('GET', cloud.urls[name])).text).toContain('"version')
})

test('a fault may delay, pick its requests, reset or hang', async () => {
  cloud.cinder.fault = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return false
  }
  const started = performance.now()
  expect((await volumes()).status).toBe(200)
  expect(performance.now() - started).toBeGreaterThan(15)
  cloud.cinder.fault = (request) => {
    request.socket.destroy()
    return true
  }
  await expect(volumes()).rejects.toThrow()
  cloud.cinder.fault = undefined
  cloud.cinder.onArrival = () => true
  const hanging = fetch(`${cloud.urls.cinder}/`, { signal: AbortSignal.timeout(50) })
  await expect(hanging).rejects.toThrow(/timeout/)
})

test('reset brings back what was taken and keeps tokens', () => {
  const token = cloud.token('alice')
  cloud.cinder.store.clear()
  cloud.nova.servers.clear()
  cloud.nova.maxMicroversion = '2.79'
  cloud.reset()
  expect([cloud.volume('in-use')?.name, cloud.nova.servers.size, cloud.nova.maxMicroversion]).toEqual([
    'in-use',
    3,
    '2.95',
  ])
  expect(cloud.keystone.lookup(token)).toBeDefined()
})

test('the catalogue sends users to the gateway and services to Cinder', async () => {
  const token = cloud.token('alice')
  const { json } = await ask('GET', `${cloud.urls.keystone}/v3/auth/tokens`, {
    'x-auth-token': token,
    'x-subject-token': token,
  })
  const { endpoints } = json.token.catalog.find((service: { type: string }) => service.type === 'volumev3')
  expect(endpoints.map((one: { url: string }) => one.url)).toEqual([
    `http://gateway.test/v3/${PROJECTS.demo}`,
    `${cloud.urls.cinder}/v3/${PROJECTS.demo}`,
    `${cloud.urls.cinder}/v3/${PROJECTS.demo}`,
  ])
})

test('a taken port fails and leaves nothing behind; stop ends hanging connections', async () => {
  const port = Number(new URL(cloud.urls.cinder).port)
  await expect(startCloud({ ports: { cinder: port } })).rejects.toThrow(/EADDRINUSE/)
  const other = await startCloud()
  other.nova.fault = () => true
  const hanging = fetch(`${other.urls.nova}/`)
  hanging.catch(() => undefined)
  await expect.poll(() => other.nova.count()).toBe(1)
  await other.stop()
  await expect(hanging).rejects.toThrow()
})

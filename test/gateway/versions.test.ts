import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import type { Fault } from '../../src/demo/listener.ts'
import { ask } from '../demo/ask.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** What the gateway must know of versions, and what goes on while nobody tells. */
let gateway: TestGateway
beforeEach(async () => {
  gateway = await startTestGateway()
})
afterEach(() => gateway.stop())

const mute: Fault = ({ url }, response) => {
  if (url !== '/') return false
  response.writeHead(503).end()
  return true
}
const asking = (method: string, path: string, version: string, body?: object) =>
  ask(
    method,
    `${gateway.url}/v3/${PROJECTS.demo}${path}`,
    { 'x-auth-token': gateway.cloud.token('alice'), 'openstack-api-version': `volume ${version}` },
    body,
  )
const DETACH = { 'os-detach': {} }
const action = `/volumes/${VOLUMES['in-use']}/action`

describe('a Cinder that does not say its version', () => {
  test.each([
    ['a list', 'GET', '/volumes', '3.44', undefined, 200],
    ['an action that nobody judges', 'POST', action, '3.44', { 'os-set_bootable': { bootable: true } }, 202],
    ['attaching', 'POST', '/attachments', '3.44', { attachment: { volume_uuid: VOLUMES.available } }, 200],
    ['what is too new', 'POST', action, '3.99', { 'os-set_bootable': { bootable: true } }, 406],
    ['a guarded operation, whose facts rest on it', 'POST', action, '3.44', DETACH, 503],
  ] as const)('%s: %s %s at %s', async (_what, method, path, version, body, status) => {
    gateway.cloud.cinder.fault = mute
    expect((await asking(method, path, version, body)).status).toBe(status)
  })

  test('is not asked for what nobody judges', async () => {
    await asking('GET', '/volumes', '3.44')
    expect(gateway.cloud.cinder.count('GET', /^\/$/)).toBe(0)
  })
})

test('before 406 is answered Cinder is asked again: it may have been upgraded', async () => {
  gateway.cloud.cinder.maxMicroversion = '3.50'
  expect((await asking('POST', action, '3.44', DETACH)).status).toBe(409)
  gateway.cloud.cinder.maxMicroversion = '3.68'
  // Not within seconds of the last time.
  expect((await asking('POST', action, '3.60', DETACH)).status).toBe(406)
  await expect
    .poll(async () => (await asking('POST', action, '3.60', DETACH)).status, { timeout: 8000, interval: 500 })
    .toBe(409)
})

test('a Nova that shows its versions to holders of a token only is asked with our own', async () => {
  gateway.cloud.nova.versionsNeedToken = true
  expect((await asking('POST', action, '3.44', DETACH)).status).toBe(409)
  expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200)
})

test('all that is asked for a request bears its id, from the first login on', async () => {
  const id = 'req-0123abcd-0123-4567-89ab-0123456789ab'
  await ask(
    'POST',
    `${gateway.url}/v3/${PROJECTS.demo}${action}`,
    {
      'x-auth-token': gateway.cloud.token('alice'),
      'openstack-api-version': 'volume 3.44',
      'x-openstack-request-id': id,
    },
    DETACH,
  )
  const { keystone, nova, cinder } = gateway.cloud
  for (const { requests } of [keystone, nova, cinder]) {
    expect(requests.length).toBeGreaterThan(1)
    expect(requests.map((request) => request.header('x-openstack-request-id'))).toEqual(
      requests.map(() => id),
    )
  }
})

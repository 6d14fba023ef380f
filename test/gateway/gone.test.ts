import { afterEach, beforeEach, expect, test } from 'vitest'
import { attachmentId, PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { lines, RawClient } from '../support/raw.ts'

let gateway: TestGateway
beforeEach(async () => {
  gateway = await startTestGateway({ 'cinderguard.decision_timeout': '20' })
})
afterEach(() => gateway.stop())

const BODY = '{"attachment": {"connector": {"host": "h"}}}'
const bytes = () =>
  lines(
    `PUT /v3/${PROJECTS.demo}/attachments/${attachmentId('in-use', 0)} HTTP/1.1`,
    'Host: c',
    `X-Auth-Token: ${gateway.cloud.token('alice')}`,
    'Content-Type: application/json',
    'OpenStack-API-Version: volume 3.27',
    `Content-Length: ${BODY.length}`,
    '',
    BODY,
  )

test('a client that is gone when the decision falls: nothing is executed, and the turn of its volume ends', async () => {
  // Cinder says whose the attachment is only once the client has gone.
  const { promise: gone, resolve: release } = Promise.withResolvers<void>()
  gateway.cloud.cinder.fault = async ({ method, url }) => {
    if (method === 'GET' && url?.includes('/attachments')) await gone
    return false
  }
  const client = await RawClient.connect(gateway.url)
  client.send(bytes())
  await expect
    .poll(() => gateway.cloud.cinder.requests.some(({ target }) => target.includes('/attachments')))
    .toBe(true)
  client.destroy()
  // Its connection has been seen to close by then.
  await new Promise((resolve) => setTimeout(resolve, 100))
  release()
  await expect.poll(() => gateway.logged.some(({ reason }) => reason === 'client_gone')).toBe(true)
  expect(gateway.cloud.cinder.requests.filter(({ method }) => method === 'PUT')).toEqual([])

  const next = await RawClient.connect(gateway.url)
  expect((await next.send(bytes()).response({ limit: 3000 })).status).toBe(200)
})

test.each([
  ['http-proxy-3', 'observe', 'observed', 'attachment_in_use'],
  ['undici', 'observe', 'observed', 'attachment_in_use'],
  ['http-proxy-3', 'enforce', 'forwarded', 'client_gone'],
  ['undici', 'enforce', 'forwarded', 'client_gone'],
])('by %s in mode %s, a client that leaves while Cinder works: the record says %s', async (...row) => {
  const [forwarder, mode, verdict, reason] = row
  await gateway.stop()
  gateway = await startTestGateway({ 'cinderguard.forwarder': forwarder, 'cinderguard.mode': mode })
  const { promise: gone, resolve: release } = Promise.withResolvers<void>()
  gateway.cloud.cinder.fault = async ({ method }) => {
    if (method === 'POST') await gone
    return false
  }
  const volume = VOLUMES[mode === 'observe' ? 'in-use' : 'stale']
  const body = '{"os-detach": {}}'
  const client = await RawClient.connect(gateway.url)
  client.send(
    lines(
      `POST /v3/${PROJECTS.demo}/volumes/${volume}/action HTTP/1.1`,
      'Host: c',
      `X-Auth-Token: ${gateway.cloud.token('alice')}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      '',
      body,
    ),
  )
  await expect
    .poll(() => gateway.cloud.cinder.requests.filter(({ method }) => method === 'POST').length)
    .toBe(1)
  client.destroy()
  await new Promise((resolve) => setTimeout(resolve, 100))
  release()
  await expect.poll(() => gateway.logged.filter((line) => line.verdict !== undefined)).toHaveLength(1)
  expect(gateway.logged.find((line) => line.verdict !== undefined)).toMatchObject({ verdict, reason })
})

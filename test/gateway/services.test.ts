import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { attachmentId, PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { fakeRules } from '../checks/fake-rules.ts'
import { ask } from '../demo/ask.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** Services, the gateway's own among them: tokens past their end, revoked ones, and bound ones. */
let gateway: TestGateway

/** The rules are looked at for services too, for some operator changed one. */
const OWN_RULES = fakeRules(
  (rule, credentials, target) => rule !== 'context_is_admin' && credentials.project_id === target.project_id,
  { has: (rule) => rule.startsWith('volume') },
)
beforeAll(async () => {
  gateway = await startTestGateway({}, { policy: { current: () => OWN_RULES } })
})
beforeEach(() => gateway.cloud.reset())
afterAll(() => gateway.stop())

const shapes = {
  attach: ['POST', '/attachments', { attachment: { volume_uuid: VOLUMES.available } }],
  update: ['PUT', `/attachments/${attachmentId('reserved')}`, { attachment: { connector: { host: 'h' } } }],
  delete: ['DELETE', `/attachments/${attachmentId('in-use')}`, undefined],
  detach: ['POST', `/volumes/${VOLUMES['in-use']}/action`, { 'os-detach': {} }],
} as const satisfies Record<string, readonly [string, string, unknown]>

const perform = (shape: keyof typeof shapes, headers: Record<string, string>) => {
  const [method, path, body] = shapes[shape]
  return ask(
    method,
    `${gateway.url}/v3/${PROJECTS.demo}${path}`,
    { 'openstack-api-version': 'volume 3.44', ...headers },
    body,
  )
}
const expired = () => gateway.cloud.token('alice', { expiresAt: Date.now() - 60_000 })

describe('a user token past its end', () => {
  test.each([
    ['attach', 200],
    ['update', 200],
    ['delete', 200],
    ['detach', 202],
  ] as const)('with a service token may still %s', async (shape, status) => {
    const headers = { 'x-auth-token': expired(), 'x-service-token': gateway.cloud.token('nova') }
    expect((await perform(shape, headers)).status).toBe(status)
    const lookups = gateway.cloud.cinder.requests.filter(
      ({ method, target }) => method === 'GET' && target !== '/',
    )
    const tokens = lookups.map((request) => request.header('x-service-token'))
    expect(tokens.every((token) => token === headers['x-service-token'])).toBe(true)
  })

  test('without one may nothing', async () => {
    for (const shape of ['attach', 'update', 'delete', 'detach'] as const)
      expect((await perform(shape, { 'x-auth-token': expired() })).status).toBe(401)
  })

  test('a service token without the role is not sent along', async () => {
    const answer = await perform('detach', {
      'x-auth-token': gateway.cloud.token('alice'),
      'x-service-token': gateway.cloud.token('reader'),
    })
    expect(answer.status).toBe(409)
    const lookups = gateway.cloud.cinder.requests.filter(({ method }) => method === 'GET')
    expect(lookups.map((request) => request.header('x-service-token') ?? null)).toEqual(
      lookups.map(() => null),
    )
  })
})

describe('the service token of the gateway', () => {
  /** What it last showed to Nova. */
  const shown = () =>
    gateway.cloud.nova.requests.findLast((one) => one.header('x-service-token') !== undefined)
  test('is revoked: the next request gets a new one', async () => {
    const user = { 'x-auth-token': gateway.cloud.token('alice') }
    expect((await perform('detach', user)).status).toBe(409)
    const token = shown()?.header('x-service-token') ?? ''
    expect(gateway.cloud.keystone.revoke(token)).toBe(true)
    expect((await perform('detach', user)).status).toBe(409)
    expect(shown()?.header('x-service-token')).not.toBe(token)
  })

  test('is revoked: it stays ready', async () => {
    await perform('detach', { 'x-auth-token': gateway.cloud.token('alice') })
    gateway.cloud.keystone.revoke(shown()?.header('x-service-token') ?? '')
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200)
  })

  test("is not thrown away for a caller's token that Nova refuses", async () => {
    gateway.cloud.nova.fault = ({ url }, response) => {
      if (!url?.includes('os-volume_attachments')) return false
      response.writeHead(401).end()
      return true
    }
    const before = gateway.cloud.keystone.count('POST')
    expect((await perform('detach', { 'x-auth-token': gateway.cloud.token('alice') })).status).toBe(401)
    expect(gateway.cloud.keystone.count('POST')).toBe(before)
  })
})

test("an application credential's access rules bind what is asked for, and not how it is judged", async () => {
  const path = `/v3/${PROJECTS.demo}${shapes.detach[1]}`
  const rule = { id: '1', service: 'volumev3', method: 'POST', path }
  const bound = (accessRules: readonly (typeof rule)[]) => ({
    'x-auth-token': gateway.cloud.token('alice', { accessRules }),
  })
  expect((await perform('detach', bound([rule]))).status).toBe(409)
  gateway.cloud.cinder.requests.length = 0
  // Cinder itself refuses what no rule lets.
  gateway.cloud.nova.servers.clear()
  expect((await perform('detach', bound([{ ...rule, path: '/v3/other' }]))).status).toBe(401)
  expect((await perform('detach', bound([rule]))).status).toBe(202)
})

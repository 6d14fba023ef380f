import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { attachmentId, PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { ask, askCinder, type CinderRequest, type Loose } from './ask.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud.stop())

const inUse = VOLUMES['in-use']
const used = attachmentId('in-use')
const demo = `/v3/${PROJECTS.demo}`
const call = (...request: CinderRequest) => askCinder(cloud, ...request)

describe('tokens', () => {
  test('an expired user token works beside a service token only', async () => {
    const expired = { 'x-auth-token': cloud.token('alice', { expiresAt: Date.now() - 1000 }) }
    expect((await call('alice', 'GET', `${demo}/volumes`, undefined, expired)).status).toBe(401)
    const both = { ...expired, 'x-service-token': cloud.token('nova') }
    expect((await call('alice', 'GET', `${demo}/volumes`, undefined, both)).status).toBe(200)
  })

  test('a service token without the role, by setting', async () => {
    const service = { 'x-service-token': cloud.token('bob') }
    expect((await call('alice', 'GET', `${demo}/volumes`, undefined, service)).status).toBe(200)
    cloud.cinder.serviceTokenRolesRequired = true
    expect((await call('alice', 'GET', `${demo}/volumes`, undefined, service)).status).toBe(401)
  })

  test('X_Auth_Token and X-Storage-Token count', async () => {
    for (const name of ['x_auth_token', 'x-storage-token']) {
      expect(
        (await ask('GET', `${cloud.urls.cinder}/v3/volumes`, { [name]: cloud.token('alice') })).status,
      ).toBe(200)
    }
  })
})

describe('reading', () => {
  const ids = (json: Loose) => json.attachments.map((one: { id: string }) => one.id).sort()
  test.each([
    ['own', 'alice', `?volume_id=${inUse}`, [used]],
    ['other project', 'bob', `?volume_id=${inUse}`, []],
    ['all_tenants from a member is ignored', 'alice', `?all_tenants=1&volume_id=${VOLUMES.victim}`, []],
    ['admin, own project', 'admin', `?volume_id=${VOLUMES.victim}`, []],
    ['admin, all', 'admin', `?all_tenants=1&volume_id=${VOLUMES.victim}`, [attachmentId('victim')]],
    [
      'all rows',
      'alice',
      `?volume_id=${VOLUMES['attached-and-reserved']}`,
      [0, 1].map((at) => attachmentId('attached-and-reserved', at)),
    ],
  ] as const)('attachments/detail, %s', async (_name, user, query, wanted) => {
    const { status, json } = await call(user, 'GET', `/v3/attachments/detail${query}`)
    expect([status, ids(json)]).toEqual([200, wanted])
  })

  test('one attachment, readable by anyone who knows its id', async () => {
    const { json } = await call('bob', 'GET', `/v3/attachments/${used}`)
    expect(json.attachment).toMatchObject({
      id: used,
      status: 'attached',
      volume_id: inUse,
      attach_mode: 'rw',
    })
    expect(Object.keys(json.attachment)).toEqual([
      'id',
      'status',
      'instance',
      'volume_id',
      'attached_at',
      'detached_at',
      'attach_mode',
      'connection_info',
    ])
  })

  test('a volume shows finished attachments only, and hosts to admins only', async () => {
    const path = `${demo}/volumes/${VOLUMES['attached-and-reserved']}`
    const { volume } = (await call('alice', 'GET', path)).json
    expect(volume.attachments).toHaveLength(1)
    expect(volume).toMatchObject({ status: 'in-use', 'os-vol-tenant-attr:tenant_id': PROJECTS.demo })
    expect(volume['os-vol-host-attr:host']).toBeUndefined()
    expect((await call('admin', 'GET', path)).json.volume['os-vol-mig-status-attr:migstat']).toBe(null)
  })

  test('statuses of the fixture', () => {
    const status = Object.fromEntries(
      [...cloud.volumes.values()].map((volume) => [volume.name, volume.status]),
    )
    expect(status).toMatchObject({
      'in-use': 'in-use',
      available: 'available',
      reserved: 'reserved',
      attaching: 'attaching',
      maintenance: 'maintenance',
    })
  })

  test.each([
    ['/', 300],
    ['/healthcheck', 200],
    ['/v2/x', 404],
    ['/v3/', 401],
    ['/v3/nothing', 401],
  ])('without a token, %s', async (path, status) => {
    expect((await ask('GET', `${cloud.urls.cinder}${path}`)).status).toBe(status)
  })
})

test('a volume from its making to its end, in the new attach flow', async () => {
  const made = await call('alice', 'POST', `${demo}/volumes`, { volume: { size: 2, name: 'new' } })
  expect([made.status, made.json.volume.status]).toEqual([202, 'creating'])
  const volumeId = made.json.volume.id
  const reserved = await call('alice', 'POST', `${demo}/attachments`, {
    attachment: { volume_uuid: volumeId, instance_uuid: 'i' },
  })
  expect(reserved.json.attachment).toMatchObject({ status: 'reserved', connection_info: null })
  const path = `${demo}/attachments/${reserved.json.attachment.id}`
  const connected = await call('alice', 'PUT', path, { attachment: { connector: { host: 'h' } } })
  expect(connected.json.attachment).toMatchObject({
    status: 'attaching',
    connection_info: { driver_volume_type: 'iscsi' },
  })
  expect((await call('alice', 'POST', `${path}/action`, { 'os-complete': {} })).status).toBe(204)
  expect(cloud.volumes.get(volumeId)?.status).toBe('in-use')
  expect((await call('alice', 'DELETE', path)).text).toBe('{"attachments": []}')
  expect((await call('alice', 'DELETE', `${demo}/volumes/${volumeId}`)).status).toBe(202)
})

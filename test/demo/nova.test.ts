import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { attachmentId, SERVERS, type UserName, VOLUMES } from '../../src/demo/fixture.ts'
import { ask } from './ask.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud.stop())

const web = SERVERS['web-1']
const volume = VOLUMES['in-use']
const show = (user: UserName, server: string, id: string, version = 'compute 2.89') =>
  ask('GET', `${cloud.urls.nova}/v2.1/servers/${server}/os-volume_attachments/${id}`, {
    'x-auth-token': cloud.token(user),
    'openstack-api-version': version,
  })
const missing = (message: string) => `{"itemNotFound": {"code": 404, "message": "${message}"}}`

test.each([
  ['reader', 'reader', web, volume, 200, undefined],
  ['member', 'alice', web, volume, 200, undefined],
  ['admin of another project', 'admin', web, volume, 200, undefined],
  ['member of another project', 'bob', web, volume, 404, missing(`Instance ${web} could not be found.`)],
  [
    'no reading role',
    'auditor',
    web,
    volume,
    403,
    `{"forbidden": {"code": 403, "message": "Policy doesn't allow os_compute_api:os-volumes-attachments:show to be performed."}}`,
  ],
  ['no such server', 'alice', 'none', volume, 404, missing('Instance none could not be found.')],
  [
    'stale attachment',
    'alice',
    web,
    VOLUMES.stale,
    404,
    missing(`Instance ${web} is not attached to volume ${VOLUMES.stale}`),
  ],
] as const)('%s', async (_name, user, server, id, status, text) => {
  const reply = await show(user, server, id)
  expect(reply.status).toBe(status)
  if (text) expect(reply.text).toBe(text)
})

const bdm = attachmentId('in-use').replace(/^f/, '9')
test.each([
  ['compute 2.1', { id: volume, volumeId: volume, serverId: web, device: '/dev/vdb' }],
  ['compute 2.70', { id: volume, volumeId: volume, serverId: web, device: '/dev/vdb', tag: null }],
  [
    'compute 2.88',
    {
      id: volume,
      volumeId: volume,
      serverId: web,
      device: '/dev/vdb',
      tag: null,
      delete_on_termination: false,
    },
  ],
  [
    'volume 3.27, compute 2.89',
    {
      volumeId: volume,
      serverId: web,
      device: '/dev/vdb',
      tag: null,
      delete_on_termination: false,
      attachment_id: attachmentId('in-use'),
      bdm_uuid: bdm,
    },
  ],
])('body at %s', async (version, volumeAttachment) => {
  const { json, headers } = await show('alice', web, volume, version)
  expect(json).toEqual({ volumeAttachment })
  expect(headers.get('openstack-api-version')).toBe(version.replace(/.*, /, ''))
  expect(headers.get('x-compute-request-id')).toMatch(/^req-[0-9a-f-]{36}$/)
  expect(headers.get('x-openstack-request-id')).toBe(headers.get('x-compute-request-id'))
})

test('attachment ids Nova has otherwise, or not at all', async () => {
  const id = async (server: string, name: 'reused' | 'legacy') =>
    (await show('alice', server, VOLUMES[name])).json.volumeAttachment.attachment_id
  expect(await id(web, 'reused')).toBe('ffffffff-0000-4000-8000-000000000000')
  expect(await id(SERVERS['web-2'], 'legacy')).toBe(null)
})

test('an older Nova refuses 2.89', async () => {
  cloud.nova.maxMicroversion = '2.79'
  const { status, text } = await show('alice', web, volume)
  expect(status).toBe(406)
  expect(text).toBe(
    '{"computeFault": {"code": 406, "message": "Version 2.89 is not supported by the API. Minimum is 2.1 and maximum is 2.79."}}',
  )
  expect((await show('alice', web, volume, 'compute latest')).json.volumeAttachment.id).toBe(volume)
})

test.each([
  ['/', 200],
  ['/v2.1/', 200],
  ['/v2.1/servers', 401],
  ['/nothing', 404],
])('without a token, %s', async (path, status) => {
  expect((await ask('GET', `${cloud.urls.nova}${path}`)).status).toBe(status)
})

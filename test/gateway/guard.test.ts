import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  attachmentId,
  PROJECTS,
  SERVERS,
  type UserName,
  VOLUMES,
  type VolumeName,
} from '../../src/demo/fixture.ts'
import type { Fault } from '../../src/demo/listener.ts'
import { ask } from '../demo/ask.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { askRaw, lines } from '../support/raw.ts'

/** The whole gateway in front of a Cinder that nobody fixed: it answers as a fixed one. */
let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({
    'cinderguard.nova_timeout': '1',
    'cinderguard.keystone_timeout': '1',
    'cinderguard.cinder_timeout': '1',
  })
})
beforeEach(() => {
  gateway.cloud.reset()
  gateway.logged.length = 0
})
afterAll(() => gateway.stop())

const fault = (status: number, key: string, message: string) =>
  [status, `{"${key}": {"code": ${status}, "message": ${JSON.stringify(message)}}}`] as const
const USING = 'ConflictNovaUsingAttachment: Detach volume from instance'
const inUse = (server: keyof typeof SERVERS) =>
  fault(409, 'conflictingRequest', `${USING} ${SERVERS[server]} using the Compute API`)
const AMBIGUOUS = fault(409, 'conflictingRequest', `${USING}  using the Compute API`)
const MAINTENANCE = fault(
  400,
  'badRequest',
  'Invalid volume: The volume cannot be detached in maintenance mode.',
)
const absent = (volume: string) => fault(404, 'itemNotFound', `Volume ${volume} could not be found.`)
const denied = (rule: string) => fault(403, 'forbidden', `Policy doesn't allow ${rule} to be performed.`)
const UNAVAILABLE = fault(
  503,
  'serviceUnavailable',
  'The server is currently unavailable. Please try again at a later time.',
)
/** Forwarded: the upstream's own status. */
type Expected = number | readonly [status: number, body: string]

/** How each operation is asked for; `at` is the attachment that it names. */
const OPERATIONS = {
  'delete attachment': (volume: VolumeName, at: number) => [
    'DELETE',
    `/attachments/${attachmentId(volume, at)}`,
    undefined,
  ],
  'os-detach': (volume: VolumeName) => ['POST', `/volumes/${VOLUMES[volume]}/action`, { 'os-detach': {} }],
  'os-detach by id': (volume: VolumeName, at: number) => [
    'POST',
    `/volumes/${VOLUMES[volume]}/action`,
    { 'os-detach': { attachment_id: attachmentId(volume, at) } },
  ],
  'os-terminate_connection': (volume: VolumeName) => [
    'POST',
    `/volumes/${VOLUMES[volume]}/action`,
    { 'os-terminate_connection': { connector: { host: 'h' } } },
  ],
  'os-force_detach': (volume: VolumeName, at: number) => [
    'POST',
    `/volumes/${VOLUMES[volume]}/action`,
    { 'os-force_detach': { attachment_id: attachmentId(volume, at) } },
  ],
  'os-migrate_volume_completion': (volume: VolumeName) => [
    'POST',
    `/volumes/${VOLUMES[volume]}/action`,
    { 'os-migrate_volume_completion': { new_volume: VOLUMES['migration-target'] } },
  ],
} as const satisfies Record<string, (volume: VolumeName, at: number) => readonly [string, string, unknown]>
type OperationName = keyof typeof OPERATIONS

const headersOf = (user: UserName) => ({
  'x-auth-token': gateway.cloud.token(user, user === 'admin' ? { project: 'demo' } : {}),
  'openstack-api-version': 'volume 3.44',
})

async function perform(
  user: UserName,
  operation: OperationName,
  volume: VolumeName,
  at: number,
  headers: Record<string, string> = {},
) {
  const [method, path, body] = OPERATIONS[operation](volume, at)
  return ask(method, `${gateway.url}/v3/${PROJECTS.demo}${path}`, { ...headersOf(user), ...headers }, body)
}

const isRefusal = (expected: Expected): expected is readonly [number, string] => typeof expected !== 'number'
const forwarded = () =>
  gateway.cloud.cinder.requests.filter(({ method }) => method === 'POST' || method === 'DELETE').length

type Row = readonly [VolumeName, ...expected: Expected[]]

describe('alice, a member', () => {
  const OPS = ['delete attachment', 'os-detach', 'os-detach by id', 'os-terminate_connection'] as const
  const ROWS: readonly Row[] = [
    ['in-use', inUse('web-1'), inUse('web-1'), inUse('web-1'), inUse('web-1')],
    ['stale', 200, 202, 202, 202],
    ['reused', 200, 202, 202, 202],
    ['host', 200, 202, 202, 202],
    ['reserved', 200, 202, 202, 202],
    ['legacy', 200, 202, 202, 202],
    ['multi-attach', inUse('web-1'), AMBIGUOUS, inUse('web-1'), AMBIGUOUS],
    ['attached-and-reserved', inUse('web-1'), AMBIGUOUS, inUse('web-1'), AMBIGUOUS],
    ['attaching', inUse('web-2'), inUse('web-2'), inUse('web-2'), inUse('web-2')],
    ['maintenance', inUse('web-1'), inUse('web-1'), inUse('web-1'), inUse('web-1')],
    ['maintenance-host', 200, MAINTENANCE, MAINTENANCE, 202],
    // Nova does not show her that server, which a fixed Cinder too takes for "not attached".
    ['cross-project', 200, 202, 202, 202],
    [
      'victim',
      denied('volume:attachment_delete'),
      absent(VOLUMES.victim),
      absent(VOLUMES.victim),
      absent(VOLUMES.victim),
    ],
  ]
  const cases = ROWS.flatMap(([volume, ...expected]) =>
    OPS.map((name, at) => [volume, name, expected[at] ?? 0] as const),
  )

  test.each(cases)('%s: %s', async (volume, name, expected) => {
    const answer = await perform('alice', name, volume, 0)
    if (isRefusal(expected)) {
      expect([answer.status, answer.text]).toEqual(expected)
      // The maintenance test is Cinder's own here.
      if (expected !== MAINTENANCE) expect(forwarded()).toBe(0)
      expect(gateway.cloud.attachment(volume)).toMatchObject({ volumeId: VOLUMES[volume] })
    } else {
      expect([answer.status, forwarded()]).toEqual([expected, 1])
    }
  })

  test.each(['os-force_detach', 'os-migrate_volume_completion'] as const)(
    '%s is for admins',
    async (name) => {
      const rule = `volume_extension:volume_admin_actions:${name.slice(3)}`
      const answer = await perform('alice', name, 'stale', 0)
      expect([answer.status, answer.text, forwarded()]).toEqual([...denied(rule), 0])
    },
  )

  test('an attachment of another volume is a mismatch', async () => {
    const body = { 'os-detach': { attachment_id: attachmentId('stale') } }
    const answer = await ask(
      'POST',
      `${gateway.url}/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`,
      headersOf('alice'),
      body,
    )
    expect([answer.status, answer.text, forwarded()]).toEqual([
      ...fault(400, 'badRequest', 'Invalid input received: Mismatched volume and attachment'),
      0,
    ])
  })

  test('the attachment that only waits beside another may go', async () => {
    expect((await perform('alice', 'delete attachment', 'attached-and-reserved', 1)).status).toBe(200)
    expect(gateway.cloud.attachment('attached-and-reserved', 0)).toBeDefined()
  })

  test('an attachment that Cinder fails to show, for its volume has a format and it no connection', async () => {
    for (const name of ['reserved', 'attached-and-reserved', 'victim'] as const)
      gateway.cloud.cinder.store.formats.set(VOLUMES[name], 'raw')
    expect((await perform('alice', 'delete attachment', 'reserved', 0)).status).toBe(200)
    expect((await perform('alice', 'delete attachment', 'attached-and-reserved', 1)).status).toBe(200)
    expect((await perform('alice', 'delete attachment', 'attached-and-reserved', 0)).status).toBe(409)
    const hidden = gateway.cloud.cinder.store.attachments.get(attachmentId('victim'))
    Object.assign(hidden ?? {}, { connectionInfo: null })
    const answer = await perform('alice', 'delete attachment', 'victim', 0)
    expect([answer.status, answer.text]).toEqual(denied('volume:attachment_delete'))
  })

  test('an id that is too long for one: 400, and nobody is asked about it', async () => {
    const path = `/volumes/${'x'.repeat(256)}/action`
    const answer = await ask('POST', `${gateway.url}/v3/${PROJECTS.demo}${path}`, headersOf('alice'), {
      'os-detach': {},
    })
    expect([answer.status, answer.text, gateway.cloud.cinder.count('GET', /xxx/)]).toEqual([
      ...fault(400, 'badRequest', 'Malformed request url'),
      0,
    ])
  })

  test('a volume without an attachment', async () => {
    expect((await perform('alice', 'os-detach', 'available', 0)).status).toBe(202)
  })

  test('what is not there', async () => {
    const id = '00000000-0000-4000-8000-000000000000'
    const one = await ask('DELETE', `${gateway.url}/v3/attachments/${id}`, headersOf('alice'))
    expect([one.status, one.text]).toEqual(
      fault(404, 'itemNotFound', `Volume attachment could not be found with filter: attachment_id = ${id}.`),
    )
    const two = await ask('POST', `${gateway.url}/v3/volumes/${id}/action`, headersOf('alice'), {
      'os-detach': {},
    })
    expect([two.status, two.text]).toEqual(absent(id))
  })
})

describe('admin', () => {
  const OPS = ['os-force_detach', 'os-migrate_volume_completion'] as const
  const ROWS: readonly Row[] = [
    ['in-use', inUse('web-1'), inUse('web-1')],
    ['stale', 202, 200],
    ['reused', 202, 200],
    ['host', 202, 200],
    ['reserved', 202, 200],
    ['attached-and-reserved', AMBIGUOUS, inUse('web-1')],
    // The newest first, as Cinder lists them.
    ['multi-attach', AMBIGUOUS, inUse('web-2')],
    ['attaching', inUse('web-2'), inUse('web-2')],
    ['maintenance', inUse('web-1'), inUse('web-1')],
    ['maintenance-host', MAINTENANCE, MAINTENANCE],
    ['cross-project', inUse('db-1'), inUse('db-1')],
  ]
  const cases = ROWS.flatMap(([volume, ...expected]) =>
    OPS.map((name, at) => [volume, name, expected[at] ?? 0] as const),
  )

  test.each(cases)('%s: %s', async (volume, name, expected) => {
    const answer = await perform('admin', name, volume, 0)
    if (isRefusal(expected)) expect([answer.status, answer.text]).toEqual(expected)
    else expect([answer.status, forwarded()]).toEqual([expected, 1])
    if (isRefusal(expected) && expected !== MAINTENANCE) expect(forwarded()).toBe(0)
  })
})

describe('services', () => {
  const cases = (['in-use', 'multi-attach', 'attaching', 'cross-project'] as const).flatMap((volume) =>
    (['delete attachment', 'os-detach by id', 'os-terminate_connection'] as const).map(
      (name) => [volume, name] as const,
    ),
  )
  test.each(cases)('pass the check: %s, %s', async (volume, name) => {
    const answer = await perform('alice', name, volume, 0, { 'x-service-token': gateway.cloud.token('nova') })
    expect([answer.status, forwarded()]).toEqual([name === 'delete attachment' ? 200 : 202, 1])
  })

  const UNAUTHORIZED =
    '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}'
  test('a forged service token is 401', async () => {
    const answer = await perform('alice', 'delete attachment', 'in-use', 0, { 'x-service-token': 'forged' })
    expect([answer.status, answer.text, forwarded()]).toEqual([401, UNAUTHORIZED, 0])
  })

  test('a service token of somebody without a service role is none', async () => {
    const answer = await perform('alice', 'delete attachment', 'in-use', 0, {
      'x-service-token': gateway.cloud.token('alice'),
    })
    expect([answer.status, answer.text]).toEqual(inUse('web-1'))
  })

  test.each(['X_Service_Token', 'X-Service_Token', 'x-roles', 'X-Service-Roles'])(
    '%s makes nobody a service',
    async (name) => {
      const [method, path] = OPERATIONS['delete attachment']('in-use', 0)
      const mine = headersOf('alice')
      const answer = await askRaw(
        gateway.url,
        lines(
          `${method} /v3${path} HTTP/1.1`,
          'Host: c',
          `X-Auth-Token: ${mine['x-auth-token']}`,
          'OpenStack-API-Version: volume 3.44',
          `${name}: ${name.includes('oken') ? gateway.cloud.token('nova') : 'service'}`,
          '',
          '',
        ),
      )
      expect([answer.status, answer.body.toString()]).toEqual(inUse('web-1'))
    },
  )
})

describe('every spelling of a guarded path is guarded', () => {
  const used = attachmentId('in-use')
  test.each([
    `/v3/${PROJECTS.demo}/attachments/${used}`,
    `/v3/attachments/${used}`,
    `/v3/attachments/${used}.json`,
    `/v3/%61ttachments/${used.replaceAll('-', '%2d')}`,
    `/v3/attachments/${used}?x=1`,
    `/v3/attachments/${used}?`,
  ])('DELETE %s', async (path) => {
    const token = headersOf('alice')['x-auth-token']
    const answer = await askRaw(
      gateway.url,
      lines(
        `DELETE ${path} HTTP/1.1`,
        'Host: c',
        `X-Auth-Token: ${token}`,
        'OpenStack-API-Version: volume 3.27',
        '',
        '',
      ),
    )
    expect([answer.status, answer.body.toString(), forwarded()]).toEqual([...inUse('web-1'), 0])
  })

  test.each(['GET', 'OPTIONS', 'PUT'])('%s with _method=DELETE goes nowhere', async (method) => {
    const answer = await ask(
      method,
      `${gateway.url}/v3/attachments/${used}?_method=DELETE`,
      headersOf('alice'),
    )
    expect([answer.status, gateway.cloud.attachment('in-use')?.id]).toEqual([400, used])
  })
})

describe('nobody who must be asked may be away', () => {
  const html: Fault = (_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>404 Not Found</h1>')
    return true
  }
  const json: Fault = (_request, response) => {
    response
      .writeHead(404, { 'content-type': 'application/json' })
      .end('{"itemNotFound": {"code": 404, "message": "x"}}')
    return true
  }
  const hang: Fault = () => true
  const reset: Fault = (request) => {
    request.socket.resetAndDestroy()
    return true
  }
  const busy: Fault = (_request, response) => {
    response.writeHead(503).end()
    return true
  }
  const empty: Fault = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-openstack-request-id': 'r' }).end('{}')
    return true
  }
  const FAULTS = [
    ['hangs', hang],
    ['resets', reset],
    ['is busy', busy],
    ['is a balancer without a backend', html],
    ['answers 404 that is not its own', json],
    ['answers nothing', empty],
  ] as const

  test.each(FAULTS)('Nova %s: 503, nothing forwarded', async (_name, broken) => {
    gateway.cloud.nova.fault = broken
    const answer = await perform('alice', 'delete attachment', 'in-use', 0)
    expect([answer.status, answer.text, answer.headers.get('retry-after'), forwarded()]).toEqual([
      ...UNAVAILABLE,
      '5',
      0,
    ])
  })

  test.each(FAULTS.filter(([, broken]) => broken !== json))(
    'Cinder %s while it is asked: 503, nothing forwarded',
    async (_name, broken) => {
      gateway.cloud.cinder.fault = broken
      const answer = await perform('alice', 'os-detach', 'stale', 0)
      expect([answer.status, answer.text, forwarded()]).toEqual([...UNAVAILABLE, 0])
    },
  )

  test("Cinder knows no such volume: 404 by Cinder's word, nothing forwarded", async () => {
    gateway.cloud.cinder.fault = json
    const answer = await perform('alice', 'os-detach', 'stale', 0)
    expect([answer.status, forwarded()]).toEqual([404, 0])
  })

  test.each([
    ['hangs', hang],
    ['resets', reset],
    ['is busy', busy],
    ['answers nothing', empty],
  ] as const)('Keystone %s: 503, nothing forwarded', async (_name, broken) => {
    const headers = { ...headersOf('alice'), accept: 'application/json' }
    gateway.cloud.keystone.fault = broken
    const answer = await ask('GET', `${gateway.url}/v3/${PROJECTS.demo}/volumes`, headers)
    expect([answer.status, answer.json.code, gateway.cloud.cinder.count()]).toEqual([
      503,
      '503 Service Unavailable',
      0,
    ])
  })

  test('without Nova everything else goes on', async () => {
    gateway.cloud.nova.fault = hang
    expect((await perform('alice', 'delete attachment', 'reserved', 0)).status).toBe(200)
    expect((await ask('GET', `${gateway.url}/v3/${PROJECTS.demo}/volumes`, headersOf('alice'))).status).toBe(
      200,
    )
  })
})

describe('the request id', () => {
  const ID = 'req-0123abcd-0123-4567-89ab-0123456789ab'
  test('of the caller is in every call made for it, and in the answer', async () => {
    await perform('alice', 'delete attachment', 'in-use', 0)
    for (const service of [gateway.cloud.keystone, gateway.cloud.nova, gateway.cloud.cinder])
      service.requests.length = 0
    const answer = await perform('alice', 'delete attachment', 'in-use', 0, { 'x-openstack-request-id': ID })
    expect([
      answer.headers.get('x-openstack-request-id'),
      answer.headers.get('x-compute-request-id'),
    ]).toEqual([ID, ID])
    const { keystone, nova, cinder } = gateway.cloud
    const ids = [keystone, nova, cinder].map(({ requests }) =>
      requests.map((request) => request.header('x-openstack-request-id')),
    )
    expect(ids.map((all) => [...new Set(all)])).toEqual([[ID], [ID], [ID]])
  })

  test('of a refusal is in its record, which is the only one', async () => {
    const answer = await perform('alice', 'delete attachment', 'in-use', 0, { 'x-openstack-request-id': ID })
    expect(answer.status).toBe(409)
    expect(gateway.logged).toMatchObject([
      {
        request_id: ID,
        verdict: 'refused',
        reason: 'attachment_in_use',
        status: 409,
        operation: 'attachment-delete',
        attachment_id: attachmentId('in-use'),
        server_id: SERVERS['web-1'],
        is_service: false,
        msg: 'request refused',
      },
    ])
    expect(JSON.stringify(gateway.logged)).not.toContain('gAAAA')
  })
})

describe('without a token', () => {
  test.each([
    ['GET', '/', 300],
    ['GET', '/healthcheck', 200],
    ['GET', '/v3/', 401],
    ['GET', '/v3', 401],
    ['GET', '/v3/nothing', 401],
    ['DELETE', `/v3/attachments/${attachmentId('in-use')}`, 401],
    ['OPTIONS', '/v3/volumes', 200],
  ])('%s %s: %i', async (method, path, status) => {
    const answer = await ask(method, gateway.url + path)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('www-authenticate')?.startsWith('Keystone uri="http')).toBe(
      status === 401 ? true : undefined,
    )
    expect(gateway.cloud.cinder.count(method)).toBe(status === 401 ? 0 : 1)
  })

  const LARGE = 114_689
  test('a body declared too large is 413 before anybody is asked', async () => {
    const answer = await askRaw(
      gateway.url,
      lines('POST /v3/volumes HTTP/1.1', 'Host: c', 'Accept: text/plain', `Content-Length: ${LARGE}`, '', ''),
    )
    expect([answer.status, answer.body.toString()]).toEqual([
      413,
      '413 Request Entity Too Large\n\nRequest is too large. Larger than max_request_body_size (114688).\n\n   ',
    ])
    expect(gateway.cloud.keystone.count()).toBe(0)
  })

  test.each([
    ['none', 401],
    ['a good one', 413],
  ])('a chunked body too large, token: %s: %i', async (which, status) => {
    const token = which === 'none' ? [] : [`X-Auth-Token: ${headersOf('alice')['x-auth-token']}`]
    const head = lines(
      'POST /v3/volumes HTTP/1.1',
      'Host: c',
      ...token,
      'Transfer-Encoding: chunked',
      '',
      LARGE.toString(16),
      '',
    )
    const answer = await askRaw(gateway.url, head + 'x'.repeat(LARGE))
    expect([answer.status, gateway.cloud.cinder.count('POST')]).toEqual([status, 0])
  })
})

test('metrics count what was refused and what was forwarded', async () => {
  const read = async () => {
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
    const value = (series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.slice(series.length) ?? 0,
      )
    return [
      value(
        'cinderguard_refusals_total{operation="attachment-delete",reason="attachment_in_use",status="409"}',
      ),
      value(
        'cinderguard_requests_total{operation="attachment-delete",verdict="refused",status="409",service="false"}',
      ),
      value(
        'cinderguard_requests_total{operation="attachment-delete",verdict="forwarded",status="200",service="true"}',
      ),
    ]
  }
  const before = await read()
  await perform('alice', 'delete attachment', 'in-use', 0)
  await perform('alice', 'delete attachment', 'in-use', 0, { 'x-service-token': gateway.cloud.token('nova') })
  expect((await read()).map((value, at) => value - (before[at] ?? 0))).toEqual([1, 1, 1])
})

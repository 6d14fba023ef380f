import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attachmentId, PROJECTS, SERVERS, USERS, VOLUMES } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { askRaw, lines } from '../support/raw.ts'

/** Observe mode, trusted users and decision records, as the whole gateway over the stand-in cloud shows them. */
const VOLUME = VOLUMES['in-use']
let dir = ''
let gateway: TestGateway
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cinderguard-'))
})
afterEach(async () => {
  await gateway.stop()
  await rm(dir, { recursive: true })
})

async function start(overrides: Readonly<Record<string, string>>): Promise<void> {
  gateway = await startTestGateway({ 'cinderguard.audit_log': join(dir, 'audit.log'), ...overrides })
}

interface Ask {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly action?: string
}
const actions = (name: string) => ({ [name]: name === 'os-terminate_connection' ? { connector: {} } : {} })
async function act({
  token,
  headers = {},
  action = 'os-detach',
}: Ask = {}): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${gateway.url}/v3/${PROJECTS.demo}/volumes/${VOLUME}/action`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-auth-token': token ?? gateway.cloud.token('alice'),
      ...headers,
    },
    body: JSON.stringify(actions(action)),
  })
  return { status: answer.status, text: await answer.text() }
}

async function metrics(name: string): Promise<string[]> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && (name === 'cinderguard_mode' || !line.endsWith(' 0')))
}

interface Event {
  readonly outcome: string
  readonly reason: Readonly<Record<string, string>>
  readonly attachments: readonly { readonly content: Readonly<Record<string, unknown>> }[]
}
/** The decision records so far; the gateway is stopped, which writes what is held. */
async function records(): Promise<Event[]> {
  await gateway.stop()
  const text = await readFile(join(dir, 'audit.log'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)
}

describe('in observe mode', () => {
  test('what would be refused is done, counted and recorded as it would be answered', async () => {
    await start({ 'cinderguard.mode': 'observe' })
    expect((await act()).status).toBe(202)
    expect(await metrics('cinderguard_would_be_refusals_total')).toEqual([
      'cinderguard_would_be_refusals_total{operation="volume-detach",reason="attachment_in_use",status="409"} 1',
    ])
    expect(await metrics('cinderguard_refusals_total')).toEqual([])
    expect(await metrics('cinderguard_requests_total')).toEqual([
      'cinderguard_requests_total{operation="volume-detach",verdict="observed",status="202",service="false"} 1',
    ])
    expect(await metrics('cinderguard_mode')).toEqual([
      'cinderguard_mode{mode="enforce"} 0',
      'cinderguard_mode{mode="observe"} 1',
    ])
    const [event] = await records()
    expect(event).toMatchObject({ outcome: 'success', reason: { reasonCode: '202' } })
    expect(event?.attachments[0]?.content).toMatchObject({
      verdict: 'observed',
      status: 202,
      would_be_status: 409,
      reason: 'attachment_in_use',
    })
  })

  test('a bad token is for Cinder to refuse', async () => {
    await start({ 'cinderguard.mode': 'observe' })
    expect((await act({ token: 'unknown' })).status).toBe(401)
    expect(await metrics('cinderguard_would_be_refusals_total')).toEqual([
      'cinderguard_would_be_refusals_total{operation="volume-detach",reason="invalid_user_token",status="401"} 1',
    ])
  })

  test('a Keystone that is away refuses nobody', async () => {
    await start({ 'cinderguard.mode': 'observe', 'cinderguard.keystone_timeout': '0.2' })
    const token = gateway.cloud.token('alice')
    gateway.cloud.keystone.fault = () => true
    expect((await act({ token })).status).toBe(202)
    expect(await metrics('cinderguard_would_be_refusals_total')).toEqual([
      'cinderguard_would_be_refusals_total{operation="volume-detach",reason="keystone_unavailable",status="503"} 1',
    ])
  })

  test('a request without one meaning is refused all the same', async () => {
    await start({ 'cinderguard.mode': 'observe' })
    const { status } = await askRaw(
      gateway.url,
      lines('GET /v3/a//b HTTP/1.1', 'Host: x', 'Connection: close', '', ''),
    )
    expect(status).toBe(400)
  })
})

describe('mode_overrides', () => {
  test('leave one operation to observe', async () => {
    await start({ 'cinderguard.mode_overrides': 'volume-detach=observe' })
    expect((await act()).status).toBe(202)
    gateway.cloud.reset()
    expect((await act({ action: 'os-terminate_connection' })).status).toBe(409)
  })

  test.each([
    { 'cinderguard.mode': 'observe', 'cinderguard.mode_overrides': 'attachment_in_use=enforce' },
    { 'cinderguard.mode_overrides': 'service_token_missing=observe' },
  ])('who looks like a service is judged like anybody: %j', async (options) => {
    if (options['cinderguard.mode'] === undefined)
      await expect(startTestGateway(options)).rejects.toThrow('"service_token_missing" cannot have a mode')
    await start('cinderguard.mode' in options ? options : {})
    const headers = {
      'user-agent': 'nova',
      'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
    }
    expect((await act({ headers })).status).toBe(409)
    expect(await metrics('cinderguard_refusals_total')).toEqual([
      'cinderguard_refusals_total{operation="volume-detach",reason="service_token_missing",status="409"} 1',
    ])
  })

  test('with a name that means nothing stop the start', async () => {
    await start({})
    await expect(startTestGateway({ 'cinderguard.mode_overrides': 'detach=observe' })).rejects.toThrow(
      '[cinderguard] mode_overrides: "detach" is no operation',
    )
  })
})

describe('trusted_service_users', () => {
  test('count as a service, and are counted', async () => {
    await start({ 'cinderguard.trusted_service_users': USERS.alice })
    expect((await act()).status).toBe(202)
    expect(await metrics('cinderguard_trusted_service_user_requests_total')).toEqual([
      'cinderguard_trusted_service_user_requests_total{operation="volume-detach"} 1',
    ])
    expect((await records())[0]?.attachments[0]?.content).toMatchObject({
      verdict: 'forwarded',
      caller: 'trusted-user',
    })
  })
})

describe('the two 409s', () => {
  test('have the same answer and different reasons', async () => {
    await start({})
    const user = await act()
    const service = await act({
      headers: {
        'user-agent': 'python-cinderclient',
        'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
      },
    })
    expect(service).toEqual(user)
    expect(user.status).toBe(409)
    expect(await metrics('cinderguard_refusals_total')).toEqual([
      'cinderguard_refusals_total{operation="volume-detach",reason="attachment_in_use",status="409"} 1',
      'cinderguard_refusals_total{operation="volume-detach",reason="service_token_missing",status="409"} 1',
    ])
  })
})

describe('a service token whose user has no service role', () => {
  const OVERRIDES = [
    ['false', 409, 'service_role_missing', 'service-without-role'],
    ['true', 401, 'service_role_required', 'service-with-bad-token'],
  ] as const
  test.each(OVERRIDES)('roles required %s: %d, %s', async (required, status, reason, caller) => {
    await start({ 'keystone_authtoken.service_token_roles_required': required })
    const answer = await act({
      headers: {
        'x-service-token': gateway.cloud.token('bob'),
        'user-agent': 'python-cinderclient',
        'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
      },
    })
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain('bob')
    expect((await records())[0]?.attachments[0]?.content).toMatchObject({
      reason,
      caller,
      service_user: 'bob',
      hint: `A service token was sent, but its user bob has only member, reader. If that is a service's own account, and nobody else's: openstack role add --user ${USERS.bob} --project ${PROJECTS.victim} service`,
    })
  })
})

describe('decision records', () => {
  test('one refusal, whole', async () => {
    await start({})
    await act({
      headers: { 'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000', 'user-agent': 'curl' },
    })
    expect(await records()).toEqual([
      {
        typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
        eventType: 'activity',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$/),
        action: 'update/os-detach',
        outcome: 'failure',
        reason: { reasonType: 'HTTP', reasonCode: '409' },
        initiator: {
          typeURI: 'service/security/account/user',
          id: USERS.alice,
          name: 'alice',
          project_id: PROJECTS.demo,
          host: { address: '127.0.0.1', agent: 'curl' },
          request_id: 'req-00000000-0000-4000-8000-000000000000',
          global_request_id: 'req-00000000-0000-4000-8000-000000000000',
        },
        target: { typeURI: 'service/storage/block/volume', id: VOLUME, attachment_id: null },
        observer: { typeURI: 'service/storage/block/gateway', id: 'cinderguard', name: expect.any(String) },
        attachments: [
          {
            typeURI: 'mime:application/json',
            name: 'cinderguard:decision',
            content: expect.objectContaining({
              verdict: 'refused',
              reason: 'attachment_in_use',
              roles: ['member', 'reader'],
              hint: `Detach it through the Compute API: openstack server remove volume ${SERVERS['web-1']} ${VOLUME}`,
              facts: expect.arrayContaining([
                {
                  question: { fact: 'serverVolume', serverId: SERVERS['web-1'], volumeId: VOLUME },
                  answer: { attachmentId: attachmentId('in-use'), comparable: true },
                },
              ]),
            }),
          },
        ],
      },
    ])
  })

  test('name the client that a trusted proxy forwards for, and believe nobody else', async () => {
    await start({ 'cinderguard.trusted_proxies': '127.0.0.1, 10.0.0.0/8' })
    await act({ headers: { 'x-forwarded-for': '192.0.2.66, 203.0.113.5, 10.0.0.1' } })
    expect((await records())[0]?.attachments[0]?.content).toMatchObject({ client: '203.0.113.5' })
  })

  test('hold no token', async () => {
    await start({})
    const token = gateway.cloud.token('alice')
    const service = gateway.cloud.token('nova')
    await act({ token, headers: { 'x-service-token': service } })
    await act({ token })
    await act({ token: 'a-token-of-nobody' })
    const text = JSON.stringify(await records())
    for (const secret of [token, service, 'a-token-of-nobody', 'cinderguard-secret'])
      expect(text).not.toContain(secret)
  })

  test('a sink that fails stops nothing, and is counted', async () => {
    await start({ 'cinderguard.audit_log': '/dev/full' })
    expect((await act()).status).toBe(409)
    await expect
      .poll(() => metrics('cinderguard_decision_records_total'))
      .toContainEqual(expect.stringMatching(/result="failed"\} [1-9]/))
    expect(gateway.logged).toContainEqual(
      expect.objectContaining({ msg: 'decision records cannot be written', problem: 'ENOSPC' }),
    )
    expect((await act()).status).toBe(409)
  })
})

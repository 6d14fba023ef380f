import { describe, expect, test } from 'vitest'
import type { CloudResponse } from '../../src/clouds/client.ts'
import { createSession, endpointOf, identityUrlOf, type Session } from '../../src/clouds/session.ts'
import type { Credentials } from '../../src/config/credentials.ts'
import { Secret } from '../../src/config/secret.ts'
import { answer, fakeSend } from './fake-send.ts'

const ACCOUNT = {
  authUrl: 'http://keystone/v3',
  kind: 'password',
  user: { name: 'cinderguard', domain: { name: 'Default' } },
  password: new Secret('pa$$word'),
  project: { name: 'service', domain: { name: 'Default' } },
} as unknown as Credentials

const end = (milliseconds: number) => new Date(milliseconds).toISOString()
const login = (number: number, token: object = {}): CloudResponse =>
  answer(201, { token: { expires_at: end(3_600_000), ...token } }, { 'x-subject-token': `token-${number}` })

function setUp(reply: (count: number) => CloudResponse | Error, account = ACCOUNT) {
  const clock = { now: 0 }
  const { send, sent } = fakeSend((_request, count) => reply(count))
  const session = createSession(send, account, () => clock.now)
  const token = async () => (await session.get()).token.reveal()
  return { clock, sent, session, token }
}

describe('the login', () => {
  test('with a password, in the words of the v3 API', async () => {
    const { sent, session } = setUp(() => login(1))
    await session.get()
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({ method: 'POST', url: 'http://keystone/v3/auth/tokens' })
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'cinderguard', domain: { name: 'Default' }, password: 'pa$$word' } },
        },
        scope: { project: { name: 'service', domain: { name: 'Default' } } },
      },
    })
  })

  test('names the request that needs it', async () => {
    const { sent, session } = setUp(() => login(1))
    await session.get('req-1')
    expect(sent[0]?.headers).toMatchObject({ 'x-openstack-request-id': 'req-1' })
  })

  test('with an application credential, which has its scope already', async () => {
    const account = {
      authUrl: 'http://keystone',
      kind: 'application_credential',
      credential: { id: 'ac' },
      secret: new Secret('s'),
    } as unknown as Credentials
    const { sent, session } = setUp(() => login(1), account)
    await session.get()
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({
      auth: {
        identity: { methods: ['application_credential'], application_credential: { id: 'ac', secret: 's' } },
      },
    })
  })

  test('gives project, catalogue and end', async () => {
    const endpoint = { interface: 'internal', region_id: 'r', region: 'old', url: 'http://nova/' }
    const token = {
      project: { id: 'p' },
      catalog: [{ type: 'compute', endpoints: [endpoint, 'odd'] }, 'odd'],
    }
    const { session } = setUp(() => login(1, token))
    const found = await session.get()
    expect(found).toEqual({
      token: expect.any(Secret),
      projectId: 'p',
      catalog: [
        { type: 'compute', endpoints: [{ interface: 'internal', region: 'r', url: 'http://nova/' }] },
      ],
      expiresAt: 3_600_000,
    })
  })

  test('without an end is taken for five minutes', async () => {
    const { session } = setUp(() => login(1, { expires_at: null }))
    expect((await session.get()).expiresAt).toBe(300_000)
  })

  const odd: readonly (readonly [what: string, reply: CloudResponse, message: string])[] = [
    ['refused', answer(401, '{}'), 'keystone: our own login was answered 401'],
    ['failing', answer(500, ''), 'keystone: our own login was answered 500'],
    [
      '200',
      answer(200, { token: {} }, { 'x-subject-token': 't' }),
      'keystone: our own login was answered 200',
    ],
    ['without a token header', answer(201, { token: {} }), 'keystone: an odd answer to our login'],
    ['without a token', answer(201, {}, { 'x-subject-token': 't' }), 'keystone: an odd answer to our login'],
    [
      'not JSON',
      answer(201, '<html>', { 'x-subject-token': 't' }),
      'keystone: status 201 with a body that is not JSON',
    ],
  ]
  test.each(odd)('is a fault when it is %s', async (_what, reply, message) => {
    await expect(setUp(() => reply).session.get()).rejects.toThrow(message)
  })
})

describe('the session', () => {
  test('is kept until 30 seconds before its end', async () => {
    const { clock, token } = setUp(login)
    expect(await token()).toBe('token-1')
    clock.now = 3_600_000 - 30_001
    expect(await token()).toBe('token-1')
    clock.now += 1
    expect(await token()).toBe('token-2')
  })

  test('is made anew once it was refused', async () => {
    const { session, token } = setUp(login)
    session.invalidate(await session.get())
    expect(await token()).toBe('token-2')
  })

  test('is not forgotten for the sake of an older one', async () => {
    const { session, token } = setUp(login)
    const first = await session.get()
    session.invalidate(first)
    await session.get()
    session.invalidate(first)
    expect(await token()).toBe('token-2')
  })

  test('is made once for all who wait', async () => {
    const { sent, token } = setUp(login)
    expect(await Promise.all([token(), token(), token()])).toEqual(['token-1', 'token-1', 'token-1'])
    expect(sent).toHaveLength(1)
  })

  test('is not tried again for a second after a failure, which is told meanwhile', async () => {
    const { clock, sent, token } = setUp((count) => (count === 1 ? answer(401, '{}') : login(count)))
    await expect(token()).rejects.toThrow('our own login was answered 401')
    clock.now = 999
    await expect(token()).rejects.toThrow('our own login was answered 401')
    expect(sent).toHaveLength(1)
    clock.now = 1_000
    expect(await token()).toBe('token-2')
  })

  test('is tried again at once when the clock was set back', async () => {
    const { clock, token } = setUp((count) => (count === 1 ? new Error('away') : login(count)))
    await expect(token()).rejects.toThrow('away')
    clock.now = -5_000
    expect(await token()).toBe('token-2')
  })
})

test.each([
  ['http://k', 'http://k/v3'],
  ['http://k/', 'http://k/v3'],
  ['http://k/v3', 'http://k/v3'],
  ['http://k/identity/v3//', 'http://k/identity/v3'],
  ['http://k/identity', 'http://k/identity/v3'],
])('the identity API of %s is %s', (authUrl, expected) => {
  expect(identityUrlOf(authUrl)).toBe(expected)
})

describe('an endpoint of the catalogue', () => {
  const at = (iface: string, region: string) => ({
    interface: iface,
    region,
    url: `http://${region}/${iface}/`,
  })
  const session: Session = {
    token: new Secret('t'),
    projectId: null,
    expiresAt: 0,
    catalog: [
      { type: 'volume', endpoints: [] },
      { type: 'compute', endpoints: [at('public', 'r1'), at('internal', 'r1'), at('public', 'r2')] },
    ],
  }
  test.each([
    ['public', null, 'http://r1/public'],
    ['internal', null, 'http://r1/internal'],
    ['public', 'r2', 'http://r2/public'],
    ['internal', 'r2', null],
    ['admin', null, null],
  ] as const)('%s in %s is %s', (iface, region, expected) => {
    expect(endpointOf(session, ['compute'], iface, region)).toBe(expected)
  })
  test('of a service that is not there is null', () => {
    expect(endpointOf(session, ['volume', 'volumev3'], 'public', null)).toBeNull()
  })
})

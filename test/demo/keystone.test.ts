import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { APPLICATION_CREDENTIAL, PROJECTS, USERS } from '../../src/demo/fixture.ts'
import { ask, type Loose } from './ask.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud.stop())

const domain = { id: 'default' }
const password = (user: unknown, scope?: unknown) => ({
  auth: { identity: { methods: ['password'], password: { user } }, scope },
})
const alice = { name: 'alice', domain: { name: 'Default' }, password: 'alice-secret' }
const unauthorized =
  '{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}\n'

describe('giving out tokens', () => {
  const credential = (fields: object) => ({
    auth: { identity: { methods: ['application_credential'], application_credential: fields } },
  })
  const { id, name, secret } = APPLICATION_CREDENTIAL
  test.each([
    ['password by name, default project', password(alice), 'demo', ['member', 'reader']],
    ['password by id', password({ id: USERS.alice, password: 'alice-secret' }), 'demo', ['member', 'reader']],
    ['project by name', password(alice, { project: { name: 'demo', domain } }), 'demo', ['member', 'reader']],
    ['project by id', password(alice, { project: { id: PROJECTS.demo } }), 'demo', ['member', 'reader']],
    ['unscoped', password(alice, 'unscoped'), undefined, undefined],
    [
      'system',
      password({ name: 'admin', domain, password: 'admin-secret' }, { system: { all: true } }),
      undefined,
      ['admin', 'member', 'reader'],
    ],
    ['a service', password({ name: 'nova', domain, password: 'nova-secret' }), 'service', ['service']],
    ['application credential by id', credential({ id, secret }), 'demo', ['member', 'reader']],
    [
      'application credential by name',
      credential({ name, secret, user: { name: 'alice', domain } }),
      'demo',
      ['member', 'reader'],
    ],
  ])('%s', async (_name, body, project, roles) => {
    const { status, json, headers } = await ask('POST', `${cloud.urls.keystone}/v3/auth/tokens`, {}, body)
    expect(status).toBe(201)
    expect(json.token.project?.name).toBe(project)
    expect(json.token.roles?.map((role: { name: string }) => role.name)).toEqual(roles)
    expect(cloud.keystone.lookup(headers.get('x-subject-token') ?? '')).toBeDefined()
  })

  test.each([
    ['wrong password', password({ ...alice, password: 'x' }), 401],
    ['unknown user', password({ ...alice, name: 'eve' }), 401],
    ['name without a domain', password({ name: 'alice', password: 'alice-secret' }), 401],
    ['project without a role', password(alice, { project: { name: 'victim', domain } }), 401],
    ['wrong secret', credential({ id, secret: 'x' }), 401],
    ['no methods', { auth: { identity: {} } }, 400],
    ['not JSON', '{', 400],
  ])('refuses: %s', async (_name, body, status) => {
    expect((await ask('POST', `${cloud.urls.keystone}/v3/auth/tokens`, {}, body)).status).toBe(status)
  })

  test('rescoping keeps the expiry; an application credential cannot be rescoped', async () => {
    const expiresAt = Date.now() + 60_000
    const rescope = (token: string) =>
      ask(
        'POST',
        `${cloud.urls.keystone}/v3/auth/tokens`,
        {},
        {
          auth: {
            identity: { methods: ['token'], token: { id: token } },
            scope: { project: { id: PROJECTS.demo } },
          },
        },
      )
    const { json } = await rescope(cloud.token('alice', { expiresAt }))
    expect(Date.parse(json.token.expires_at)).toBe(expiresAt)
    expect(json.token.methods).toEqual(['token', 'password'])
    expect((await rescope(cloud.token('alice', { accessRules: [] }))).status).toBe(403)
  })
})

describe('validating tokens', () => {
  const validate = (
    own: string | undefined,
    subject: string,
    query = '',
    more: Record<string, string> = {},
  ) =>
    ask('GET', `${cloud.urls.keystone}/v3/auth/tokens${query}`, {
      ...(own === undefined ? {} : { 'x-auth-token': own }),
      'x-subject-token': subject,
      ...more,
    })

  test.each([
    ['a service may', 'cinderguard', 200],
    ['an admin may', 'admin', 200],
    ['a member may not', 'bob', 403],
  ] as const)('%s', async (_name, user, status) => {
    expect((await validate(cloud.token(user), cloud.token('alice'))).status).toBe(status)
  })

  test('refusals, word for word', async () => {
    const own = cloud.token('cinderguard')
    expect(await validate('bad', own)).toMatchObject({ status: 401, text: unauthorized })
    expect((await validate(undefined, own)).headers.get('www-authenticate')).toBe(
      `Keystone uri="${cloud.urls.keystone}/"`,
    )
    expect((await validate(own, 'nope')).text).toBe(
      '{"error":{"code":404,"message":"Could not find token: nope.","title":"Not Found"}}\n',
    )
    expect((await validate(cloud.token('bob'), own)).json.error.message).toBe(
      'You are not authorized to perform the requested action: identity:validate_token.',
    )
  })

  test('a token may validate itself', async () => {
    const token = cloud.token('bob')
    expect((await validate(token, token)).json.token.user.name).toBe('bob')
  })

  test('expired, revoked and rule-bound tokens', async () => {
    const own = cloud.token('cinderguard')
    const expired = cloud.token('alice', { expiresAt: Date.now() - 1000 })
    expect((await validate(own, expired)).status).toBe(404)
    expect((await validate(own, expired, '?nocatalog&allow_expired=1')).status).toBe(200)
    const ancient = cloud.token('alice', { expiresAt: Date.now() - 173_000_000 })
    expect((await validate(own, ancient, '?allow_expired=1')).status).toBe(404)
    const revoked = cloud.token('alice')
    expect(cloud.keystone.revoke(revoked)).toBe(true)
    expect((await validate(own, revoked)).status).toBe(404)
    const bound = cloud.token('alice', {
      accessRules: [{ id: '1', service: 'volumev3', method: 'GET', path: '/v3/**' }],
    })
    expect((await validate(own, bound)).status).toBe(404)
    const shown = await validate(own, bound, '', { 'openstack-identity-access-rules': '1' })
    expect(shown.json.token.application_credential.access_rules).toHaveLength(1)
    expect(cloud.keystone.validations).toBe(6)
  })

  test('the catalogue names the three services, or is left out', async () => {
    const own = cloud.token('cinderguard')
    const { json } = await validate(own, cloud.token('alice'))
    const urls = json.token.catalog.map((service: Loose) => [service.type, service.endpoints[0].url])
    expect(urls).toEqual([
      ['identity', `${cloud.urls.keystone}/v3`],
      ['compute', `${cloud.urls.nova}/v2.1`],
      ['volumev3', `${cloud.urls.cinder}/v3/${PROJECTS.demo}`],
    ])
    expect((await validate(own, cloud.token('alice'), '?nocatalog')).json.token.catalog).toBeUndefined()
  })

  test('DELETE revokes', async () => {
    const subject = cloud.token('alice')
    const headers = { 'x-auth-token': subject, 'x-subject-token': subject }
    expect((await ask('DELETE', `${cloud.urls.keystone}/v3/auth/tokens`, headers)).status).toBe(204)
    expect(cloud.keystone.lookup(subject)).toBeUndefined()
  })
})

test.each([
  ['/', 300],
  ['/v3', 200],
  ['/v3/users', 404],
])('document %s', async (path, status) => {
  expect((await ask('GET', `${cloud.urls.keystone}${path}`)).status).toBe(status)
})

import { describe, expect, test } from 'vitest'
import type { CloudResponse } from '../../src/clouds/client.ts'
import { keystoneValidator } from '../../src/clouds/keystone.ts'
import type { Session } from '../../src/clouds/session.ts'
import { Secret } from '../../src/config/secret.ts'
import { answer, fakeSend } from './fake-send.ts'

const USER = { id: 'u', name: 'alice', domain: { id: 'default' } }
const END = '2026-01-01T00:00:00.000000Z'
const found = (token: object = {}) => answer(200, { token: { user: USER, expires_at: END, ...token } })
const UNKNOWN = answer(404, { error: { code: 404, message: 'Could not find token', title: 'Not Found' } })

function setUp(reply: (count: number) => CloudResponse | Error) {
  const { send, sent } = fakeSend((_request, count) => reply(count))
  const refused: string[] = []
  const session = (): Session => ({
    token: new Secret(`own-${refused.length + 1}`),
    projectId: null,
    catalog: [],
    expiresAt: 0,
  })
  const keeper = {
    get: async () => session(),
    invalidate: (old: Session) => refused.push(old.token.reveal()),
  }
  const validator = keystoneValidator(send, 'http://k/v3', keeper)
  const validate = (text = 'subject', allowExpired = false) =>
    validator.validate(new Secret(text), allowExpired, 'req-1')
  return { validate, sent, refused }
}

describe('the question', () => {
  test('is asked with our own token, and names that we know access rules', async () => {
    const { validate, sent } = setUp(() => found())
    await validate()
    await validate('subject', true)
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET http://k/v3/auth/tokens?nocatalog',
      'GET http://k/v3/auth/tokens?nocatalog&allow_expired=1',
    ])
    expect(sent[0]?.headers).toEqual({
      'x-auth-token': 'own-1',
      'x-subject-token': 'subject',
      'openstack-identity-access-rules': '1',
      'x-openstack-request-id': 'req-1',
      accept: 'application/json',
    })
  })

  test.each(['a'.repeat(8193), 'a b', 'a\r\nx-auth-token: b', 'é', '\u0000', ''])(
    'is not asked for what cannot be a token: %j',
    async (text) => {
      const { validate, sent } = setUp(() => found())
      expect(await validate(text)).toBe('invalid')
      expect(sent).toEqual([])
    },
  )

  test('is asked again, once, with a new token of our own when ours is refused', async () => {
    const { validate, sent, refused } = setUp((count) => (count === 1 ? answer(401) : found()))
    expect(await validate()).toMatchObject({ userId: 'u' })
    expect(refused).toEqual(['own-1'])
    expect(sent.map(({ headers }) => headers['x-auth-token'])).toEqual(['own-1', 'own-2'])
  })
})

describe('an answer', () => {
  test('404 of Keystone itself means invalid', async () => {
    expect(await setUp(() => UNKNOWN).validate()).toBe('invalid')
  })

  const odd: readonly (readonly [what: string, reply: CloudResponse, message: string])[] = [
    [
      'a 404 of somebody else',
      answer(404, '{"message": "no route"}'),
      'keystone: a 404 that Keystone did not write',
    ],
    ['a 404 that is not JSON', answer(404, 'not found'), 'keystone: status 404 with a body that is not JSON'],
    ['401 twice', answer(401), 'keystone: a token lookup was answered 401'],
    ['403', answer(403), 'keystone: a token lookup was answered 403'],
    ['500', answer(500), 'keystone: a token lookup was answered 500'],
    ['204', answer(204), 'keystone: a token lookup was answered 204'],
    ['no JSON', answer(200, 'x'), 'keystone: status 200 with a body that is not JSON'],
    ['no token', answer(200, {}), 'keystone: a token without a user'],
    ['no user', found({ user: null }), 'keystone: a token without a user'],
    ['no user id', found({ user: {} }), 'keystone: a token without user id or end'],
    ['no end', found({ expires_at: null }), 'keystone: a token without user id or end'],
    ['an odd end', found({ expires_at: 'soon' }), 'keystone: a token without user id or end'],
  ]
  test.each(odd)('%s is a fault', async (_what, reply, message) => {
    await expect(setUp(() => reply).validate()).rejects.toThrow(message)
  })
})

describe('a token', () => {
  const project = { id: 'p', name: 'demo', domain: { id: 'pd' } }
  const rows: readonly (readonly [what: string, token: object, expected: object])[] = [
    ['its user', {}, { userId: 'u', userName: 'alice', userDomainId: 'default', expiresAt: Date.parse(END) }],
    ['no domain', { user: { id: 'u' } }, { userName: '', userDomainId: null }],
    ['roles', { roles: [{ id: '1', name: 'member' }, { name: 'reader' }] }, { roles: ['member', 'reader'] }],
    ['no roles', {}, { roles: [] }],
    [
      'a role with a comma, which Cinder splits',
      { roles: [{ name: 'x, admin' }] },
      { roles: ['x', 'admin'] },
    ],
    ['a project', { project }, { scope: { kind: 'project', projectId: 'p', projectDomainId: 'pd' } }],
    ['a domain', { domain: { id: 'd' } }, { scope: { kind: 'domain', domainId: 'd' } }],
    ['the system', { system: { all: true } }, { scope: { kind: 'system' } }],
    ['no scope', {}, { scope: { kind: 'unscoped' } }],
    ['no admin project', {}, { isAdminProject: true }],
    ['another admin project', { is_admin_project: false }, { isAdminProject: false }],
    ['no access rules', { application_credential: { id: 'x' } }, { hasAccessRules: false }],
    ['access rules', { application_credential: { access_rules: [] } }, { hasAccessRules: true }],
  ]
  test.each(rows)('%s', async (_what, token, expected) => {
    expect(await setUp(() => found(token)).validate()).toMatchObject(expected)
  })
})

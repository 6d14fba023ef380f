import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { isRejection } from '../../src/http/rejection.ts'
import { type AuthenticateOptions, authenticate } from '../../src/identity/authenticate.ts'
import { projectOf, type Token } from '../../src/identity/identity.ts'
import { refusalOf } from '../operation/refusal.ts'
import { fakeValidator, SERVICE, tokenOf } from './identities.ts'

const NOW = 1_000_000
const over = tokenOf({ expiresAt: NOW - 1 })
const expired = (token: Token) => async (allowExpired: boolean) =>
  allowExpired ? token : ('invalid' as const)

const TOKENS = {
  alice: tokenOf(),
  'alice-over': expired(over),
  // Keystone's clock is behind ours, or the cache has kept it.
  'alice-over-unnoticed': over,
  'alice-at-her-last': tokenOf({ expiresAt: NOW }),
  nova: SERVICE,
  'nova-over': expired({ ...SERVICE, expiresAt: NOW - 1 }),
  'nova-over-unnoticed': { ...SERVICE, expiresAt: NOW - 1 },
  'nova-SERVICE': { ...SERVICE, roles: ['Service'] },
  monitor: { ...SERVICE, roles: ['monitoring', 'reader'] },
  glance: { ...SERVICE, roles: ['reader', 'image_service'] },
  admin: { ...SERVICE, roles: ['admin'] },
}

type Sent = readonly [user: string | undefined, service?: string]

async function decide(
  [user, service]: Sent,
  required: boolean,
  validator = fakeValidator(TOKENS),
): Promise<string> {
  const options: AuthenticateOptions = {
    serviceTokenRoles: ['service', 'image_service'],
    serviceTokenRolesRequired: required,
  }
  const credentials = {
    ...(user === undefined ? {} : { userToken: new Secret(user) }),
    ...(service === undefined ? {} : { serviceToken: new Secret(service) }),
    requestId: 'req-1',
  }
  const found = await authenticate(credentials, validator, options, () => NOW)
  if (isRejection(found)) return refusalOf(found)
  return `${found.user.userId}${found.service === undefined ? '' : ` through ${found.service.userId}`}${found.isService ? ', a service' : ''}`
}

const NO_TOKEN = 'no_user_token: 401 '
const BAD_USER = 'invalid_user_token: 401 '
const BAD_SERVICE = 'invalid_service_token: 401 '
const NO_ROLE = 'service_role_required: 401 '

describe('who asks, by service_token_roles_required = false and true', () => {
  const rows: readonly (readonly [situation: string, sent: Sent, lax: string, strict?: string])[] = [
    ['no token at all', [undefined], NO_TOKEN],
    ['a user', ['alice'], 'alice'],
    ['a user whose token ends this moment', ['alice-at-her-last'], 'alice'],
    ['an unknown user token', ['forged'], BAD_USER],
    ['an expired user token', ['alice-over'], BAD_USER],
    ['an expired user token that the validator lets through', ['alice-over-unnoticed'], BAD_USER],
    ['a service for a user', ['alice', 'nova'], 'alice through nova, a service'],
    ['a service by its second role', ['alice', 'glance'], 'alice through nova, a service'],
    ['a service for an expired user token', ['alice-over', 'nova'], 'alice through nova, a service'],
    [
      'the same, where only our clock notices',
      ['alice-over-unnoticed', 'nova'],
      'alice through nova, a service',
    ],
    ['a service for an unknown user token', ['forged', 'nova'], BAD_USER],
    ['a service for nobody', [undefined, 'nova'], NO_TOKEN],
    ['an unknown service token', ['alice', 'forged'], BAD_SERVICE],
    ['an unknown service token for nobody', [undefined, 'forged'], BAD_SERVICE],
    ['an unknown service token for an unknown user', ['forged', 'forged'], BAD_SERVICE],
    ['an expired service token', ['alice', 'nova-over'], BAD_SERVICE],
    ['an expired service token that only our clock notices', ['alice', 'nova-over-unnoticed'], BAD_SERVICE],
    ['a service token without the role', ['alice', 'monitor'], 'alice through nova', NO_ROLE],
    ['a role in another spelling', ['alice', 'nova-SERVICE'], 'alice through nova', NO_ROLE],
    ['an admin as service', ['alice', 'admin'], 'alice through nova', NO_ROLE],
    ['the same token as user and service', ['nova', 'nova'], 'nova through nova, a service'],
    ["a user's own token as service token", ['alice', 'alice'], 'alice through alice', NO_ROLE],
    ['a service token without the role, an expired user token', ['alice-over', 'monitor'], BAD_USER, NO_ROLE],
    ['a service token without the role, for nobody', [undefined, 'monitor'], NO_TOKEN, NO_ROLE],
  ]
  test.each(rows.map(([situation, sent, lax, strict = lax]) => [situation, sent, lax, strict] as const))(
    '%s',
    async (_situation, sent, lax, strict) => {
      expect([await decide(sent, false), await decide(sent, true)]).toEqual([lax, strict])
    },
  )
})

describe('what is looked up', () => {
  const rows: readonly (readonly [situation: string, sent: Sent, asked: readonly string[]])[] = [
    ['nothing without tokens', [undefined], []],
    ['a user, never past the end', ['alice-over'], ['alice-over']],
    ['both', ['alice', 'nova'], ['alice', 'nova']],
    [
      'a user past the end, for a service only',
      ['alice-over', 'nova'],
      ['alice-over', 'nova', 'alice-over expired'],
    ],
    ['not past the end for others', ['alice-over', 'monitor'], ['alice-over', 'monitor']],
    ['a service, never past the end', ['alice', 'nova-over'], ['alice', 'nova-over']],
  ]
  test.each(rows)('%s', async (_situation, sent, asked) => {
    const validator = fakeValidator(TOKENS)
    await decide(sent, false, validator)
    expect(validator.asked).toEqual(asked)
  })

  test('both tokens side by side: the user token does not wait for the service token', async () => {
    let answer = (_: Token) => {}
    const slow = new Promise<Token>((resolve) => {
      answer = resolve
    })
    const validator = fakeValidator({ alice: tokenOf(), nova: () => slow })
    const deciding = decide(['alice', 'nova'], false, validator)
    expect(validator.asked.toSorted()).toEqual(['alice', 'nova'])
    answer(SERVICE)
    expect(await deciding).toBe('alice through nova, a service')
  })
})

describe('Keystone away', () => {
  const away = async () => {
    throw new Error('away')
  }
  const rows: readonly (readonly [situation: string, sent: Sent])[] = [
    ['for the user token', ['away']],
    ['for the service token', ['alice', 'away']],
    ['for both', ['away', 'away']],
    ['for the user token, the service is fine', ['away', 'nova']],
  ]
  test.each(rows)('is a fault, not a refusal: %s', async (_situation, sent) => {
    await expect(decide(sent, false, fakeValidator({ ...TOKENS, away }))).rejects.toThrow('away')
  })

  test('for a user token beside a bad service token leaves no unhandled rejection', async () => {
    expect(await decide(['away', 'forged'], false, fakeValidator({ away }))).toBe(BAD_SERVICE)
    await new Promise((resolve) => setImmediate(resolve))
  })
})

test('only a project scope has a project', () => {
  expect(projectOf(tokenOf())).toBe('demo')
  expect(projectOf(tokenOf({ scope: { kind: 'domain', domainId: 'demo' } }))).toBeNull()
  expect(projectOf(tokenOf({ scope: { kind: 'system' } }))).toBeNull()
  expect(projectOf(tokenOf({ scope: { kind: 'unscoped' } }))).toBeNull()
})

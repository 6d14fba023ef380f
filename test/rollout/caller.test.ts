import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { messageOf, reject, rowOf } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import { type Identity, withoutRole } from '../../src/identity/identity.ts'
import { type CallerKind, callerKindOf, refine } from '../../src/rollout/caller.ts'
import { hintFor, hintOf } from '../../src/rollout/hint.ts'
import { alice, nova, SERVICE } from '../identity/identities.ts'

const from = (address: string, headers: Readonly<Record<string, string>> = {}): GuardedRequest =>
  ({ clientAddress: address, headers: new Map(Object.entries(headers)) }) as unknown as GuardedRequest
/** Nova's own good token, whose user has no service role. */
const ROLELESS = { ...SERVICE, roles: ['admin', 'member'] }
const roleless: Identity = { ...alice, service: ROLELESS }
const selfVouched: Identity = { ...alice, service: alice.user }
const AS_SERVICE = { 'x-openstack-request-id': 'req-1', 'user-agent': 'python-cinderclient' }
const HOSTS = new Set(['192.0.2.7'])
const REQUEST_ID = { 'x-openstack-request-id': 'req-1' }

describe('who seems to ask', () => {
  const CASES: readonly (readonly [string, GuardedRequest, typeof alice, CallerKind])[] = [
    ['a service with its token', from('192.0.2.1'), nova, 'service'],
    ['a trusted user', from('192.0.2.1'), { ...alice, isService: true, isTrustedUser: true }, 'trusted-user'],
    ["a call from a service's host", from('192.0.2.7'), alice, 'service-without-token'],
    [
      "a service's client, which passes its request id on",
      from('192.0.2.1', { ...REQUEST_ID, 'user-agent': 'python-cinderclient' }),
      alice,
      'service-without-token',
    ],
    [
      'a person with the same client',
      from('192.0.2.1', { 'user-agent': 'python-cinderclient' }),
      alice,
      'user',
    ],
    ['a service token without the role', from('192.0.2.1'), roleless, 'service-without-role'],
    ['the same, through the client', from('192.0.2.1', AS_SERVICE), roleless, 'service-without-role'],
    ['one who sends his own token twice', from('192.0.2.1', { 'user-agent': 'curl' }), selfVouched, 'user'],
    ['the same, who calls himself a service', from('192.0.2.1', AS_SERVICE), selfVouched, 'user'],
    ['a person with curl', from('192.0.2.1', { ...REQUEST_ID, 'user-agent': 'curl/8' }), alice, 'user'],
  ]
  test.each(CASES)('%s', (_name, request, identity, expected) => {
    expect(callerKindOf(request, identity, HOSTS)).toBe(expected)
  })

  test('nobody knows before the token is checked', () => {
    expect(callerKindOf(undefined, undefined, HOSTS)).toBe('unknown')
    expect(callerKindOf(from('192.0.2.7'), null, HOSTS)).toBe('unknown')
  })

  const TOKENS: readonly (readonly [string, GuardedRequest, CallerKind])[] = [
    [
      "of a service's host",
      { ...from('192.0.2.7'), serviceToken: new Secret('x') },
      'service-with-bad-token',
    ],
    [
      "of a service's client",
      { ...from('192.0.2.1', AS_SERVICE), serviceToken: new Secret('x') },
      'service-with-bad-token',
    ],
    ['of anybody: a forged one', { ...from('192.0.2.1'), serviceToken: new Secret('x') }, 'unknown'],
    ["none, of a service's host", from('192.0.2.7'), 'unknown'],
  ]
  test.each(TOKENS)('a service token that is refused, %s', (_name, request, expected) => {
    expect(callerKindOf(request, undefined, HOSTS)).toBe(expected)
  })
})

describe('the 409s apart', () => {
  const refusals = [
    reject('attachment_in_use', { server: 's' }),
    reject('attachment_ambiguous'),
    reject('shared_connector', { server: 's' }),
    reject('reset_status_in_use', { server: 's' }),
    reject('update_in_use', { server: 's' }),
  ]
  const REASONS = [
    ['service-without-token', undefined, 'service_token_missing'],
    ['service-without-role', ROLELESS, 'service_role_missing'],
  ] as const
  describe.each(REASONS)('%s', (caller, service, reason) => {
    test.each(refusals)('$reason has a reason of its own, and reads the same on the wire', (refusal) => {
      const refined = refine(refusal, caller, service, 'service')
      expect(refined.reason).toBe(reason)
      expect(messageOf(refined)).toBe(messageOf(refusal))
      expect({ ...rowOf(refined.reason), help: '', message: '' }).toEqual({
        ...rowOf(refusal.reason),
        help: '',
        message: '',
      })
    })
    test('other refusals keep theirs', () => {
      const refusal = reject('policy', { rule: 'volume:get' })
      expect(refine(refusal, caller, service, 'service')).toBe(refusal)
    })
  })
  test.each(refusals)('$reason of a user stays', (refusal) => {
    expect(refine(refusal, 'user', undefined, 'service')).toBe(refusal)
  })
})

describe('the hint', () => {
  test('names the command to run instead', () => {
    expect(hintFor(reject('attachment_in_use', { server: 'S' }), 'V')).toBe(
      'Detach it through the Compute API: openstack server remove volume S V',
    )
  })
  test('names the option of the service that is to be set', () => {
    expect(hintFor(reject('service_token_missing', { server: 'S' }), 'V')).toContain(
      '[service_user] send_service_user_token = true',
    )
  })
  const NEEDS_ROLE =
    "its user nova has only admin, member. If that is a service's own account, and nobody else's: openstack role add --user nova --project service SERVICE-ROLE"
  test('names the service user, its roles and the command that gives it the role', () => {
    const missing = refine(
      reject('attachment_in_use', { server: 'S' }),
      'service-without-role',
      ROLELESS,
      'SERVICE-ROLE',
    )
    const required = { ...reject('service_role_required'), detail: withoutRole(ROLELESS, 'SERVICE-ROLE') }
    for (const refusal of [missing, required]) expect(hintFor(refusal, 'V')).toContain(NEEDS_ROLE)
  })
  test('has no command of somebody else’s making', () => {
    const name = 'nova: openstack role add --user evil --system all admin #'
    const evil = { ...ROLELESS, userName: name, userId: 'x; reboot' }
    const refusal = { ...reject('service_role_required'), detail: withoutRole(evil, 'service') }
    expect(hintFor(refusal, 'V')).not.toMatch(/evil|reboot/)
    expect(hintOf(refusal, 'V')?.command).toBe('openstack role add --user USER --project service service')
    expect(hintOf(reject('attachment_in_use', { server: 'S' }), 'V; reboot')?.command).toBe(
      'openstack server remove volume S VOLUME',
    )
  })
  test('is left out where there is none', () => {
    expect(hintFor(reject('no_user_token'), null)).toBeNull()
  })
})

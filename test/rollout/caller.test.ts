import { describe, expect, test } from 'vitest'
import { messageOf, reject, rowOf } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import { type CallerKind, callerKindOf, hintFor, refine } from '../../src/rollout/caller.ts'
import { alice, nova } from '../identity/identities.ts'

const from = (address: string, headers: Readonly<Record<string, string>> = {}): GuardedRequest =>
  ({ clientAddress: address, headers: new Map(Object.entries(headers)) }) as unknown as GuardedRequest
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
    ['a person with curl', from('192.0.2.1', { ...REQUEST_ID, 'user-agent': 'curl/8' }), alice, 'user'],
  ]
  test.each(CASES)('%s', (_name, request, identity, expected) => {
    expect(callerKindOf(request, identity, HOSTS)).toBe(expected)
  })

  test('nobody knows before the token is checked', () => {
    expect(callerKindOf(undefined, undefined, HOSTS)).toBe('unknown')
    expect(callerKindOf(from('192.0.2.7'), null, HOSTS)).toBe('unknown')
  })
})

describe('the two 409s', () => {
  const refusals = [reject('attachment_in_use', { server: 's' }), reject('attachment_ambiguous')]
  test.each(refusals)('$reason of a service without a token has a reason of its own', (refusal) => {
    expect(refine(refusal, 'service-without-token').reason).toBe('service_token_missing')
    expect(refine(refusal, 'user')).toBe(refusal)
  })
  test.each(refusals)('$reason reads the same on the wire', (refusal) => {
    const refined = refine(refusal, 'service-without-token')
    expect(messageOf(refined)).toBe(messageOf(refusal))
    expect({ ...rowOf(refined.reason), help: '' }).toEqual({
      ...rowOf(refusal.reason),
      help: '',
      message: rowOf(refined.reason).message,
    })
  })
  test('other refusals keep theirs', () => {
    const refusal = reject('policy', { rule: 'volume:get' })
    expect(refine(refusal, 'service-without-token')).toBe(refusal)
  })
})

describe('the hint', () => {
  test('names the command to run instead', () => {
    expect(hintFor(reject('attachment_in_use', { server: 'S' }), 'V')).toBe(
      'Detach it by the Compute API: openstack server remove volume S V',
    )
  })
  test('names the option of the service that is to be set', () => {
    expect(hintFor(reject('service_token_missing', { server: 'S' }), 'V')).toContain(
      '[service_user] send_service_user_token = true',
    )
  })
  test('is left out where there is none', () => {
    expect(hintFor(reject('no_user_token'), null)).toBeNull()
  })
})

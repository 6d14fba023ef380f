import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../src/checks/caller.ts'
import { createChecks } from '../../src/checks/table.ts'
import type { Identity } from '../../src/identity/identity.ts'
import type { Operation } from '../../src/operation/operation.ts'
import { REQUEST } from '../../src/policy/evaluate.ts'
import { alice, nova, SERVICE, tokenOf } from '../identity/identities.ts'
import { fakeRules } from './fake-rules.ts'
import { run, volumeOf } from './world.ts'

const asked = { address: '10.0.0.1', time: 0, bodyAt: () => undefined }
const operation = (): Operation => ({ kind: 'other', projectInUrl: null, version: '3.70', asked })
const policy = fakeRules(() => false)

describe('the service that a request came through', () => {
  test.each<[string, Identity, unknown]>([
    ['is the user of a token with a service role', nova, { name: 'nova', id: 'nova', domain: 'default' }],
    ['is nobody without a service token', alice, null],
    [
      'is not whoever calls himself nova',
      { ...alice, service: { ...SERVICE, roles: ['member'] }, isService: false },
      null,
    ],
    [
      'is not a service token without the role beside a trusted user',
      { ...alice, service: tokenOf(), isService: true, isTrustedUser: true },
      null,
    ],
  ])('%s', (_what, identity, service) => {
    const credentials = credentialsFor(operation(), identity, policy) as { [REQUEST]?: { service: unknown } }
    expect(credentials[REQUEST]?.service).toEqual(service)
  })
})

test('credentials are made once for a decision, and again for another', () => {
  let made = 0
  const counting = fakeRules((rule) => {
    if (rule === 'context_is_admin') made += 1
    return true
  })
  const volumeId = 'v'
  const force: Operation = { ...operation(), kind: 'volume-force-detach', volumeId, attachmentId: null }
  const world = { volumes: { v: volumeOf('v') } }
  const off = { guard_shared_connector: false, guard_reset_status: false, guard_attachment_update: false }
  const decide = (each: typeof force) => {
    for (const check of createChecks(counting, { ...off, enforce: 'all' })) run(check, each, alice, world)
  }
  decide(force)
  expect(made).toBe(1)
  decide({ ...force })
  expect(made).toBe(2)
})

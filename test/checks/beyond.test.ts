import { describe, expect, test } from 'vitest'
import { type BeyondOptions, beyondCheck } from '../../src/checks/beyond.ts'
import type { Identity } from '../../src/identity/identity.ts'
import type { JudgedOperation } from '../../src/operation/operation.ts'
import { admin, alice, nova, tokenOf } from '../identity/identities.ts'
import { fakeRules } from './fake-rules.ts'
import { attachmentOf, run, volumeOf, type World } from './world.ts'

const OFF: BeyondOptions = {
  guard_shared_connector: false,
  guard_reset_status: false,
  guard_attachment_update: false,
}
/** Admins may reset a status, and members update an attachment. */
const POLICY = fakeRules((rule, credentials) => {
  const roles = credentials.roles as readonly string[]
  if (roles.includes('admin')) return true
  return rule === 'volume:attachment_update' && roles.includes('member')
})
const reader: Identity = { ...alice, user: tokenOf({ roles: ['reader'] }) }
const common = { projectInUrl: 'demo', version: '3.27' } as const
const reset: JudgedOperation = { ...common, kind: 'volume-reset-status', volumeId: 'v' }
const update = (attachmentId: string): JudgedOperation => ({
  ...common,
  kind: 'attachment-update',
  attachmentId,
})
const remove = (attachmentId: string): JudgedOperation => ({
  ...common,
  kind: 'attachment-delete',
  attachmentId,
})
const detach: JudgedOperation = {
  ...common,
  kind: 'volume-detach',
  volumeId: 'v',
  attachmentId: 'second',
  nullBody: false,
}
const create: JudgedOperation = { ...common, kind: 'attachment-create', volumeId: 'v' }

/** Nova uses `a`; `second` is another record of the same volume. */
const world = (second: Parameters<typeof attachmentOf>[1] = {}): World => ({
  volumes: { v: volumeOf('v') },
  lists: { v: [attachmentOf('a'), attachmentOf('second', second)] },
  attachments: { a: { id: 'a', volumeId: 'v' }, second: { id: 'second', volumeId: 'v' } },
  nova: { 'web/v': { attachmentId: 'a', comparable: true } },
})
const unused: World = { ...world(), nova: {} }
const conflict = (reason: string): string =>
  `${reason}: 409 ConflictNovaUsingAttachment: Detach volume from instance web using the Compute API`

describe('each hole that a fixed Cinder has too is closed by its switch, and by it alone', () => {
  const cases: readonly [string, keyof BeyondOptions, JudgedOperation, World, string][] = [
    [
      'a second connected record, deleted',
      'guard_shared_connector',
      remove('second'),
      world(),
      conflict('shared_connector'),
    ],
    [
      'a second connected record, detached',
      'guard_shared_connector',
      detach,
      world(),
      conflict('shared_connector'),
    ],
    [
      'a second record never connected',
      'guard_shared_connector',
      remove('second'),
      world({ connected: false }),
      'allow',
    ],
    ['a second record while Nova uses none', 'guard_shared_connector', remove('second'), unused, 'allow'],
    ['os-reset_status to detached', 'guard_reset_status', reset, world(), conflict('reset_status_in_use')],
    ['os-reset_status while Nova uses none', 'guard_reset_status', reset, unused, 'allow'],
    [
      'the used attachment, re-pointed',
      'guard_attachment_update',
      update('a'),
      world(),
      conflict('update_in_use'),
    ],
    ['another attachment, re-pointed', 'guard_attachment_update', update('second'), world(), 'allow'],
    ['an attachment that does not exist', 'guard_attachment_update', update('gone'), world(), 'allow'],
    ['another attachment, created', 'guard_attachment_update', create, world(), 'allow'],
  ]
  test.each(cases)('%s (%s)', (_name, option, operation, given, expected) => {
    const check = beyondCheck({ ...OFF, [option]: true }, POLICY)
    if (option !== 'guard_reset_status') expect(run(check, operation, alice, given).verdict).toBe(expected)
    expect(run(check, operation, admin, given).verdict).toBe(expected)
    expect(run(check, operation, nova, given)).toEqual({ verdict: 'allow', asked: [] })
    expect(run(beyondCheck(OFF, POLICY), operation, alice, given)).toEqual({ verdict: 'allow', asked: [] })
  })

  test('what cannot be listed is no pass', () => {
    const given: World = { ...world(), lists: { v: 'unknown' } }
    const check = beyondCheck({ ...OFF, guard_reset_status: true }, POLICY)
    expect(run(check, reset, admin, given).verdict).toMatch(/^attachment_ambiguous: 409/)
  })

  test.each([
    [reset, 'volume_extension:volume_admin_actions:reset_status', alice],
    [update('a'), 'volume:attachment_update', reader],
  ] as const)('whom policy refuses is told so, and not who uses the volume: %j', (operation, rule, who) => {
    const all = { guard_shared_connector: true, guard_reset_status: true, guard_attachment_update: true }
    expect(run(beyondCheck(all, POLICY), operation, who, world()).verdict).toBe(
      `policy: 403 Policy doesn't allow ${rule} to be performed.`,
    )
  })
})

import { describe, expect, test } from 'vitest'
import { connectionCheck, detachCheck } from '../../src/checks/attachment.ts'
import type { Facts } from '../../src/checks/check.ts'
import type { GuardedOperation } from '../../src/operation/operation.ts'
import { admin, alice, nova } from '../identity/identities.ts'
import { attachmentOf, run, volumeOf, type World } from './world.ts'

const common = { projectInUrl: 'demo', version: '3.27' } as const
const detach = (attachmentId: string | null = null, volumeId = 'v'): GuardedOperation => ({
  ...common,
  kind: 'volume-detach',
  volumeId,
  attachmentId,
  nullBody: false,
})
const force = (attachmentId: string | null = null): GuardedOperation => ({
  ...common,
  kind: 'volume-force-detach',
  volumeId: 'v',
  attachmentId,
})
const terminate: GuardedOperation = { ...common, kind: 'volume-terminate-connection', volumeId: 'v' }
const remove = (attachmentId: string): GuardedOperation => ({
  ...common,
  kind: 'attachment-delete',
  attachmentId,
})
const migrate = (error = false): GuardedOperation => ({
  ...common,
  kind: 'volume-migrate-completion',
  volumeId: 'v',
  newVolumeId: 'new',
  error,
})

const IN_USE =
  'attachment_in_use: 409 ConflictNovaUsingAttachment: Detach volume from instance web using the Compute API'
const AMBIGUOUS =
  'attachment_ambiguous: 409 ConflictNovaUsingAttachment: Detach volume from instance  using the Compute API'
const MISMATCH = 'attachment_mismatch: 400 Invalid input received: Mismatched volume and attachment'
const NO_VOLUME = 'volume_not_found: 404 Volume v could not be found.'
const UNDECIDED = 'undecided: 503 The server is currently unavailable. Please try again at a later time.'
const MAINTENANCE =
  'volume_in_maintenance: 400 Invalid volume: The volume cannot be detached in maintenance mode.'

type Nova = Facts['serverVolume']['answer']
const uses = (attachmentId: string | null): Nova => ({ attachmentId, comparable: true })
const ON_SERVER: Nova = { attachmentId: null, comparable: false }

/** A world with the volume `v`, its attachments, and what Nova says of it on the server `web`. */
function world(
  attachments: Facts['attachments']['answer'],
  novaSays: Nova = 'absent',
  more: World = {},
): World {
  const single = Array.isArray(attachments)
    ? attachments.map((row) => [row.id, { id: row.id, volumeId: row.volumeId }])
    : []
  return {
    volumes: { v: volumeOf('v') },
    lists: { v: attachments },
    attachments: Object.fromEntries(single),
    nova: { 'web/v': novaSays },
    ...more,
  }
}

/** The volume's own view shows `count` attachments. */
function showing(count: number, attachments: Facts['attachments']['answer']): World {
  const view = { attachments: Array.from({ length: count }, () => ({})) }
  return world(attachments, 'absent', { volumes: { v: volumeOf('v', { view }), new: volumeOf('new') } })
}

const one = attachmentOf('a')
const two = [one, attachmentOf('b', { serverId: 'db' })]
const host = attachmentOf('a', { serverId: null })
const reserved = attachmentOf('b', { status: 'reserved', connected: false })

/** Every step of Cinder's `attachment_deletion_allowed`, by operations that reach it. */
describe('whether an attachment may go', () => {
  const rows: readonly (readonly [
    step: string,
    operation: GuardedOperation,
    world: World,
    verdict: string,
  ])[] = [
    ['2: no attachment at all', detach(), world([]), 'allow'],
    ['2: one, not named, is it', detach(), world([one], uses('a')), IN_USE],
    ['2: an empty name is none', force(''), world([one], uses('a')), IN_USE],
    ['2: two, none named', detach(), world(two), AMBIGUOUS],
    ['2: one attached and one reserved are two', detach(), world([one, reserved]), AMBIGUOUS],
    [
      '2: one that is only being attached counts',
      detach(),
      world([attachmentOf('a', { status: 'attaching' })], uses('a')),
      IN_USE,
    ],
    ['2: this Cinder cannot list them', detach(), world('unknown'), AMBIGUOUS],
    ['2: this Cinder cannot list them, one named', detach('a'), world('unknown'), AMBIGUOUS],
    ['3: named, of two', detach('a'), world(two, uses('a')), IN_USE],
    [
      '3: named, the free one of two',
      detach('b'),
      world([one, { ...reserved, serverId: null }], uses('a')),
      'allow',
    ],
    ['4: named, unknown', detach('x'), world([one]), AMBIGUOUS],
    ['4: named, unknown, the volume has none', detach('x'), world([]), AMBIGUOUS],
    [
      '5: named, of another volume',
      detach('x'),
      world([one], 'absent', { attachments: { x: { id: 'x', volumeId: 'w' } } }),
      MISMATCH,
    ],
    [
      '3: named in another spelling that the database takes',
      detach('A'),
      world([one], uses('a'), { attachments: { A: { id: 'a', volumeId: 'v' } } }),
      IN_USE,
    ],
    [
      '3: named, known, but gone from the list meanwhile',
      detach('x'),
      world([one], 'absent', { attachments: { x: { id: 'x', volumeId: 'v' } } }),
      UNDECIDED,
    ],
    ['5: a listed row of another volume', detach(), world([attachmentOf('a', { volumeId: 'w' })]), MISMATCH],
    [
      '5: named, of a volume that the caller is not shown',
      detach('x'),
      world([one], 'absent', { attachments: { x: 'hidden' } }),
      MISMATCH,
    ],
    ['an empty list of a volume that shows an attachment', detach(), showing(1, []), UNDECIDED],
    ['a list of fewer than the volume shows', detach('a'), showing(2, [one]), UNDECIDED],
    ['a list of more than the volume shows', detach('b'), showing(1, [one, reserved]), 'allow'],
    ['6: no server', detach(), world([host]), 'allow'],
    ['6: no connection', detach('b'), world([reserved], uses('b')), 'allow'],
    ['7: Nova knows nothing of it', detach(), world([one], 'absent'), 'allow'],
    [
      '7: Nova forbids',
      detach(),
      world([one], 'forbidden'),
      'nova_forbidden: 403 Access was denied to this resource.',
    ],
    ['8: Nova uses another attachment', detach(), world([one], uses('z')), 'allow'],
    ['8: Nova names none (attached by os-attach)', detach(), world([one], uses(null)), 'allow'],
    ['9: Nova uses it', detach('a'), world([one], uses('a')), IN_USE],
    ['9: an older Nova has the volume on the server', detach(), world([one], ON_SERVER), IN_USE],
    ['the volume is not there', detach(), world([one], uses('a'), { volumes: {} }), NO_VOLUME],
    [
      'the volume may not be looked at',
      detach(),
      world([], 'absent', { volumes: { v: 'not-authorized' } }),
      'not_authorized: 403 Not authorized.',
    ],
    ['delete: Nova uses it', remove('a'), world([one], uses('a')), IN_USE],
    ['delete: one of two, which Nova uses', remove('a'), world(two, uses('a')), IN_USE],
    ['delete: Nova uses another', remove('a'), world([one], uses('z')), 'allow'],
    ['delete: no server', remove('a'), world([host]), 'allow'],
    ['delete: reserved', remove('b'), world([one, reserved], uses('b')), 'allow'],
    [
      'delete: unknown',
      remove('x'),
      world([one]),
      'attachment_not_found: 404 Volume attachment could not be found with filter: attachment_id = x.',
    ],
    [
      'delete: of a volume that the caller is not shown',
      remove('x'),
      world([one], 'absent', { attachments: { x: 'hidden' } }),
      UNDECIDED,
    ],
    [
      'delete: in another spelling',
      remove('A'),
      world([one], uses('a'), { attachments: { A: { id: 'a', volumeId: 'v' } } }),
      IN_USE,
    ],
    [
      'delete: this Cinder cannot list them',
      remove('a'),
      world('unknown', 'absent', { attachments: { a: { id: 'a', volumeId: 'v' } } }),
      AMBIGUOUS,
    ],
    [
      'delete: gone from the list meanwhile',
      remove('x'),
      world([one], 'absent', { attachments: { x: { id: 'x', volumeId: 'v' } } }),
      UNDECIDED,
    ],
  ]
  test.each(rows)('%s', (_step, operation, around, verdict) => {
    expect(run(detachCheck, operation, alice, around).verdict).toBe(verdict)
  })

  test('Nova refuses the token: 401 in the words of Cinder', () => {
    const { verdict } = run(detachCheck, detach(), alice, world([one], 'unauthorized'))
    expect(verdict).toMatch(/^nova_unauthorized: 401 This server could not verify that you are authorized/)
  })

  test('os-detach with null fails as in Cinder, once the volume is there', () => {
    const broken = { ...detach(), nullBody: true } as GuardedOperation
    expect(run(detachCheck, broken, alice, world([one])).verdict).toMatch(
      /^null_body: 500 The server has either erred/,
    )
    expect(run(detachCheck, broken, alice, world([one], 'absent', { volumes: {} })).verdict).toBe(NO_VOLUME)
  })
})

describe('what is looked up', () => {
  const rows: readonly (readonly [
    what: string,
    operation: GuardedOperation,
    world: World,
    asked: readonly string[],
  ])[] = [
    [
      'volume and list side by side, then Nova',
      detach(),
      world([one]),
      ['volume v, attachments v', 'serverVolume web v'],
    ],
    ['nothing of Nova for a host', detach(), world([host]), ['volume v, attachments v']],
    [
      'an attachment that the list does not name',
      detach('x'),
      world([one]),
      ['volume v, attachments v', 'attachment x'],
    ],
    [
      'the list again by the spelling of Cinder',
      detach(null, 'V'),
      { ...world([one]), volumes: { V: volumeOf('v') } },
      ['volume V, attachments V', 'attachments v', 'serverVolume web v'],
    ],
    [
      'a delete: attachment, list, Nova',
      remove('a'),
      world([one]),
      ['attachment a', 'attachments v', 'serverVolume web v'],
    ],
    [
      'a delete in another spelling: by the spelling of Cinder from then on',
      remove('A'),
      world([one], 'absent', { attachments: { A: { id: 'a', volumeId: 'v' } } }),
      ['attachment A', 'attachments v', 'serverVolume web v'],
    ],
    [
      'a server as its attachment spells it',
      detach(),
      world([attachmentOf('a', { serverId: '{WEB}' })]),
      ['volume v, attachments v', 'serverVolume {WEB} v'],
    ],
  ]
  test.each(rows)('%s', (_what, operation, around, asked) => {
    expect(run(detachCheck, operation, alice, around).asked).toEqual(asked)
  })

  test("an empty list under the client's spelling of the volume does not open the guard", () => {
    const around: World = {
      ...world([one], uses('a')),
      volumes: { V: volumeOf('v'), new: volumeOf('new') },
      lists: { V: [], v: [one] },
    }
    expect(run(detachCheck, detach(null, 'V'), alice, around).verdict).toBe(IN_USE)
    const migration = { ...migrate(), volumeId: 'V' } as GuardedOperation
    expect(run(detachCheck, migration, alice, around).verdict).toBe(IN_USE)
  })
})

describe('who is exempt', () => {
  const operations: readonly (readonly [string, GuardedOperation])[] = [
    ['os-detach', detach()],
    ['os-force_detach', force()],
    ['os-terminate_connection', terminate],
    ['os-migrate_volume_completion', migrate()],
    ['DELETE attachment', remove('a')],
  ]
  test.each(operations)('a service is, and costs no look-up: %s', (_name, operation) => {
    for (const check of [connectionCheck, detachCheck]) {
      expect(run(check, operation, nova, world([one], uses('a')))).toEqual({ verdict: 'allow', asked: [] })
    }
  })

  test.each(operations)('an admin is not, nor a service without the role: %s', (_name, operation) => {
    const around = world([one], uses('a'), { volumes: { v: volumeOf('v'), new: volumeOf('new') } })
    const verdictsOf = (identity: typeof alice) =>
      [connectionCheck, detachCheck].map((check) => run(check, operation, identity, around).verdict)
    expect(verdictsOf(admin)).toContain(IN_USE)
    expect(verdictsOf({ ...nova, isService: false })).toContain(IN_USE)
  })
})

describe('os-force_detach is two in one', () => {
  const rows: readonly (readonly [
    what: string,
    operation: GuardedOperation,
    world: World,
    first: string,
    second: string,
  ])[] = [
    ['Nova uses the only one', force(), world([one], uses('a')), IN_USE, IN_USE],
    ['Nova uses none', force('a'), world([one]), 'allow', 'allow'],
    ['two, the right one named: the first names none', force('b'), world(two), AMBIGUOUS, 'allow'],
    ['a name that is none', force('bogus'), world([host]), 'allow', AMBIGUOUS],
    [
      'a name of another volume',
      force('x'),
      world([host], 'absent', { attachments: { x: { id: 'x', volumeId: 'w' } } }),
      'allow',
      MISMATCH,
    ],
    ['no attachments', force(), world([]), 'allow', 'allow'],
    ['os-terminate_connection is the first alone', terminate, world([one], uses('a')), IN_USE, 'allow'],
    ['os-terminate_connection with two', terminate, world(two), AMBIGUOUS, 'allow'],
    ['os-detach is the second alone', detach(), world([one], uses('a')), 'allow', IN_USE],
    ['DELETE attachment is the second alone', remove('a'), world([one], uses('a')), 'allow', IN_USE],
  ]
  test.each(rows)('%s', (_what, operation, around, first, second) => {
    expect(run(connectionCheck, operation, alice, around).verdict).toBe(first)
    expect(run(detachCheck, operation, alice, around).verdict).toBe(second)
  })
})

describe('os-migrate_volume_completion', () => {
  const around = (rows: Facts['attachments']['answer'], novaSays: Nova, v = {}, target = {}): World =>
    world(rows, novaSays, { volumes: { v: volumeOf('v', v), new: volumeOf('new', target) } })
  const rows: readonly (readonly [
    what: string,
    operation: GuardedOperation,
    world: World,
    verdict: string,
  ])[] = [
    ['not migrating: Nova uses the volume', migrate(), around([one], uses('a')), IN_USE],
    [
      'not migrating: the second of two is in use',
      migrate(),
      around([host, attachmentOf('b')], uses('b')),
      IN_USE,
    ],
    ['not migrating: nobody uses it', migrate(), around(two, 'absent'), 'allow'],
    ['not migrating: no attachments', migrate(), around([], 'absent'), 'allow'],
    ['not migrating: this Cinder cannot list them', migrate(), around('unknown', 'absent'), AMBIGUOUS],
    ['not migrating: a list of fewer than the volume shows', migrate(), showing(1, []), UNDECIDED],
    ['with error, nothing is detached', migrate(true), around([one], uses('a')), 'allow'],
    [
      'the source migrates: cinder-volume does it',
      migrate(),
      around([one], uses('a'), { migrationStatus: 'migrating' }),
      'allow',
    ],
    [
      'the target migrates',
      migrate(),
      around([one], uses('a'), {}, { migrationStatus: 'target:v' }),
      'allow',
    ],
    [
      'in maintenance, after the check',
      migrate(),
      around([host], 'absent', { status: 'maintenance' }),
      MAINTENANCE,
    ],
    ['in maintenance and in use', migrate(), around([one], uses('a'), { status: 'maintenance' }), IN_USE],
    [
      'in maintenance, before the second is looked at',
      migrate(),
      around([host, attachmentOf('b')], uses('b'), { status: 'maintenance' }),
      MAINTENANCE,
    ],
    [
      'in maintenance without attachments',
      migrate(),
      around([], 'absent', { status: 'maintenance' }),
      'allow',
    ],
    [
      'the source is not there',
      migrate(),
      world([], 'absent', { volumes: { new: volumeOf('new') } }),
      NO_VOLUME,
    ],
    [
      'the target is not there',
      migrate(),
      world([one], uses('a')),
      'volume_not_found: 404 Volume new could not be found.',
    ],
    [
      'the target may not be looked at',
      migrate(),
      world([one], uses('a'), { volumes: { v: volumeOf('v'), new: 'not-authorized' } }),
      'not_authorized: 403 Not authorized.',
    ],
  ]
  test.each(rows)('%s', (_what, operation, at, verdict) => {
    expect(run(detachCheck, operation, alice, at).verdict).toBe(verdict)
  })
})

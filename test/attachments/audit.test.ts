import { describe, expect, test } from 'vitest'
import { auditAttachments } from '../../src/attachments/audit.ts'
import { compareAttachment, onlyNova } from '../../src/attachments/compare.ts'
import type { Attachment, Facts } from '../../src/checks/check.ts'
import { auditText } from '../../src/commands/attachments.ts'

type Nova = Facts['serverVolume']['answer']
const A: Attachment = { id: 'A', volumeId: 'V', serverId: 'S', status: 'attached', connected: true }
const uses = (attachmentId: string | null): Nova => ({ attachmentId, comparable: true })
const DELETE_A = 'openstack --os-volume-api-version 3.44 volume attachment delete A'

const REMOVE_FIRST = [
  'openstack server remove volume S V',
  `# then, if the record is still there: ${DELETE_A}`,
]

describe('one record against Nova', () => {
  const CASES: readonly (readonly [
    string,
    Partial<Attachment>,
    Nova,
    Attachment[],
    string | null,
    string[],
  ])[] = [
    ['Nova uses it', {}, uses('A'), [], null, []],
    ['no server', { serverId: null }, 'absent', [], null, []],
    ['not connected', { connected: false }, 'absent', [], null, []],
    [
      'an old Nova says only that it is attached',
      {},
      { attachmentId: null, comparable: false },
      [],
      null,
      [],
    ],
    ['Nova knows no such volume there', {}, 'absent', [], 'unknown-to-nova', [DELETE_A]],
    [
      'Nova uses another attachment, which Cinder has for another server',
      {},
      uses('B'),
      [{ ...A, id: 'B', serverId: 'T' }],
      'other-attachment',
      [DELETE_A],
    ],
    [
      'Nova uses another attachment to the same server: deleting could cut it',
      {},
      uses('B'),
      [{ ...A, id: 'B' }],
      'other-attachment',
      REMOVE_FIRST,
    ],
    [
      'Nova uses another attachment to the same server, which is not connected',
      {},
      uses('B'),
      [{ ...A, id: 'B', connected: false }],
      'other-attachment',
      REMOVE_FIRST,
    ],
    [
      'Nova uses an id that Cinder does not have: this record is the live connection',
      {},
      uses('B'),
      [],
      'other-attachment',
      REMOVE_FIRST,
    ],
    [
      'the same, and a record of another server beside',
      {},
      uses('B'),
      [{ ...A, id: 'C', serverId: 'T' }],
      'other-attachment',
      REMOVE_FIRST,
    ],
    ['Nova uses it without an id', {}, uses(null), [], 'other-attachment', REMOVE_FIRST],
    ['Nova does not tell', {}, 'forbidden', [], 'not-told', []],
  ]
  test.each(CASES)('%s', (_name, change, nova, others, kind, commands) => {
    const found = compareAttachment({ ...A, ...change }, nova, others, true)
    expect([found?.kind ?? null, found?.commands ?? []]).toEqual([kind, commands])
  })
})

test('a server that this account may just not see: no command', () => {
  const found = compareAttachment(A, 'absent', [], false)
  expect([found?.kind, found?.commands]).toEqual(['not-told', []])
})

test('all records, each connected one asked once', async () => {
  const rows = Array.from({ length: 25 }, (_, at): Attachment => ({ ...A, id: `A${at}`, volumeId: `V${at}` }))
  const asked: string[] = []
  const result = await auditAttachments({
    seesAll: true,
    attachmentsOf: async () => [],
    async *servers() {},
    async *attachments() {
      yield* rows
      yield { ...A, id: 'free', serverId: null }
    },
    async serverVolume({ volumeId }) {
      asked.push(volumeId)
      return volumeId === 'V7' ? 'absent' : uses(volumeId.replace('V', 'A'))
    },
  })
  expect([result.records, result.asked, asked.length, new Set(asked).size]).toEqual([26, 25, 25, 25])
  expect(auditText(result)).toBe(
    [
      '26 attachment records, 25 of them connected to a server; 0 servers. Cinder and Nova disagree on 1.',
      '',
      'Attachment A7 (attached), volume V7',
      '  Nova knows no volume V7 on server S: the record is stale, unless something other than Nova (such as Ironic) attached it.',
      '      openstack --os-volume-api-version 3.44 volume attachment delete A7',
      '',
    ].join('\n'),
  )
})

describe("what Nova has and Cinder has no record of: the attack's footprint", () => {
  const reserved: Attachment = { ...A, connected: false, status: 'reserved' }
  interface Situation {
    readonly first: Attachment[]
    readonly nova?: Nova
    readonly again?: Attachment[] | 'unknown'
  }
  const CASES: readonly (readonly [string, Situation, string[]])[] = [
    ['no record', { first: [] }, ['only-nova']],
    ["another server's record", { first: [{ ...reserved, serverId: 'T' }] }, ['only-nova']],
    ['a record', { first: [reserved] }, []],
    ['detached between', { first: [], nova: 'absent' }, []],
    ['attached between', { first: [], again: [reserved] }, []],
    ['Nova does not tell', { first: [], nova: 'forbidden' }, []],
    ['Cinder cannot tell', { first: [], again: 'unknown' }, []],
  ]
  test.each(CASES)('%s', async (_name, { first, nova = uses('A'), again = [] }, kinds) => {
    const { disagreements, servers } = await auditAttachments({
      seesAll: true,
      async *attachments() {
        yield* first
      },
      attachmentsOf: async () => again,
      async *servers() {
        yield { id: 'S', volumes: ['V'] }
        yield { id: 'U', volumes: [] }
      },
      serverVolume: async () => nova,
    })
    expect([servers, disagreements.map(({ kind }) => kind)]).toEqual([2, kinds])
  })

  test('stops the server before anything is detached', () => {
    expect(onlyNova('S', 'V').commands.slice(0, 2)).toEqual([
      'openstack server stop S',
      'openstack server remove volume S V',
    ])
  })
})

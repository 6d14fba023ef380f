import { describe, expect, test } from 'vitest'
import { auditAttachments } from '../../src/attachments/audit.ts'
import { compareAttachment } from '../../src/attachments/compare.ts'
import type { Attachment, Facts } from '../../src/checks/check.ts'
import { auditText } from '../../src/commands/attachments.ts'

type Nova = Facts['serverVolume']['answer']
const A: Attachment = { id: 'A', volumeId: 'V', serverId: 'S', status: 'attached', connected: true }
const uses = (attachmentId: string | null): Nova => ({ attachmentId, comparable: true })
const DELETE_A = 'openstack --os-volume-api-version 3.44 volume attachment delete A'

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
    ['Nova uses another attachment', {}, uses('B'), [], 'other-attachment', [DELETE_A]],
    [
      'Nova uses another attachment to the same server: deleting could cut it',
      {},
      uses('B'),
      [{ ...A, id: 'B' }],
      'other-attachment',
      ['openstack server remove volume S V', `# then: ${DELETE_A}`],
    ],
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
      '26 attachment records, 25 of them connected to a server; Nova disagrees on 1.',
      '',
      'Attachment A7 (attached), volume V7',
      '  Nova knows no volume V7 on server S: the record is left over.',
      '      openstack --os-volume-api-version 3.44 volume attachment delete A7',
      '',
    ].join('\n'),
  )
})

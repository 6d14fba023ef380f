import {
  type Answer,
  type Attachment,
  type Check,
  type Facts,
  type Known,
  keyOf,
  type Question,
  type Volume,
} from '../../src/checks/check.ts'
import type { Identity } from '../../src/identity/identity.ts'
import type { JudgedOperation } from '../../src/operation/operation.ts'
import { refusalOf } from '../operation/refusal.ts'

/** What the clouds would answer. Ids are short words: nothing in a check looks into them. */
export interface World {
  readonly volumes?: Readonly<Record<string, Facts['volume']['answer']>>
  readonly lists?: Readonly<Record<string, Facts['attachments']['answer']>>
  readonly attachments?: Readonly<Record<string, Facts['attachment']['answer']>>
  readonly objects?: Readonly<Record<string, Facts['object']['answer']>>
  /** By `<server>/<volume>`; `absent` unless given. */
  readonly nova?: Readonly<Record<string, Facts['serverVolume']['answer']>>
}

export function volumeOf(id: string, more: Partial<Volume> = {}): Volume {
  return {
    id,
    projectId: 'demo',
    userId: 'alice',
    status: 'in-use',
    migrationStatus: null,
    view: {},
    ...more,
  }
}

/** Attached to the server `web`, with a connection. */
export function attachmentOf(id: string, more: Partial<Attachment> = {}): Attachment {
  return { id, volumeId: 'v', serverId: 'web', status: 'attached', connected: true, ...more }
}

function answerOf(question: Question, world: World): unknown {
  switch (question.fact) {
    case 'volume':
      return world.volumes?.[question.volumeId] ?? 'absent'
    case 'attachments':
      return world.lists?.[question.volumeId] ?? []
    case 'attachment':
      return world.attachments?.[question.attachmentId] ?? 'absent'
    case 'object':
      return world.objects?.[question.id] ?? 'absent'
    case 'serverVolume':
      return world.nova?.[`${question.serverId}/${question.volumeId}`] ?? 'absent'
  }
}

/** Runs a check as the gateway does, asking the world, to `allow` or the refusal in words; and what was asked. */
export function run(check: Check, operation: JudgedOperation, identity: Identity, world: World) {
  const answers = new Map<string, unknown>()
  const known: Known = { get: (question) => answers.get(keyOf(question)) as never }
  const asked: string[] = []
  for (;;) {
    const answer: Answer = check.decide(operation, identity, known)
    if (answer.verdict !== 'ask') {
      return { verdict: answer.verdict === 'allow' ? 'allow' : refusalOf(answer), asked }
    }
    const missing = answer.questions.filter((question) => !answers.has(keyOf(question)))
    if (missing.length === 0) throw new Error(`asked again for ${JSON.stringify(answer.questions)}`)
    for (const question of missing) answers.set(keyOf(question), answerOf(question, world))
    asked.push(missing.map(({ fact, ...ids }) => [fact, ...Object.values(ids)].join(' ')).join(', '))
  }
}

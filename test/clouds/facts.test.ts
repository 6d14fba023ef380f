import { expect, test } from 'vitest'
import type { Question } from '../../src/checks/check.ts'
import type { Caller } from '../../src/clouds/cinder.ts'
import { type FactSources, gather, KnownFacts } from '../../src/clouds/facts.ts'

const caller: Caller = { headers: {}, projectId: 'demo', isAdmin: false }
const VOLUME: Question = { fact: 'volume', volumeId: 'v' }
const LIST: Question = { fact: 'attachments', volumeId: 'v' }
const ONE: Question = { fact: 'attachment', attachmentId: 'a' }
const SERVER: Question = { fact: 'serverVolume', serverId: 's', volumeId: 'v' }

/** Each source waits until `all` questions have been asked, and then answers. */
function sources(
  all: number,
  more: Partial<FactSources['cinder']> = {},
): { asked: string[]; sources: FactSources } {
  const asked: string[] = []
  let start = () => {}
  const started = new Promise<void>((resolve) => {
    start = resolve
  })
  const reply = async <T>(name: string, who: Caller, value: T): Promise<T> => {
    asked.push(`${name}${who === caller ? '' : ' by another'}`)
    if (asked.length === all) start()
    await started
    return value
  }
  const cinder: FactSources['cinder'] = {
    volume: (id, who) => reply(`volume ${id}`, who, 'absent' as const),
    attachments: (id, who) => reply(`attachments ${id}`, who, 'unknown' as const),
    attachment: (id, who) => reply(`attachment ${id}`, who, { id, volumeId: 'v' }),
    object: async () => 'absent',
    async *allAttachments() {},
    ...more,
  }
  return {
    asked,
    sources: {
      cinder,
      remote: ({ url }) => reply(`remote ${url}`, caller, true),
      serverVolume: (q, who) => reply(`server ${q.serverId} ${q.volumeId}`, who, 'forbidden' as const),
    },
  }
}

test('each question goes to its source, all side by side, and its answer is known', async () => {
  const known = new KnownFacts()
  expect(known.get(VOLUME)).toBeUndefined()
  const { asked, sources: from } = sources(4)
  await gather([VOLUME, LIST, ONE, SERVER], known, caller, from)
  expect(asked).toEqual(['volume v', 'attachments v', 'attachment a', 'server s v'])
  expect([known.get(VOLUME), known.get(LIST), known.get(ONE), known.get(SERVER)]).toEqual([
    'absent',
    'unknown',
    { id: 'a', volumeId: 'v' },
    'forbidden',
  ])
  expect(known.entries().map(([key]) => JSON.parse(key))).toEqual([VOLUME, LIST, ONE, SERVER])
})

test('one fault is the fault of all, and is no answer', async () => {
  const known = new KnownFacts()
  const { sources: from } = sources(1, { volume: async () => Promise.reject(new Error('away')) })
  await expect(gather([VOLUME, LIST], known, caller, from)).rejects.toThrow('away')
  expect(known.get(VOLUME)).toBeUndefined()
})

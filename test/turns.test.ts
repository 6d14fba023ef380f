import { describe, expect, test } from 'vitest'
import type { FactBook } from '../src/checking.ts'
import { keyOf, type Question } from '../src/checks/check.ts'
import type { JudgedOperation } from '../src/operation/operation.ts'
import { CrowdedError, moment, type TakesTurns, Turns, takeTurn } from '../src/turns.ts'
import { volumeOf } from './checks/world.ts'
import { alice, nova } from './identity/identities.ts'

const pause = () => new Promise((resolve) => setTimeout(() => resolve(false), 20))

describe('operations on one volume take turns', () => {
  test('the second waits for the first, and a third for the second', async () => {
    const turns = new Turns()
    const order: string[] = []
    const first = await turns.take('v', 0)
    const take = (name: string) =>
      turns.take('v', 0).then((turn) => {
        order.push(name)
        return turn
      })
    const second = take('second')
    const third = take('third')
    await Promise.resolve()
    expect(order).toEqual([])
    first.end()
    const { end } = await second
    expect(order).toEqual(['second'])
    end()
    ;(await third).end()
    expect([order, turns.size]).toEqual([['second', 'third'], 0])
  })

  test.each([
    ['another volume', 'w', true],
    ['upper case', 'V', false],
    ['an accent that a database may ignore', 'v\u0301', false],
    ['spaces behind it', 'v ', false],
  ])('%s: free at once is %s', async (_name, id, free) => {
    const turns = new Turns()
    await turns.take('v', 0)
    const taken = turns.take(id, 0).then(() => true)
    expect(await Promise.race([taken, pause()])).toBe(free)
  })

  test('ending a turn twice lets nobody in too early', async () => {
    const turns = new Turns()
    const first = await turns.take('v', 0)
    const second = turns.take('v', 0)
    first.end()
    first.end()
    await second
    expect(await Promise.race([turns.take('v', 0).then(() => true), pause()])).toBe(false)
  })

  test('too many at a time are told so at once, and another volume is free', async () => {
    const turns = new Turns()
    const first = await turns.take('v', 0)
    const others = Array.from({ length: 255 }, () => turns.take('v', 0))
    await expect(turns.take('v', 0)).rejects.toThrow(CrowdedError)
    expect((await turns.take('w', 0)).isLate).toBe(false)
    first.end()
    await others[0]
    expect(await Promise.race([turns.take('v', 0).then(() => true), pause()])).toBe(false)
  })
})

describe('a turn is late', () => {
  test('when another is under way, or was since', async () => {
    const turns = new Turns()
    const before = moment()
    const first = await turns.take('v', before)
    const second = turns.take('v', before)
    first.end()
    const { isLate, end } = await second
    end()
    expect([first.isLate, isLate]).toEqual([false, true])
    expect((await turns.take('v', before)).isLate).toBe(true)
  })

  test('not when the last one ended before', async () => {
    const turns = new Turns()
    ;(await turns.take('v', moment())).end()
    await pause()
    expect((await turns.take('v', moment())).isLate).toBe(false)
  })

  test('when it is no longer known whether there was another', async () => {
    const turns = new Turns()
    const before = moment()
    for (let at = 0; at <= 1000; at += 1) (await turns.take(`v${at}`, 0)).end()
    expect((await turns.take('v0', before)).isLate).toBe(true)
    await pause()
    expect((await turns.take('v0 anew', moment())).isLate).toBe(false)
  })
})

describe('which turn an operation takes', () => {
  const common = { projectInUrl: null, version: '3.27' }
  const VOLUME = 'the volume'
  /** A Cinder whose database takes `V` for `v`, and `A` for the attachment of it. */
  const answers: Readonly<Record<string, unknown>> = {
    '{"fact":"volume","volumeId":"V"}': volumeOf('v'),
    '{"fact":"volume","volumeId":"v"}': volumeOf('v'),
    '{"fact":"attachments","volumeId":"V"}': [],
    '{"fact":"attachments","volumeId":"v"}': [],
    '{"fact":"attachment","attachmentId":"A"}': { id: 'a', volumeId: 'v' },
    '{"fact":"attachment","attachmentId":"hidden"}': 'hidden',
    '{"fact":"attachment","attachmentId":"foreign"}': { id: 'b', volumeId: 'w' },
  }

  class Book implements FactBook {
    readonly asked: string[] = []
    known = new Map<string, unknown>()
    readonly #isAway: boolean
    constructor(isAway: boolean) {
      this.#isAway = isAway
    }
    get(question: Question): never | undefined {
      return this.known.get(keyOf(question)) as never | undefined
    }
    async gather(questions: readonly Question[]): Promise<void> {
      for (const question of questions) {
        this.asked.push(question.fact)
        if (this.#isAway) throw new Error('away')
        this.known.set(keyOf(question), answers[keyOf(question)] ?? 'absent')
      }
    }
    forget(): void {
      this.known = new Map()
    }
  }

  async function taken(
    operation: object,
    identity = alice,
    { isAway = false, isLate = false }: { isAway?: boolean; isLate?: boolean } = {},
  ) {
    const ids: string[] = []
    const turns: TakesTurns = {
      async take(id) {
        ids.push(id)
        return { isLate, end: () => undefined }
      },
    }
    const book = new Book(isAway)
    await takeTurn({ ...common, ...operation } as JudgedOperation, identity, book, turns, 0.05)
    return { ids, asked: book.asked, known: book.known.size }
  }

  const detach = (volumeId: string) => ({ kind: 'volume-detach', volumeId, attachmentId: null })
  const rows: readonly (readonly [string, object, readonly string[], readonly string[]])[] = [
    ["detaching: the volume in Cinder's spelling", detach('V'), ['v'], ['volume', 'attachments']],
    ['detaching what the caller cannot see: none', detach('theirs'), [], ['volume', 'attachments']],
    ['attaching', { kind: 'attachment-create', volumeId: 'V' }, ['v'], ['volume']],
    [
      'attaching what the caller cannot see: none',
      { kind: 'attachment-create', volumeId: 'theirs' },
      [],
      ['volume'],
    ],
    [
      'deleting',
      { kind: 'attachment-delete', attachmentId: 'A' },
      ['v'],
      ['attachment', 'volume', 'attachments'],
    ],
    ['updating', { kind: 'attachment-update', attachmentId: 'A' }, ['v'], ['attachment', 'volume']],
    [
      'updating one of another project: none',
      { kind: 'attachment-update', attachmentId: 'foreign' },
      [],
      ['attachment', 'volume'],
    ],
    [
      'updating one that is hidden: none',
      { kind: 'attachment-update', attachmentId: 'hidden' },
      [],
      ['attachment'],
    ],
    ['updating nothing: none', { kind: 'attachment-update', attachmentId: 'none' }, [], ['attachment']],
    ['anything else: none', { kind: 'other' }, [], []],
  ]
  test.each(rows)('%s', async (_name, operation, ids, asked) => {
    expect(await taken(operation)).toMatchObject({ ids, asked })
  })

  test('what was read for it counts, unless somebody was there meanwhile', async () => {
    expect((await taken(detach('v'))).known).toBe(2)
    expect((await taken(detach('v'), alice, { isLate: true })).known).toBe(0)
  })

  test('a Cinder that cannot be asked refuses a user', async () => {
    await expect(taken(detach('v'), alice, { isAway: true })).rejects.toThrow('away')
  })

  const services: readonly (readonly [string, object, readonly string[], readonly string[]])[] = [
    ['detaching: none', detach('v'), [], []],
    [
      'attaching: as it is typed, and nobody is asked',
      { kind: 'attachment-create', volumeId: VOLUME },
      [VOLUME],
      [],
    ],
    ['updating: the volume', { kind: 'attachment-update', attachmentId: 'A' }, ['v'], ['attachment']],
    [
      'updating what cannot be found',
      { kind: 'attachment-update', attachmentId: 'none' },
      ['none'],
      ['attachment'],
    ],
  ]
  test.each(services)('a service %s', async (_name, operation, ids, asked) => {
    expect(await taken(operation, nova)).toMatchObject({ ids, asked })
  })

  test('a service takes one of the attachment when Cinder cannot be asked', async () => {
    const update = { kind: 'attachment-update', attachmentId: 'A' }
    expect((await taken(update, nova, { isAway: true })).ids).toEqual(['A'])
  })

  test.each([
    ['waits in vain', () => undefined],
    [
      'finds a crowd',
      (turns: Turns) => {
        for (let at = 0; at < 255; at += 1) void turns.take(VOLUME, 0)
      },
    ],
  ])('a service that %s goes without, and blocks nobody', async (_name, occupy) => {
    const turns = new Turns()
    const first = await turns.take(VOLUME, 0)
    occupy(turns)
    const create = { ...common, kind: 'attachment-create', volumeId: VOLUME } as const
    expect(await takeTurn(create, nova, new Book(false), turns, 0.02)).toBeNull()
    first.end()
  })

  test('the turn that a service no longer waits for is ended when it comes', async () => {
    const turns = new Turns()
    const first = await turns.take(VOLUME, 0)
    const create = { ...common, kind: 'attachment-create', volumeId: VOLUME } as const
    await takeTurn(create, nova, new Book(false), turns, 0.02)
    first.end()
    await pause()
    expect(turns.size).toBe(0)
  })
})

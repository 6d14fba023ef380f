import { describe, expect, test } from 'vitest'
import { type FactBook, runChecks } from '../src/checking.ts'
import { ALLOW, type Answer, ask, type Check, keyOf, type Question } from '../src/checks/check.ts'
import { reject } from '../src/http/rejection.ts'
import type { Identity } from '../src/identity/identity.ts'
import type { JudgedOperation } from '../src/operation/operation.ts'

/** Facts by letter: each is answered when the test says so. */
const A = { fact: 'volume', volumeId: 'a' } as const
const B = { fact: 'attachments', volumeId: 'b' } as const
const C = { fact: 'serverVolume', serverId: 's', volumeId: 'c' } as const
const REMOTE = { fact: 'remote', url: 'http://p', rule: 'r', credentials: {}, target: {} } as const

class Book implements FactBook {
  readonly asked: Question[] = []
  readonly #answers = new Map<string, unknown>()
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>()
  get(question: Question): never | undefined {
    return this.#answers.get(keyOf(question)) as never | undefined
  }
  forget(): void {
    this.#answers.clear()
  }
  async gather([question]: readonly Question[]): Promise<void> {
    if (question === undefined) throw new Error('nothing asked')
    this.asked.push(question)
    const waiting = Promise.withResolvers<void>()
    this.#waiting.set(keyOf(question), waiting)
    await waiting.promise
  }
  async answer(question: Question): Promise<void> {
    this.#answers.set(keyOf(question), 'absent')
    this.#waiting.get(keyOf(question))?.resolve()
    await settled()
  }
  async fail(question: Question): Promise<void> {
    this.#waiting.get(keyOf(question))?.reject(new Error('away'))
    await settled()
  }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Needs all of `questions`, one after the other or at once, and then answers. */
function needs(questions: readonly Question[], then: Answer = ALLOW): Check {
  return {
    name: 'needs',
    decide(_operation, _identity, known) {
      const missing = questions.find((question) => known.get(question as typeof A) === undefined)
      return missing === undefined ? then : ask(missing)
    },
  }
}

function started(...checks: readonly Check[]) {
  const book = new Book()
  const state: { result?: unknown } = {}
  void runChecks(checks, {} as JudgedOperation, {} as Identity, book).then(
    (refusal) => {
      state.result = refusal === null ? 'allowed' : refusal.reason
    },
    (fault: Error) => {
      state.result = fault.message
    },
  )
  return { book, state }
}

describe('while a check waits', () => {
  test('what those behind it will need is asked as well', () => {
    const { book } = started(needs([A]), needs([B]), needs([A, C]))
    expect(book.asked).toEqual([A, B])
  })
  test('and what follows from that, as soon as it is known', async () => {
    const { book, state } = started(needs([A]), needs([B, C]))
    await book.answer(B)
    expect([book.asked, state.result]).toEqual([[A, B, C], undefined])
    await book.answer(C)
    await book.answer(A)
    expect(state.result).toBe('allowed')
  })
  test('its own refusal does not wait for the others', async () => {
    const { book, state } = started(needs([A], reject('attachment_ambiguous')), needs([B]))
    await book.answer(A)
    expect(state.result).toBe('attachment_ambiguous')
  })
  test('a refusal further on does not come before its turn', async () => {
    const { book, state } = started(
      needs([A], reject('attachment_ambiguous')),
      needs([], reject('undecided')),
    )
    expect(state.result).toBeUndefined()
    await book.answer(A)
    expect(state.result).toBe('attachment_ambiguous')
  })
  test('what fails counts only for the check that needs it', async () => {
    const refused = started(needs([A], reject('attachment_ambiguous')), needs([B]))
    await refused.book.fail(B)
    expect(refused.state.result).toBeUndefined()
    await refused.book.answer(A)
    expect(refused.state.result).toBe('attachment_ambiguous')

    const passed = started(needs([A]), needs([B]))
    await passed.book.fail(B)
    await passed.book.answer(A)
    expect(passed.state.result).toBe('away')
  })
  test('a check that throws says so in its turn', async () => {
    const broken: Check = {
      name: 'broken',
      decide() {
        throw new Error('broken')
      },
    }
    const { book, state } = started(needs([A]), broken)
    expect(state.result).toBeUndefined()
    await book.answer(A)
    expect(state.result).toBe('broken')
  })
  test('another server is not asked about a rule whose turn has not come', () => {
    expect(started(needs([A]), needs([REMOTE])).book.asked).toEqual([A])
    expect(started(needs([REMOTE])).book.asked).toEqual([REMOTE])
  })
})

test('a check that asks for what it was told is no decision', async () => {
  const { book, state } = started({ name: 'loops', decide: () => ask(A) })
  await book.answer(A)
  expect([state.result, book.asked]).toEqual(['undecided', [A]])
})

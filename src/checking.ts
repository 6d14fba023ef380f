import { type Answer, type Check, type Known, keyOf, type Question } from './checks/check.ts'
import { isRejection, type Rejection, reject } from './http/rejection.ts'
import type { Identity } from './identity/identity.ts'
import type { JudgedOperation } from './operation/operation.ts'

/** Facts for one decision. */
export interface FactBook extends Known {
  /** @throws when a question cannot be answered. */
  gather(questions: readonly Question[]): Promise<void>
  /** What was gathered so far may have changed meanwhile. */
  forget(): void
}

/**
 * Asks the checks in their order, each until it knows enough to answer; the first refusal counts. While one waits for
 * its facts, the questions of those behind it are asked as well: checks are pure, so that costs nothing but a
 * question that may turn out not to have been needed.
 *
 * @param decided told of each answer that counts.
 * @returns null when all allow.
 * @throws what kept a fact from being known that an answer needs.
 */
export async function runChecks(
  checks: readonly Check[],
  operation: JudgedOperation,
  identity: Identity,
  facts: FactBook,
  decided: (check: Check, answer: Answer) => void = () => undefined,
): Promise<Rejection | null> {
  const questions = new Questions(facts)
  for (const [at, check] of checks.entries()) {
    for (;;) {
      const answer = check.decide(operation, identity, facts)
      if (answer.verdict !== 'ask') {
        decided(check, answer)
        if (isRejection(answer)) return answer
        break
      }
      // Asking again for what was answered means no decision.
      if (!questions.ask(answer.questions)) return reject('undecided')
      for (const later of checks.slice(at + 1))
        questions.foresee(() => later.decide(operation, identity, facts))
      await questions.next(answer.questions)
    }
  }
  return null
}

/** The questions of one decision, each asked once. */
class Questions {
  readonly #facts: FactBook
  readonly #open = new Map<string, Promise<void>>()
  readonly #asked = new Set<string>()
  readonly #failed = new Map<string, unknown>()

  constructor(facts: FactBook) {
    this.#facts = facts
  }

  /** @returns false when all of them were answered before. */
  ask(questions: readonly Question[]): boolean {
    for (const question of questions) this.#start(question)
    return questions.some((question) => this.#open.has(keyOf(question)) || this.#failed.has(keyOf(question)))
  }

  /** What another server thinks of a rule is asked only when the rule's turn has come. */
  foresee(decide: () => Answer): void {
    try {
      const answer = decide()
      if (answer.verdict !== 'ask') return
      for (const question of answer.questions) if (question.fact !== 'remote') this.#start(question)
    } catch {
      // It will say so when its turn comes.
    }
  }

  /** Waits for whichever answer comes next. @throws when one of `needed` has failed. */
  async next(needed: readonly Question[]): Promise<void> {
    this.#throwFailed(needed)
    await Promise.race(this.#open.values())
    this.#throwFailed(needed)
  }

  #throwFailed(needed: readonly Question[]): void {
    for (const question of needed) {
      const key = keyOf(question)
      if (this.#failed.has(key)) throw this.#failed.get(key)
    }
  }

  #start(question: Question): void {
    const key = keyOf(question)
    if (this.#asked.has(key)) return
    this.#asked.add(key)
    const answered = this.#facts
      .gather([question])
      .catch((fault: unknown) => void this.#failed.set(key, fault))
      .finally(() => this.#open.delete(key))
    this.#open.set(key, answered)
  }
}

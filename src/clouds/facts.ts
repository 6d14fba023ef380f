import { type Fact, type Facts, type Known, keyOf, type Question } from '../checks/check.ts'
import { type Caller, type CinderFacts, requestIdOf } from './cinder.ts'

/** What fetching a fact needs of its surroundings. */
export interface FactSources {
  readonly cinder: CinderFacts
  readonly remote: (question: Facts['remote']['question'], requestId?: string) => Promise<boolean>
  /** Asks Nova with the caller's token. */
  readonly serverVolume: (
    question: Facts['serverVolume']['question'],
    caller: Caller,
  ) => Promise<Facts['serverVolume']['answer']>
}

type Fetcher<F extends Fact> = (
  question: Extract<Question, { fact: F }>,
  caller: Caller,
  sources: FactSources,
) => Promise<Facts[F]['answer']>

/** One row per fact: how to get it. */
const FACTS: { readonly [F in Fact]: Fetcher<F> } = {
  volume: (question, caller, { cinder }) => cinder.volume(question.volumeId, caller),
  attachments: (question, caller, { cinder }) => cinder.attachments(question.volumeId, caller),
  attachment: (question, caller, { cinder }) => cinder.attachment(question.attachmentId, caller),
  object: (question, caller, { cinder }) => cinder.object(question, caller),
  remote: (question, caller, sources) => sources.remote(question, requestIdOf(caller)),
  serverVolume: (question, caller, sources) => sources.serverVolume(question, caller),
}

/** The facts known for one decision; nothing is kept from one request to the next. */
export class KnownFacts implements Known {
  readonly #answers = new Map<string, unknown>()

  get<F extends Fact>(question: Extract<Question, { fact: F }>): Facts[F]['answer'] | undefined {
    return this.#answers.get(keyOf(question)) as Facts[F]['answer'] | undefined
  }

  set(question: Question, answer: unknown): void {
    this.#answers.set(keyOf(question), answer)
  }

  forget(): void {
    this.#answers.clear()
  }

  /** Questions and answers, for records and explanations. */
  entries(): readonly (readonly [string, unknown])[] {
    return [...this.#answers]
  }
}

/** Fetches all questions side by side. @throws when one of them cannot be answered. */
export async function gather(
  questions: readonly Question[],
  known: KnownFacts,
  caller: Caller,
  sources: FactSources,
): Promise<void> {
  await Promise.all(
    questions.map(async (question) => known.set(question, await fetchFact(question, caller, sources))),
  )
}

function fetchFact(question: Question, caller: Caller, sources: FactSources): Promise<unknown> {
  const fetcher = FACTS[question.fact] as Fetcher<Fact>
  return fetcher(question, caller, sources)
}

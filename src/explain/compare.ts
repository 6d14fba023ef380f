import type { FactBook } from '../checking.ts'
import { keyOf, type Question } from '../checks/check.ts'
import type { Content } from './content.ts'
import type { Recorded } from './step-log.ts'
import { answerText, questionTitle } from './words.ts'

/**
 * Compares each fact of now with what was recorded of it.
 * @param differences gets a sentence for each that changed.
 * @param isNow false where the recorded facts themselves are judged again, as nobody can read those of now.
 */
export function comparing({ facts }: Content, differences: string[], isNow: boolean): Recorded {
  const answers = new Map(facts.map(({ question, answer }) => [keyOf(question), answer]))
  const of = (question: Question): string | null => {
    const answer = answers.get(keyOf(question))
    return answer === undefined ? null : answerText(question, answer)
  }
  return {
    of,
    compare(question, answer) {
      const recorded = of(question) ?? 'not read'
      if (!isNow) return { outcome: 'passed', details: { recorded, now: 'not read' } }
      const now = answerText(question, answer)
      const details = { recorded, now }
      const then = answers.get(keyOf(question))
      if (then === undefined || isSame(then, answer)) return { outcome: 'passed', details }
      differences.push(`${questionTitle(question)}: ${recorded} then, ${now} now.`)
      return { outcome: 'changed', details }
    },
  }
}

/** The recorded facts, for checks that judge them again. */
export function recordedBook({ facts }: Content): FactBook {
  const answers = new Map(facts.map(({ question, answer }) => [keyOf(question), asFact(question, answer)]))
  const asked = new Set<string>()
  return {
    get: (question) => {
      const key = keyOf(question)
      return (asked.has(key) ? answers.get(key) : undefined) as never
    },
    gather: async (questions) => {
      for (const key of questions.map(keyOf)) {
        if (!answers.has(key)) throw new Error('not recorded')
        asked.add(key)
      }
    },
  }
}

/** Records hold no view of a volume, which only few rules read. */
function asFact({ fact }: Question, answer: unknown): unknown {
  return fact === 'volume' && isObject(answer) ? { ...answer, view: {} } : answer
}

/** What was not shown to who asked then counts for nothing, and neither does the order of a list. */
function isSame(then: unknown, now: unknown): boolean {
  if (Array.isArray(then) && Array.isArray(now)) return sorted(then) === sorted(now)
  if (!isObject(then) || !isObject(now)) return JSON.stringify(then) === JSON.stringify(now)
  const shown = Object.keys(then).filter(
    (name) => name !== 'view' && name !== 'userId' && then[name] !== null,
  )
  return pick(then, shown) === pick(now, shown)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const pick = (from: Readonly<Record<string, unknown>>, names: readonly string[]): string =>
  JSON.stringify(names.map((name) => from[name]))
const sorted = (list: readonly unknown[]): string =>
  JSON.stringify(list.map((each) => JSON.stringify(each)).sort())

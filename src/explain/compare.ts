import { keyOf } from '../checks/check.ts'
import type { Content } from './content.ts'
import type { Compare } from './step-log.ts'
import { answerText, questionTitle } from './words.ts'

/** Compares each fact of now with what was recorded of it. @param differences gets a sentence for each that changed. */
export function comparing({ facts }: Content, differences: string[]): Compare {
  const recorded = new Map(facts.map(({ question, answer }) => [keyOf(question), answer]))
  return (question, answer) => {
    const then = recorded.get(keyOf(question))
    const nowText = answerText(question, answer)
    if (then === undefined) return { outcome: 'passed', details: { recorded: 'not read', now: nowText } }
    const [before, after] = comparable(then, answer)
    const details = { recorded: answerText(question, then), now: nowText }
    if (before === after) return { outcome: 'passed', details }
    differences.push(`${questionTitle(question)}: ${details.recorded} then, ${details.now} now.`)
    return { outcome: 'changed', details }
  }
}

/** What was not shown to who asked then counts for nothing, and neither does the order of a list. */
function comparable(then: unknown, now: unknown): readonly [string, string] {
  if (Array.isArray(then) && Array.isArray(now)) return [sorted(then), sorted(now)]
  if (!isObject(then) || !isObject(now)) return [JSON.stringify(then), JSON.stringify(now)]
  const shown = Object.keys(then).filter(
    (name) => name !== 'view' && name !== 'userId' && then[name] !== null,
  )
  return [pick(then, shown), pick(now, shown)]
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const pick = (from: Readonly<Record<string, unknown>>, names: readonly string[]): string =>
  JSON.stringify(names.map((name) => from[name]))
const sorted = (list: readonly unknown[]): string =>
  JSON.stringify(list.map((each) => JSON.stringify(each)).sort())

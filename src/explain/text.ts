import type { Trace } from '../policy/trace.ts'
import type { Explanation, Step } from './explain.ts'

const MARKS = { passed: 'ok', refused: 'NO', failed: '??', changed: '!=' } as const satisfies Record<
  Step['outcome'],
  string
>

/** An explanation as a person reads it in a terminal. */
export function explanationText({ of, requestId, steps, command, differences }: Explanation): string {
  const lines = [
    of === 'record' ? `Decision on ${requestId}, and what its facts are now` : 'The request, judged now',
    '',
    ...steps.flatMap((step, at) => stepLines(step, at + 1)),
  ]
  if (differences.length > 0) lines.push('', 'Otherwise by now:', ...differences.map((each) => `  ${each}`))
  if (command !== null) lines.push('', 'Run instead:', `  ${command}`)
  return `${lines.join('\n')}\n`
}

function stepLines({ title, outcome, details, trace }: Step, number: number): readonly string[] {
  return [
    `${String(number).padStart(2)}. ${MARKS[outcome]}  ${title}`,
    ...Object.entries(details).map(([name, value]) => `        ${name}: ${value}`),
    ...(trace === undefined ? [] : traceLines(trace, 0)),
  ]
}

function traceLines({ check, result, read, parts }: Trace, depth: number): readonly string[] {
  const what = read === undefined ? '' : `   [${read}]`
  return [
    `        ${String(result).padEnd(5)} ${'  '.repeat(depth)}${check}${what}`,
    ...parts.flatMap((part) => traceLines(part, depth + 1)),
  ]
}

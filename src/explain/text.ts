import type { Trace } from '../policy/trace.ts'
import type { Explanation, Step } from './explain.ts'

const MARKS = {
  passed: 'ok',
  refused: 'REFUSED',
  failed: 'FAILED',
  changed: 'CHANGED',
} as const satisfies Record<Step['outcome'], string>

/** An explanation as a person reads it in a terminal. */
export function explanationText({ of, requestId, steps, command, differences, status }: Explanation): string {
  const lines = [
    of === 'record' ? `Decision on ${requestId}, and its facts as they are now` : 'The request, judged now',
    '',
    ...steps.flatMap((step, at) => stepLines(step, at + 1, status === null)),
  ]
  if (differences.length > 0) lines.push('', 'Changed since:', ...differences.map((each) => `  ${each}`))
  if (command !== null) lines.push('', 'Run instead:', `  ${command}`)
  return `${lines.join('\n')}\n`
}

function stepLines(
  { stage, title, outcome, details, trace }: Step,
  number: number,
  isForwarded: boolean,
): readonly string[] {
  // In observe mode the verdict of what was refused is that it was forwarded.
  const mark = stage === 'verdict' && outcome === 'refused' && isForwarded ? 'OBSERVE' : MARKS[outcome]
  return [
    `${String(number).padStart(2)}. ${mark.padEnd(7)}  ${title}`,
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

import { COMMANDS } from '../table.ts'
import { usageOf } from '../usage.ts'
import { testCases } from './cases.ts'
import { diff } from './diff.ts'
import { check, explainRule } from './judge.ts'
import { list, sample } from './show.ts'
import { sign } from './sign.ts'
import type { POLICY_COMMANDS } from './table.ts'
import { UsageError } from './usage-error.ts'

const RUN: Readonly<
  Record<keyof typeof POLICY_COMMANDS, (argv: readonly string[]) => Promise<number> | number>
> = {
  list,
  sample,
  check,
  explain: explainRule,
  test: testCases,
  diff,
  sign,
}

/** `cinderguard policy WORD`. */
export async function policy(argv: readonly string[]): Promise<number> {
  const [word = '', ...rest] = argv
  if (!Object.hasOwn(RUN, word)) {
    process.stderr.write(usageOf(['policy'], COMMANDS.policy))
    return 2
  }
  try {
    return await RUN[word as keyof typeof RUN](rest)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`cinderguard policy ${word}: ${error.message}\n`)
    return 2
  }
}

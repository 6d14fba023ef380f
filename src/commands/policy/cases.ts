import { type PolicyCase, readCases } from '../../policy/load-cases.ts'
import { ownFlags } from '../own-flags.ts'
import { judgeCase } from './judge-case.ts'
import { UsageError } from './usage-error.ts'
import { isJson, POLICY_FLAGS, policyOf } from './which-policy.ts'

/** `policy test FILE`: expectations of a policy, for CI. Exits with 1 when one is not met. */
export async function testCases(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, POLICY_FLAGS)
  const json = isJson(values)
  const [file, another] = rest.filter((word) => /\.ya?ml$/.test(word))
  if (file === undefined || another !== undefined)
    throw new UsageError('policy test takes one YAML file of cases')
  const rules = await policyOf(
    values,
    rest.filter((word) => word !== file),
  )
  let cases: readonly PolicyCase[]
  try {
    cases = readCases(file)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'the cases cannot be read')
  }
  const results = cases.map((each) => ({
    name: each.name,
    expected: each.expect,
    ...judged(file, each, rules),
  }))
  const failed = results.filter(({ expected, found }) => expected !== found)
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  else {
    for (const { name, expected, found, by } of results) {
      const why = by === null ? '' : `, by ${by}`
      process.stdout.write(
        expected === found
          ? `ok      ${name}\n`
          : `FAILED  ${name}: expected ${expected}, found ${found}${why}\n`,
      )
    }
    process.stdout.write(`${results.length - failed.length} passed, ${failed.length} failed\n`)
  }
  return failed.length === 0 ? 0 : 1
}

function judged(file: string, each: PolicyCase, rules: Parameters<typeof judgeCase>[1]) {
  try {
    return judgeCase(each, rules)
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${file}: case "${each.name}": ${error.message}`)
    throw error
  }
}

import { described } from '../../policy/extensions.ts'
import { type PolicyCase, readCases } from '../../policy/load-cases.ts'
import { rulesFor } from '../../policy/operations.ts'
import { differences } from '../../policy/personas.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { trace } from '../../policy/trace.ts'
import { ownFlags } from '../own-flags.ts'
import { credentialsFrom, policyIn, policyOf, UsageError } from './common.ts'

/** `policy test FILE`: expectations of a policy, for CI. Exits with 1 when one is not met. */
export async function testCases(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, ['policy-file', 'format'] as const)
  const files = rest.filter((word) => /\.ya?ml$/.test(word))
  const [file] = files
  if (file === undefined || files.length > 1) throw new UsageError('policy test takes one YAML file of cases')
  const rules = await policyOf(
    values['policy-file'],
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
    found: verdictOf(each, rules),
  }))
  const failed = results.filter(({ expected, found }) => expected !== found)
  if (values.format === 'json') process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  else {
    for (const { name, expected, found } of results)
      process.stdout.write(
        expected === found ? `ok      ${name}\n` : `FAILED  ${name}: expected ${expected}, found ${found}\n`,
      )
    process.stdout.write(`${results.length - failed.length} passed, ${failed.length} failed\n`)
  }
  return failed.length === 0 ? 0 : 1
}

function verdictOf({ rule, request, credentials, target, asked }: PolicyCase, rules: RuleSet): string {
  const names = rule === null ? rulesOf(request ?? '', asked?.body) : rules.has(rule) ? [rule] : null
  if (names === null) return rule === null ? 'no such operation' : 'no such rule'
  const who = credentialsFrom(credentials, rules, asked)
  const { project_id, user_id } = who
  const on = Object.keys(target).length === 0 ? { project_id, user_id } : target
  const results = names.map((name) => trace({ kind: 'rule', name }, rules.rule, who, on).result)
  const odd = results.find((result) => typeof result === 'string')
  return odd === undefined ? (results.every((result) => result === true) ? 'allow' : 'refuse') : String(odd)
}

/** Without a body its ids are taken to be there; but a volume is then made of nothing. */
function rulesOf(request: string, body: unknown): readonly string[] | null {
  const [method = '', path = '', action = null] = request.split(' ')
  const segments = path.replace(/\?.*/, '').split('/').slice(1)
  const query = path.split('?')[1] ?? ''
  const bodyAt =
    body === undefined
      ? ([first]: readonly string[]) => (first === 'volume' ? undefined : 'any')
      : described({ body }, 0).bodyAt
  const found = rulesFor({ method, segments, query, version: '', action, bodyAt })
  return found === null ? null : found.map(({ name }) => name)
}

/** `policy diff A B`: who gains and who loses, by kind of caller. Exits with 1 when anything differs. */
export function diff(argv: readonly string[]): number {
  const { values, rest } = ownFlags(argv, ['format'] as const)
  const [before, after, ...more] = rest
  if (before === undefined || after === undefined || more.length > 0)
    throw new UsageError('policy diff takes two policy files')
  const found = differences(policyIn(before), policyIn(after))
  if (values.format === 'json') process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
  else {
    for (const { rule, persona, target, change } of found)
      process.stdout.write(`${change === 'gains' ? '+' : '-'} ${rule}: ${persona} ${change} it (${target})\n`)
    process.stdout.write(found.length === 0 ? 'Nobody gains or loses.\n' : `${found.length} differences\n`)
  }
  return found.length === 0 ? 0 : 1
}

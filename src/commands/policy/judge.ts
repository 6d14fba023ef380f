import type { RuleSet } from '../../policy/ruleset.ts'
import { type Trace, trace } from '../../policy/trace.ts'
import { ownFlags } from '../own-flags.ts'
import { credentialsFrom, policyOf, readJson, UsageError } from './common.ts'

const FLAGS = ['policy-file', 'format', 'rule', 'access', 'target', 'asked'] as const

async function given(argv: readonly string[]): Promise<{
  readonly rules: RuleSet
  readonly rule: string | undefined
  readonly credentials: Record<string, unknown>
  readonly target: Record<string, unknown>
  readonly json: boolean
}> {
  const { values, rest } = ownFlags(argv, FLAGS)
  if (values.access === undefined)
    throw new UsageError(
      "--access FILE says who asks: credentials by name, or Keystone's answer to a token look-up",
    )
  const rules = await policyOf(values['policy-file'], rest)
  const asked = values.asked === undefined ? {} : readJson(values.asked)
  const credentials = credentialsFrom(readJson(values.access), rules, asked)
  const { project_id, user_id } = credentials
  const target = values.target === undefined ? { project_id, user_id } : readJson(values.target)
  if (values.rule !== undefined && !rules.has(values.rule))
    throw new UsageError(`there is no rule "${values.rule}"`)
  return { rules, rule: values.rule, credentials, target, json: values.format === 'json' }
}

const resultOf = (
  rules: RuleSet,
  rule: string,
  credentials: Record<string, unknown>,
  target: Record<string, unknown>,
) => trace({ kind: 'rule', name: rule }, rules.rule, credentials, target).result

/** `policy check --access FILE [--target FILE] [--rule NAME]`: what somebody may do; as oslopolicy-checker. */
export async function check(argv: readonly string[]): Promise<number> {
  const { rules, rule, credentials, target, json } = await given(argv)
  const rows = (rule === undefined ? rules.names() : [rule]).map((name) => ({
    rule: name,
    result: resultOf(rules, name, credentials, target),
  }))
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else for (const { rule: name, result } of rows) process.stdout.write(`${word(result)}  ${name}\n`)
  return rule === undefined || rows[0]?.result === true ? 0 : 1
}

/** `policy explain --rule NAME --access FILE [--target FILE]`: the rule check by check. */
export async function explainRule(argv: readonly string[]): Promise<number> {
  const { rules, rule, credentials, target, json } = await given(argv)
  if (rule === undefined) throw new UsageError('--rule NAME says which rule')
  const found = trace({ kind: 'rule', name: rule }, rules.rule, credentials, target)
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : treeText(found, 0))
  return found.result === true ? 0 : 1
}

function word(result: Trace['result']): string {
  if (result === true) return 'passed'
  return result === false ? 'failed' : result === 'error' ? 'error ' : 'asks  '
}

function treeText(node: Trace, depth: number): string {
  const read = node.read === undefined ? '' : `   [${node.read}]`
  const line = `${word(node.result)}  ${'  '.repeat(depth)}${node.check}${read}\n`
  return line + node.parts.map((part) => treeText(part, depth + 1)).join('')
}

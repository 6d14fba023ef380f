import { originText } from '../../policy/origin.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { type Trace, trace, traceText, word } from '../../policy/trace.ts'
import { ownFlags } from '../own-flags.ts'
import { readJson, readText } from './read-file.ts'
import { UsageError } from './usage-error.ts'
import { configOf, isJson, POLICY_FLAGS, policyInForce, policyOf } from './which-policy.ts'
import { credentialsFrom, holderOf, type Told, toldOf } from './who.ts'

const FLAGS = [...POLICY_FLAGS, 'rule', 'access', 'token-file', 'target', 'asked'] as const

interface Given {
  readonly rules: RuleSet
  readonly rule: string | undefined
  readonly credentials: Record<string, unknown>
  readonly target: Record<string, unknown>
  readonly json: boolean
}

async function given(argv: readonly string[]): Promise<Given> {
  const { values, rest } = ownFlags(argv, FLAGS)
  const json = isJson(values)
  const asked = values.asked === undefined ? {} : readJson(values.asked)
  const file = values['token-file']
  const token = file === undefined ? process.env.OS_TOKEN : readText(file).trim()
  let told: Told
  let rules: RuleSet
  if (values.access !== undefined) {
    told = toldOf(readJson(values.access))
    rules = await policyOf(values, rest)
  } else {
    if (token === undefined || token === '')
      throw new UsageError(
        "who asks? --access FILE: credentials by name, or Keystone's answer to a token look-up; or a live token in --token-file FILE or OS_TOKEN",
      )
    const config = configOf(rest)
    told = await holderOf(token, config)
    rules = values['policy-file'] === undefined ? await policyInForce(config) : await policyOf(values, [])
  }
  const credentials = credentialsFrom(told, rules, asked)
  const { project_id, user_id } = credentials
  const target = values.target === undefined ? { project_id, user_id } : readJson(values.target)
  if (values.rule !== undefined && !rules.has(values.rule))
    throw new UsageError(`there is no rule "${values.rule}"`)
  return { rules, rule: values.rule, credentials, target, json }
}

const traceOf = ({ rules, credentials, target }: Given, rule: string): Trace =>
  trace({ kind: 'rule', name: rule }, rules.rule, credentials, target, (name) =>
    originText(rules.source(name)),
  )

/** `policy check --access FILE [--target FILE] [--rule NAME]`: what somebody may do; as oslopolicy-checker. */
export async function check(argv: readonly string[]): Promise<number> {
  const about = await given(argv)
  const { rules, rule, json } = about
  const rows = (rule === undefined ? rules.names() : [rule]).map((name) => ({
    rule: name,
    result: traceOf(about, name).result,
    layer: originText(rules.source(name)),
  }))
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else
    for (const { rule: name, result, layer } of rows)
      process.stdout.write(`${word(result)}  ${name}  (${layer})\n`)
  return rule === undefined || rows[0]?.result === true ? 0 : 1
}

/** `policy explain --rule NAME --access FILE [--target FILE]`: the rule check by check. */
export async function explainRule(argv: readonly string[]): Promise<number> {
  const about = await given(argv)
  const { rule, json } = about
  if (rule === undefined) throw new UsageError('--rule NAME says which rule')
  const found = traceOf(about, rule)
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : traceText(found))
  return found.result === true ? 0 : 1
}

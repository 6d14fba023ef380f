import { originText } from '../../policy/origin.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { type Trace, trace, traceText, word } from '../../policy/trace.ts'
import { explainCommand } from '../explain.ts'
import { ownFlags } from '../own-flags.ts'
import { readJson, readText } from './read-file.ts'
import { type Recorded, recordOf } from './record.ts'
import { UsageError } from './usage-error.ts'
import { configOf, isJson, POLICY_FLAGS, type PolicyFlags, policyInForce, policyOf } from './which-policy.ts'
import { credentialsFrom, holderOf, type Told, toldOf } from './who.ts'

const FLAGS = [...POLICY_FLAGS, 'rule', 'access', 'token-file', 'target', 'asked', 'record'] as const

interface Given {
  readonly rules: RuleSet
  readonly rule: string | undefined
  readonly credentials: Record<string, unknown>
  readonly target: Readonly<Record<string, unknown>>
  readonly json: boolean
}

async function given(argv: readonly string[]): Promise<Given> {
  const { values, rest: words } = ownFlags(argv, FLAGS)
  const json = isJson(values)
  const requestId = words.find((word) => word.startsWith('req-'))
  const rest = words.filter((word) => word !== requestId)
  const recorded =
    values.record !== undefined
      ? await recordOf({ file: values.record }, rest)
      : requestId === undefined
        ? null
        : await recordOf({ requestId }, rest)
  const { told, rules } =
    recorded === null ? await callerOf(values, rest) : await thenOf(recorded, values, rest)
  const asked = values.asked === undefined ? (recorded?.asked ?? {}) : readJson(values.asked)
  const credentials = credentialsFrom(told, rules, asked)
  const { project_id, user_id } = credentials
  const target =
    values.target === undefined ? (recorded?.target ?? { project_id, user_id }) : readJson(values.target)
  const rule = values.rule ?? recorded?.rule ?? undefined
  if (rule !== undefined && !rules.has(rule)) throw new UsageError(`there is no rule "${rule}"`)
  return { rules, rule, credentials, target, json }
}

const thenOf = async ({ told }: Recorded, values: PolicyFlags, rest: readonly string[]) => ({
  told,
  rules: await policyOf(values, rest),
})

/** Of `--access`, or the holder of a live token. */
async function callerOf(
  values: PolicyFlags & { readonly access?: string; readonly 'token-file'?: string },
  rest: readonly string[],
): Promise<{ readonly told: Told; readonly rules: RuleSet }> {
  if (values.access !== undefined) {
    const told = toldOf(readJson(values.access))
    return { told, rules: await policyOf(values, rest) }
  }
  const file = values['token-file']
  const token = file === undefined ? process.env.OS_TOKEN : readText(file).trim()
  if (token === undefined || token === '')
    throw new UsageError(
      "who asks? --access FILE: credentials by name, or Keystone's answer to a token lookup; or a live token in --token-file FILE or OS_TOKEN",
    )
  const config = configOf(rest)
  const told = await holderOf(token, config)
  return {
    told,
    rules: values['policy-file'] === undefined ? await policyInForce(config) : await policyOf(values, []),
  }
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

/**
 * `policy explain --rule NAME --access FILE [--target FILE]`: the rule check by check; of a decision by its request
 * id or `--record FILE`; of a request that is judged now with `--request`.
 */
export async function explainRule(argv: readonly string[]): Promise<number> {
  if (argv.some((word) => /^--request(?:=|$)/.test(word))) return explainCommand(argv)
  const about = await given(argv)
  const { rule, json } = about
  if (rule === undefined)
    throw new UsageError('--rule NAME says which rule (no rule refused what the record tells of)')
  const found = traceOf(about, rule)
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : traceText(found))
  return found.result === true ? 0 : 1
}

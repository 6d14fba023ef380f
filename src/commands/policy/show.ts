import { CATALOGUE } from '../../policy/catalogue.ts'
import { NOT_ENFORCED, operationsOf } from '../../policy/operations.ts'
import { originText } from '../../policy/origin.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { ownFlags } from '../own-flags.ts'
import { UsageError } from './usage-error.ts'
import { isJson, POLICY_FLAGS, policyOf } from './which-policy.ts'

const shown = (check: unknown): string => (typeof check === 'string' ? check : JSON.stringify(check))

interface Listed {
  readonly rule: string
  readonly layer: string
  /** The organisation locks it. */
  readonly locked: boolean
  readonly origin: string
  readonly check: string
  readonly where: string | null
}

function listed(rules: RuleSet, rule: string): Listed {
  const source = rules.source(rule)
  if (source === undefined)
    return { rule, layer: 'none', locked: false, origin: 'none', check: '', where: null }
  const layer = originText(source)
  if (source.from === 'default') {
    const old = source.orDeprecated === undefined ? '' : ` or (deprecated) ${source.orDeprecated || '@'}`
    return {
      rule,
      layer: source.layer,
      locked: false,
      origin: layer,
      check: `${source.check}${old}`,
      where: null,
    }
  }
  const { file, line } = source.place
  const above = source.and === undefined ? '' : `, and (locked by the bundle) ${shown(source.and)}`
  return {
    rule,
    layer: source.layer,
    locked: source.locked === true,
    origin: layer,
    check: `${shown(source.check)}${above}`,
    where: source.layer === 'bundle' ? file : `${file}:${line}`,
  }
}

/** `policy list [--format json] [--rule WORD]`: the effective policy, each rule with its layer. */
export async function list(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, [...POLICY_FLAGS, 'rule'] as const)
  const json = isJson(values)
  const rules = await policyOf(values, rest)
  const rows = rules
    .names()
    .filter((name) => name.includes(values.rule ?? ''))
    .map((name) => listed(rules, name))
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else
    for (const { rule, origin, check } of rows)
      process.stdout.write(`${rule}  (${origin})\n    ${check || '"" (everybody)'}\n`)
  return rows.length === 0 ? 1 : 0
}

/** `policy sample`: Cinder's rules as comments, to begin a policy file with. */
export function sample(argv: readonly string[]): number {
  if (argv.length > 0) throw new UsageError('policy sample takes nothing')
  const lines = CATALOGUE.flatMap(({ name, check, deprecated, operations }) => [
    ...(operationsOf(name).length > 0 ? operationsOf(name) : operations).map((operation) => `# ${operation}`),
    ...(NOT_ENFORCED.has(name) ? [`# left to Cinder: ${NOT_ENFORCED.get(name)}`] : []),
    ...(deprecated === undefined
      ? []
      : [`# deprecated: "${deprecated.name}": "${deprecated.check}", or-ed in unless enforce_new_defaults`]),
    `#"${name}": ${JSON.stringify(check)}`,
    '',
  ])
  process.stdout.write(lines.join('\n'))
  return 0
}

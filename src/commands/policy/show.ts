import { CATALOGUE } from '../../policy/catalogue.ts'
import { NOT_ENFORCED, operationsOf } from '../../policy/operations.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { ownFlags } from '../own-flags.ts'
import { policyOf } from './common.ts'

const shown = (check: unknown): string => (typeof check === 'string' ? check : JSON.stringify(check))

interface Listed {
  readonly rule: string
  readonly layer: string
  readonly check: string
  readonly where: string | null
}

function listed(rules: RuleSet, rule: string): Listed {
  const source = rules.source(rule)
  if (source === undefined) return { rule, layer: 'none', check: '', where: null }
  if (source.from === 'default') {
    const old = source.orDeprecated === undefined ? '' : ` or (deprecated) ${source.orDeprecated || '@'}`
    return { rule, layer: 'default', check: `${source.check}${old}`, where: null }
  }
  const { file, line } = source.place
  const locked = source.and === undefined ? '' : `, and (locked by the bundle) ${shown(source.and)}`
  return { rule, layer: source.layer, check: `${shown(source.check)}${locked}`, where: `${file}:${line}` }
}

/** `policy list [--format json] [WORD]`: the effective policy, each rule with its layer. */
export async function list(argv: readonly string[]): Promise<number> {
  const { values, rest } = ownFlags(argv, ['policy-file', 'format', 'rule'] as const)
  const rules = await policyOf(values['policy-file'], rest)
  const rows = rules
    .names()
    .filter((name) => name.includes(values.rule ?? ''))
    .map((name) => listed(rules, name))
  if (values.format === 'json') process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else
    for (const { rule, layer, check, where } of rows)
      process.stdout.write(
        `${rule}\n    ${layer.padEnd(8)}${check || '"" (everybody)'}${where === null ? '' : `  (${where})`}\n`,
      )
  return rows.length === 0 ? 1 : 0
}

/** `policy sample`: Cinder's rules as comments, to begin a policy file with. */
export function sample(): number {
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

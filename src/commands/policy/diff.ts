import { type Difference, differences, reworded, TARGET_COUNT } from '../../policy/personas.ts'
import { ownFlags } from '../own-flags.ts'
import { UsageError } from './usage-error.ts'
import { isJson, newDefaults, POLICY_FLAGS, policyIn } from './which-policy.ts'

/** `policy diff A B`: who gains and who loses, by kind of caller. Exits with 1 when anything differs. */
export function diff(argv: readonly string[]): number {
  const { values, rest } = ownFlags(argv, POLICY_FLAGS)
  const json = isJson(values)
  const [before, after, ...more] = rest
  if (before === undefined || after === undefined || more.length > 0 || values['policy-file'] !== undefined)
    throw new UsageError('policy diff takes two policy files (or bundles), and nothing else')
  const defaults = newDefaults(values)
  const [old, fresh] = [policyIn(before, defaults === 'true'), policyIn(after, defaults !== 'false')]
  const found = differences(old, fresh)
  const words = reworded(old, fresh).filter(({ rule }) => !found.some((each) => each.rule === rule))
  if (json) process.stdout.write(`${JSON.stringify({ differences: found, reworded: words }, null, 2)}\n`)
  else {
    for (const line of grouped(found)) process.stdout.write(`${line}\n`)
    for (const { rule, was, is } of words)
      process.stdout.write(
        `~ ${rule}: reworded, same result for all callers tried\n    before: ${was}\n    after:  ${is}\n`,
      )
    process.stdout.write(
      found.length + words.length === 0
        ? 'Nobody gains or loses.\n'
        : `${found.length} differences, ${words.length} rules reworded\n`,
    )
  }
  return found.length + words.length === 0 ? 0 : 1
}

/** A line for each rule and target: who gains or loses it. */
function grouped(found: readonly Difference[]): readonly string[] {
  const targets = Map.groupBy(found, ({ rule, change, persona }) => [change, rule, persona].join('\n'))
  const lines = new Map<string, string[]>()
  for (const [key, each] of targets) {
    const [change = '', rule = '', persona = ''] = key.split('\n')
    const where =
      each.length === TARGET_COUNT ? 'of any project' : each.map(({ target }) => target).join('; ')
    const line = `${change === 'gains' ? '+' : '-'} ${rule} (${where}): `
    lines.set(line, [...(lines.get(line) ?? []), persona])
  }
  return [...lines].map(([line, personas]) => line + personas.join(', '))
}

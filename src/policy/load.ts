import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import type { PolicySource } from '../checks/policy.ts'
import { findFile } from '../config/load.ts'
import type { Config } from '../config/options.ts'
import { compileRules, type Override } from './ruleset.ts'

/** Reads `policy_file` and `policy_dirs` as oslo.policy does; every problem with file, line and column. */
export function loadPolicyOf(config: Config): PolicySource | { readonly problems: readonly string[] } {
  const { policy_file, policy_dirs, enforce_new_defaults } = config.oslo_policy
  const main = findFile(policy_file, config.sources)
  const dirs = policy_dirs.flatMap((dir) => findFile(dir, config.sources) ?? [])
  const files = [...(main === undefined ? [] : [main]), ...dirs.flatMap(filesIn)]
  const problems: string[] = []
  const overrides = new Map<string, Override>()
  for (const file of files) readOverrides(file, overrides, problems)
  const rules = compileRules(overrides, enforce_new_defaults)
  if ('problems' in rules) return { problems: [...problems, ...rules.problems] }
  return problems.length > 0 ? { problems } : { current: () => rules }
}

function filesIn(dir: string): readonly string[] {
  if (!existsSync(dir)) return []
  const entries = readdirSync(dir, { withFileTypes: true }).filter(
    (entry) => !entry.isDirectory() && !entry.name.startsWith('.'),
  )
  return entries.map((entry) => join(dir, entry.name)).sort()
}

function readOverrides(file: string, overrides: Map<string, Override>, problems: string[]): void {
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(file, 'utf8'), {
    version: '1.1',
    uniqueKeys: true,
    lineCounter: lines,
  })
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  for (const error of document.errors)
    problems.push(`${placeOf(error.pos[0])}: ${error.message.split('\n', 1)[0]}`)
  if (document.errors.length > 0 || document.contents === null) return
  if (!isMap(document.contents)) {
    problems.push(`${file}:1:1: a policy file is a mapping of rule names to check strings`)
    return
  }
  for (const { key, value } of document.contents.items) {
    if (!isScalar(key) || typeof key.value !== 'string') continue
    const where = placeOf(key.range?.[0] ?? 0)
    const check: unknown = isScalar(value)
      ? value.value
      : (document.toJS() as Record<string, unknown>)[key.value]
    if (typeof check === 'string' || Array.isArray(check)) overrides.set(key.value, { check, where })
    else {
      problems.push(
        `${where}: rule "${key.value}" has no check string; oslo.policy would let everybody pass. Write "" or "@" to mean that, "!" (in quotes) to refuse everybody`,
      )
    }
  }
}

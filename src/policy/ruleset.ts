import type { PolicyRules } from '../checks/policy.ts'
import catalogue from './catalogue.json' with { type: 'json' }
import { compile, type Decide } from './evaluate.ts'
import { PolicySyntaxError, parseRule, type Rule } from './grammar.ts'

/** A rule that the operator wrote, and where. */
export interface Override {
  readonly check: unknown
  /** `file:line:column`. */
  readonly where: string
}

interface CatalogueRow {
  readonly name: string
  readonly check: string
  readonly deprecated?: { readonly name: string; readonly check: string }
}

/** All rules in force: Cinder's own defaults under the operator's. */
export interface RuleSet extends PolicyRules {
  has(rule: string): boolean
}

const DENY: Decide = () => false

/**
 * Compiles Cinder's rules with the operator's over them, or says everything that is wrong with those.
 * @param enforceNewDefaults `[oslo_policy] enforce_new_defaults`; when false a deprecated default is or-ed in.
 */
export function compileRules(
  overrides: ReadonlyMap<string, Override>,
  enforceNewDefaults: boolean,
): RuleSet | { readonly problems: readonly string[] } {
  const problems: string[] = []
  const rules = new Map<string, Rule>()
  for (const row of catalogue as readonly CatalogueRow[])
    rules.set(row.name, defaultOf(row, overrides, enforceNewDefaults))
  for (const [name, { check, where }] of overrides) {
    try {
      rules.set(name, parseRule(check))
    } catch (error) {
      if (!(error instanceof PolicySyntaxError)) throw error
      problems.push(`${where}: rule "${name}": ${error.message}`)
    }
  }
  problems.push(...referenceProblems(rules, overrides))
  if (problems.length > 0) return { problems }
  const compiled = new Map<string, Decide>()
  const named = (name: string): Decide => compiled.get(name) ?? compiled.get('default') ?? DENY
  for (const [name, rule] of rules) compiled.set(name, compile(rule, named))
  return {
    allows: (rule, credentials, target) => named(rule)(credentials, target),
    has: (rule) => compiled.has(rule),
  }
}

function defaultOf(
  row: CatalogueRow,
  overrides: ReadonlyMap<string, Override>,
  enforceNewDefaults: boolean,
): Rule {
  const current = parseDefault(row.check)
  const { deprecated } = row
  if (deprecated === undefined) return current
  const old = deprecated.name === row.name ? undefined : overrides.get(deprecated.name)
  if (old !== undefined && old.check !== deprecated.check && old.check !== `rule:${row.name}`) {
    return { kind: 'check', name: 'rule', match: deprecated.name }
  }
  if (enforceNewDefaults || deprecated.check === row.check) return current
  return { kind: 'or', parts: [current, parseDefault(deprecated.check)] }
}

/** Cinder's own strings always read; one that oslo.policy cannot use is a refusal, as there. */
function parseDefault(check: string): Rule {
  return parseRule(check)
}

/** References to rules that do not exist, and rules that go round in a circle. */
function referenceProblems(
  rules: ReadonlyMap<string, Rule>,
  overrides: ReadonlyMap<string, Override>,
): readonly string[] {
  const problems: string[] = []
  for (const [name, { where }] of overrides) {
    const rule = rules.get(name)
    if (rule === undefined) continue
    for (const reference of referencesOf(rule)) {
      if (!rules.has(reference))
        problems.push(`${where}: rule "${name}" refers to "${reference}", which does not exist`)
    }
    if (reaches(name, name, rules, new Set())) problems.push(`${where}: rule "${name}" refers to itself`)
  }
  return problems
}

function reaches(from: string, wanted: string, rules: ReadonlyMap<string, Rule>, seen: Set<string>): boolean {
  const rule = rules.get(from)
  if (rule === undefined) return false
  return referencesOf(rule).some((next) => {
    if (next === wanted) return true
    if (seen.has(next)) return false
    seen.add(next)
    return reaches(next, wanted, rules, seen)
  })
}

function referencesOf(rule: Rule): readonly string[] {
  if (rule.kind === 'check') return rule.name === 'rule' ? [rule.match] : []
  if (rule.kind === 'not') return referencesOf(rule.part)
  return rule.kind === 'and' || rule.kind === 'or' ? rule.parts.flatMap(referencesOf) : []
}

import type { Rule } from './grammar.ts'

/** Something wrong in a policy file. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

type Place = Omit<Problem, 'message'>
/** A rule, and where the operator wrote it, perhaps under its old name. */
type Rules = ReadonlyMap<
  string,
  { readonly rule: Rule; readonly source: { readonly place?: Place | undefined } }
>

/** `file:line:column: message` */
export function problemText({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`
}

/**
 * References of the operator's rules to rules that do not exist (oslo.policy would refuse there), and rules that
 * refer to themselves in a circle (it would answer 500).
 */
export function referenceProblems(rules: Rules, written: ReadonlyMap<string, unknown>): readonly Problem[] {
  const problems: Problem[] = []
  for (const [name, { rule, source }] of rules) {
    if (source.place === undefined) continue
    for (const missing of written.has(name) ? referencesOf(rule) : []) {
      // A rule with a syntax problem is missing here too, and reported already.
      if (rules.has(missing) || written.has(missing)) continue
      const message = `rule "${name}" refers to "${missing}", which does not exist`
      problems.push({ ...source.place, message })
    }
    const circle = circleOf(name, rules)
    if (circle === undefined) continue
    problems.push({ ...source.place, message: `rule "${name}" refers to itself: ${circle.join(' -> ')}` })
  }
  return problems
}

/** The names of the rules that a rule refers to itself, each once. */
export function referencesOf(rule: Rule): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (part: Rule): void => {
    if (part.kind === 'rule') found.add(part.name)
    else if (part.kind === 'not') visit(part.part)
    else if (part.kind === 'and' || part.kind === 'or') part.parts.forEach(visit)
  }
  visit(rule)
  return found
}

/**
 * The names of all rules that a rule's answer may depend on, its own among them. `is_admin` is what the rule
 * `context_is_admin` says.
 */
export function reachedFrom(
  name: string,
  rules: ReadonlyMap<string, { readonly rule: Rule }>,
): ReadonlySet<string> {
  const reached = new Set<string>()
  const visit = (next: string): void => {
    const entry = rules.get(next)
    if (reached.has(next) || entry === undefined) return
    reached.add(next)
    referencesOf(entry.rule).forEach(visit)
    if (readsIsAdmin(entry.rule)) visit('context_is_admin')
  }
  visit(name)
  return reached
}

function readsIsAdmin(rule: Rule): boolean {
  if (rule.kind === 'attribute') return rule.path[0] === 'is_admin'
  if (rule.kind === 'not') return readsIsAdmin(rule.part)
  return (rule.kind === 'and' || rule.kind === 'or') && rule.parts.some(readsIsAdmin)
}

/** The way from a rule back to itself. */
function circleOf(name: string, rules: Rules): readonly string[] | undefined {
  const seen = new Set<string>()
  const search = (from: string, way: readonly string[]): readonly string[] | undefined => {
    const entry = rules.get(from)
    if (entry === undefined || seen.has(from)) return undefined
    seen.add(from)
    for (const next of referencesOf(entry.rule)) {
      const path = [...way, next]
      const circle = next === name ? path : search(next, path)
      if (circle !== undefined) return circle
    }
    return undefined
  }
  return search(name, [name])
}

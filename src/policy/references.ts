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
  const suspects = endless(rules)
  for (const [name, { rule, source }] of rules) {
    if (source.place === undefined) continue
    for (const missing of written.has(name) ? referencesOf(rule) : []) {
      // A rule with a syntax problem is missing here too, and reported already.
      if (rules.has(missing) || written.has(missing)) continue
      const message = `rule "${name}" refers to "${missing}", which does not exist`
      problems.push({ ...source.place, message })
    }
    const circle = suspects.has(name) ? circleOf(name, rules) : undefined
    if (circle === undefined) continue
    problems.push({ ...source.place, message: `rule "${name}" refers to itself: ${circle.join(' -> ')}` })
  }
  return problems
}

/** The names of the rules that a rule refers to itself, each once. */
export function referencesOf(rule: Rule): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (part: Rule): void => {
    if (part.kind === 'rule' && part.is === undefined) found.add(part.name)
    else if (part.kind === 'not') visit(part.part)
    else if (part.kind === 'and' || part.kind === 'or') part.parts.forEach(visit)
  }
  visit(rule)
  return found
}

/** The names that rules refer to, directly or through others, and their own. */
export function closureOf(
  names: Iterable<string>,
  rules: ReadonlyMap<string, { readonly rule: Rule }>,
): ReadonlySet<string> {
  const found = new Set(names)
  // A set that grows while it is walked is walked to its end.
  for (const name of found)
    for (const next of referencesOf(rules.get(name)?.rule ?? { kind: 'never' })) found.add(next)
  return found
}

/** Rules whose references do not end: they are part of a circle, or lead into one. */
function endless(rules: Rules): ReadonlySet<string> {
  const users = new Map<string, string[]>()
  const open = new Map<string, number>()
  const ended: string[] = []
  for (const [name, { rule }] of rules) {
    const references = [...referencesOf(rule)].filter((each) => rules.has(each))
    open.set(name, references.length)
    if (references.length === 0) ended.push(name)
    for (const each of references) {
      const known = users.get(each)
      if (known === undefined) users.set(each, [name])
      else known.push(name)
    }
  }
  // A list that grows while it is walked is walked to its end.
  for (const name of ended) {
    open.delete(name)
    for (const user of users.get(name) ?? []) {
      const left = (open.get(user) ?? 0) - 1
      open.set(user, left)
      if (left === 0) ended.push(user)
    }
  }
  return new Set(open.keys())
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
  if (rule.kind === 'not' || rule.kind === 'locked') return readsIsAdmin(rule.part)
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

import type { Rule } from './grammar.ts'
import { closureOf, type Problem, referenceProblems } from './references.ts'
import type { BundleRule, Entry } from './ruleset.ts'

const ADMIN = 'context_is_admin'

/**
 * Adds to each rule that the organisation locks the organisation's own: that with all that it refers to, and with
 * `is_admin`, read out of Cinder's defaults and the bundle alone, so that no local file reaches it. A lock on a
 * rule's old name holds for the rules that it decides, too.
 *
 * @param entries the rules in force, local files included.
 * @param organisation those without local files.
 */
export function locked(
  entries: ReadonlyMap<string, Entry>,
  organisation: ReadonlyMap<string, Entry>,
  bundle: ReadonlyMap<string, BundleRule>,
): { readonly entries: ReadonlyMap<string, Entry> } | { readonly problems: readonly Problem[] } {
  const names = namesOf(organisation, bundle)
  if (names.length === 0) return { entries }
  const reached = closureOf([...names, ADMIN], organisation)
  const within = new Map([...organisation].filter(([name]) => reached.has(name)))
  const problems = referenceProblems(within, bundle)
  if (problems.length > 0)
    return { problems: problems.map((each) => ({ ...each, message: `${each.message}, in the bundle` })) }

  const isLocal = (name: string): boolean => entries.get(name)?.source.layer === 'local'
  // A local file may also bring Cinder's default back: by making the old name an alias of the new one.
  const isChanged = (name: string): boolean =>
    isLocal(name) || entries.get(name)?.source.from !== organisation.get(name)?.source.from
  const bind = binder(within)
  const isAdmin = [...closureOf([ADMIN], within)].some(isChanged) ? bind(ADMIN) : null
  const tight = new Map(entries)
  for (const name of names) {
    const entry = entries.get(name)
    const above = organisation.get(name)
    if (entry === undefined || above === undefined) continue
    const isTouched = isAdmin !== null || [...closureOf([name], within)].some(isChanged)
    const { source: from } = isLocal(name) || !isChanged(name) ? entry : above
    const source = { ...from, locked: true } as Entry['source']
    tight.set(name, {
      rule: isTouched
        ? { kind: 'and', parts: [{ kind: 'locked', part: bind(name), isAdmin }, entry.rule] }
        : entry.rule,
      source: isLocal(name) ? ({ ...source, and: above.source.check } as Entry['source']) : source,
    })
  }
  return { entries: tight }
}

/** Locked ones, and those that one of them decides under its old name. */
function namesOf(
  organisation: ReadonlyMap<string, Entry>,
  bundle: ReadonlyMap<string, BundleRule>,
): readonly string[] {
  const isLocked = (name: string | undefined): boolean =>
    name !== undefined && bundle.get(name)?.locked === true
  return [...organisation]
    .filter(([name, { source }]) => isLocked(name) || (source.from === 'file' && isLocked(source.as)))
    .map(([name]) => name)
}

/** Makes references mean these rules and no others; there are no circles. */
function binder(rules: ReadonlyMap<string, Entry>): (name: string) => Rule {
  const known = new Map<string, Rule>()
  const bind = (name: string): Rule => {
    const found = known.get(name) ?? within(rules.get(name)?.rule ?? { kind: 'never' })
    known.set(name, found)
    return found
  }
  const within = (rule: Rule): Rule => {
    if (rule.kind === 'rule') return { ...rule, is: bind(rule.name) }
    if (rule.kind === 'not') return { kind: 'not', part: within(rule.part) }
    return rule.kind === 'and' || rule.kind === 'or' ? { ...rule, parts: rule.parts.map(within) } : rule
  }
  return bind
}

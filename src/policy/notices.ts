import { CATALOGUE } from './catalogue.ts'
import { CREDENTIALS } from './credentials.ts'
import type { Rule } from './grammar.ts'
import { NOT_ENFORCED } from './operations.ts'
import { problemText, referencesOf } from './references.ts'
import type { RuleSet } from './ruleset.ts'

/** Names that Cinder asks, of today and of before. */
const ASKED: ReadonlySet<string> = new Set([
  ...CATALOGUE.flatMap(({ name, deprecated }) =>
    deprecated === undefined ? [name] : [name, deprecated.name],
  ),
  'default',
])

/**
 * What loads and may still not be what was meant: a rule that nothing asks, a credential that no caller has, a rule
 * that the gateway leaves to Cinder. One line each.
 */
export function noticesOf(rules: RuleSet): readonly string[] {
  const all = rules.names().map((name) => ({ name, rule: rules.rule(name), source: rules.source(name) }))
  const referred = new Set(all.flatMap(({ rule }) => (rule === undefined ? [] : [...referencesOf(rule)])))
  return all.flatMap(({ name, rule, source }) => {
    if (rule === undefined || source?.from !== 'file' || source.as !== undefined) return []
    const say = (message: string): string =>
      problemText({ ...source.place, message: `rule "${name}" ${message}` })
    const nobodyAsks = !ASKED.has(name) && !referred.has(name)
    return [
      ...(nobodyAsks ? [say("is none of Cinder's, and no rule refers to it: it has no effect")] : []),
      ...(NOT_ENFORCED.has(name) ? [say('is left to Cinder: the gateway cannot tell when it is asked')] : []),
      ...[...readOf(rule)]
        .filter((attribute) => !CREDENTIALS.has(attribute))
        .map((attribute) => say(`reads the credential "${attribute}", which no caller has`)),
    ]
  })
}

/** The first steps into the credentials. */
function readOf(rule: Rule): ReadonlySet<string> {
  if (rule.kind === 'attribute') return new Set(rule.path.slice(0, 1))
  if (rule.kind === 'not') return readOf(rule.part)
  return rule.kind === 'and' || rule.kind === 'or'
    ? new Set(rule.parts.flatMap((part) => [...readOf(part)]))
    : new Set()
}

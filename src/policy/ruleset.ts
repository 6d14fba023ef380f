import { CATALOGUE, type CatalogueRow } from './catalogue.ts'
import { type CompiledRule, compile, PolicyError, type RemoteAnswers, UnansweredError } from './evaluate.ts'
import { isProblem, parseRule, type Rule } from './grammar.ts'
import { locked } from './locks.ts'
import { type Problem, problemText, reachedFrom, referenceProblems } from './references.ts'
import { UnknownAttributeError, type Values } from './template.ts'

/** Where something stands in a policy file; lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A rule that the operator wrote. */
export interface Override {
  /** A check string, or the old form of lists. */
  readonly check: unknown
  readonly place: Place
  /** The check string stands at `place` character by character, so that an offset into it is one in the line. */
  readonly verbatim?: boolean
}

export interface RuleOptions {
  /** `[oslo_policy] enforce_new_defaults`: false (as for Cinder 21) or-s deprecated defaults in. */
  readonly enforceNewDefaults?: boolean
  /** `[oslo_policy] policy_default_rule`: judges names that have no rule, if the operator wrote it. */
  readonly defaultRule?: string
  /** The organisation's rules, below the operator's own. */
  readonly bundle?: ReadonlyMap<string, BundleRule>
}

/** A rule of the organisation. */
export interface BundleRule extends Override {
  /** The operator's own rule of this name can only tighten it: both must allow. */
  readonly locked: boolean
}

/** All rules in force: Cinder's own defaults under the operator's. Immutable; a reload makes another. */
export interface RuleSet {
  /** @throws PolicyError where Cinder would answer 500, and UnansweredError where another server must be asked. */
  allows(name: string, credentials: Values, target: Values): boolean
  /** Like `allows`, but names the URL that must be asked first. Ask, and decide again with its answer. */
  decide(
    name: string,
    credentials: Values,
    target: Values,
    remote: RemoteAnswers,
  ): boolean | { readonly ask: string }
  /** It allows, whatever the target's UNKNOWN attributes are. A server that must be asked may say anything. */
  allowsAnyway(name: string, credentials: Values, target: Values): boolean
  /** Attributes of the target that the decision may depend on. */
  reads(name: string): ReadonlySet<string>
  has(name: string): boolean
  /** Somebody wrote the rule (in a file or the bundle), or another that it refers to. */
  isWritten(name: string): boolean
  /** Cinder's own rules and no others. */
  readonly isDefault: boolean
  /** The rule as it is judged, for whoever explains it. */
  rule(name: string): Rule | undefined
  /** Every rule there is, Cinder's and the operator's, sorted. */
  names(): readonly string[]
  /** The check of a rule as Cinder's default or the operator wrote it; undefined when there is no such rule. */
  source(name: string): RuleSource | undefined
}

/** Where the rule in force comes from; `as` when it is one that the operator wrote under the rule's old name. */
export type RuleSource =
  | {
      readonly from: 'default'
      readonly layer: 'default'
      readonly check: string
      readonly orDeprecated?: string
      readonly place?: undefined
      readonly locked?: undefined
    }
  | {
      readonly from: 'file'
      readonly layer: 'bundle' | 'local'
      readonly check: unknown
      readonly place: Place
      readonly as?: string
      /** The organisation's locked rule, which must allow as well. */
      readonly and?: unknown
      /** The organisation locks it: local files can only tighten it. */
      readonly locked?: true
    }

/** A rule, and where it comes from. */
export interface Entry {
  readonly rule: Rule
  readonly source: RuleSource
}

const UNASKED: RemoteAnswers = () => undefined

/** Compiles Cinder's rules with the operator's over them, or says everything that is wrong with those. */
export function compileRules(
  overrides: ReadonlyMap<string, Override>,
  options: RuleOptions = {},
): RuleSet | { readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const bundle = options.bundle ?? new Map<string, BundleRule>()
  const organisation = read('bundle', bundle, problems)
  const both = new Map([...organisation, ...read('local', overrides, problems)])
  const entries = completed(both, options)
  const unread = problems.length
  problems.push(...referenceProblems(entries, new Map([...bundle, ...overrides])))
  // What a rule of the bundle that cannot be read is locked to, nobody knows.
  if (unread > 0) return { problems }
  const tight = locked(entries, completed(organisation, options), bundle)
  if ('problems' in tight) problems.push(...tight.problems)
  if (problems.length > 0) return { problems: unique(problems) }
  return link('problems' in tight ? entries : tight.entries, options.defaultRule ?? 'default')
}

const unique = (problems: readonly Problem[]): readonly Problem[] => [
  ...new Map(problems.map((problem) => [problemText(problem), problem])).values(),
]

/** The rules that somebody wrote, and Cinder's for the rest. */
function completed(written: ReadonlyMap<string, Entry>, options: RuleOptions): Map<string, Entry> {
  const entries = new Map(written)
  for (const row of CATALOGUE)
    if (!written.has(row.name)) entries.set(row.name, defaultOf(row, written, options))
  return entries
}

function read(
  layer: 'bundle' | 'local',
  overrides: ReadonlyMap<string, Override>,
  problems: Problem[],
): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  for (const [name, { check, place, verbatim }] of overrides) {
    const rule = parseRule(check)
    if (isProblem(rule)) {
      const column = place.column + (verbatim === true ? rule.offset : 0)
      problems.push({ ...place, column, message: `rule "${name}": ${rule.message}` })
    } else entries.set(name, { rule, source: { from: 'file', layer, check, place } })
  }
  return entries
}

/** The rule under a name that the operator did not write, which may still mean the one under its old name. */
function defaultOf(row: CatalogueRow, written: ReadonlyMap<string, Entry>, options: RuleOptions): Entry {
  const { deprecated } = row
  const rule = parseDefault(row.check)
  const source: RuleSource = { from: 'default', layer: 'default', check: row.check }
  if (deprecated === undefined) return { rule, source }
  const old = deprecated.name === row.name ? undefined : written.get(deprecated.name)
  if (old !== undefined && old.source.from === 'file' && !refersTo(old.rule, row.name))
    return { rule: old.rule, source: { ...old.source, as: deprecated.name } }
  if (options.enforceNewDefaults === true || deprecated.check === row.check) return { rule, source }
  return {
    rule: { kind: 'or', parts: [rule, parseDefault(deprecated.check)] },
    source: { ...source, orDeprecated: deprecated.check },
  }
}

/** `rule:<name>` and nothing else: what oslo.policy's own generator writes for a renamed rule. */
function refersTo(rule: Rule, name: string): boolean {
  return rule.kind === 'rule' && rule.name === name
}

/** Cinder's own strings always read; a test proves it. */
function parseDefault(check: string): Rule {
  const rule = parseRule(check)
  if (isProblem(rule)) throw new PolicyError(`Cinder's own rule cannot be read: ${rule.message}`)
  return rule
}

function link(entries: ReadonlyMap<string, Entry>, defaultRule: string): RuleSet {
  const compiled = new Map<string, CompiledRule>()
  const bounds = new Map<Rule, CompiledRule>()
  const named = (name: string, bound?: Rule): CompiledRule => {
    const known = bound === undefined ? compiled.get(name) : bounds.get(bound)
    if (known !== undefined) return known
    if (bound !== undefined) {
      const rule = compile(bound, named)
      bounds.set(bound, rule)
      return rule
    }
    const entry = entries.get(name)
    if (entry === undefined) throw new PolicyError(`there is no rule "${name}"`)
    const rule = compile(entry.rule, named)
    compiled.set(name, rule)
    return rule
  }
  for (const name of entries.keys()) named(name)
  const names = [...entries.keys()].sort()
  const isFromFile = (name: string): boolean => entries.get(name)?.source.from === 'file'
  const written = new Set(names.filter((name) => [...reachedFrom(name, entries)].some(isFromFile)))
  const find = (name: string): CompiledRule => compiled.get(name) ?? compiled.get(defaultRule) ?? named(name)
  return {
    allows: (name, credentials, target) => find(name).decide(credentials, target, UNASKED),
    decide(name, credentials, target, remote) {
      try {
        return find(name).decide(credentials, target, remote)
      } catch (error) {
        if (error instanceof UnansweredError) return { ask: error.url }
        throw error
      }
    },
    allowsAnyway(name, credentials, target) {
      const rule = find(name)
      if (rule.remote) return false
      try {
        return rule.decide(credentials, target, UNASKED)
      } catch (error) {
        if (error instanceof UnknownAttributeError) return false
        throw error
      }
    },
    reads: (name) => find(name).reads,
    has: (name) => compiled.has(name),
    isWritten: (name) => written.has(name),
    isDefault: [...entries.values()].every(({ source }) => source.from === 'default'),
    rule: (name) => entries.get(name)?.rule,
    names: () => names,
    source: (name) => entries.get(name)?.source,
  }
}

import { administered, compile, PolicyError, REQUEST, UnansweredError } from './evaluate.ts'
import { type RequestFacts, seen } from './extensions.ts'
import type { Rule } from './grammar.ts'
import { type Template, UNKNOWN, UnknownAttributeError, type Values } from './template.ts'

/** One check of a rule, how it came out, and what it read. */
export interface Trace {
  readonly check: string
  /** `error` where Cinder answers 500, `asks` where another server decides. */
  readonly result: boolean | 'error' | 'asks'
  /** What the check compared, such as `project_id = "p1", wanted "p2"`. */
  readonly read?: string
  /** Where a rule that is referred to comes from. */
  readonly origin?: string
  readonly parts: readonly Trace[]
}

/**
 * Judges a rule check by check; unlike a decision it looks at every one.
 * @param named finds a rule referred to. @param originOf says where it comes from.
 */
export function trace(
  rule: Rule,
  named: Named,
  credentials: Values,
  target: Values,
  originOf?: (name: string) => string,
): Trace {
  const inner = (each: Rule): Trace => trace(each, named, credentials, target, originOf)
  if (rule.kind === 'locked') return lockedTrace(rule, named, credentials, target)
  const parts =
    rule.kind === 'and' || rule.kind === 'or'
      ? rule.parts.map(inner)
      : rule.kind === 'not'
        ? [inner(rule.part)]
        : rule.kind === 'rule'
          ? [rule.is ?? named(rule.name)].filter((each) => each !== undefined).map(inner)
          : []
  const read = readingOf(rule, credentials, target)
  return {
    check: rule.kind === 'and' || rule.kind === 'or' ? rule.kind : ruleText(rule),
    result: resultOf(rule, named, credentials, target),
    ...(read === null ? {} : { read }),
    ...(rule.kind === 'rule' && rule.is === undefined && originOf !== undefined
      ? { origin: originOf(rule.name) }
      : {}),
    parts,
  }
}

type Named = (name: string) => Rule | undefined

/** What the organisation locks sees the organisation's `is_admin`. */
function lockedTrace(
  rule: Extract<Rule, { kind: 'locked' }>,
  named: Named,
  credentials: Values,
  target: Values,
): Trace {
  const { part, isAdmin } = rule
  let own = credentials
  try {
    if (isAdmin !== null) own = administered(credentials, compiled(isAdmin, named), UNASKED)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
  }
  return {
    check: ruleText(rule),
    result: resultOf(rule, named, credentials, target),
    parts: [trace(part, named, own, target)],
  }
}

const UNASKED = (): undefined => undefined

const compiled = (rule: Rule, named: Named): ReturnType<typeof compile> =>
  compile(rule, (name, bound) => compiled(bound ?? named(name) ?? { kind: 'never' }, named))

function resultOf(rule: Rule, named: Named, credentials: Values, target: Values): Trace['result'] {
  try {
    return compiled(rule, named).decide(credentials, target, UNASKED)
  } catch (error) {
    if (error instanceof UnansweredError) return 'asks'
    if (error instanceof PolicyError || error instanceof UnknownAttributeError) return 'error'
    throw error
  }
}

function readingOf(rule: Rule, credentials: Values, target: Values): string | null {
  const wanted = (template: Template): string => {
    const slots = template.pieces.filter((piece) => typeof piece !== 'string')
    return slots.map(({ attribute }) => `, target's ${attribute} = ${show(target[attribute])}`).join('')
  }
  if (rule.kind === 'role') return `roles = ${show(credentials.roles)}${wanted(rule.wanted)}`
  if (rule.kind === 'literal') return wanted(rule.wanted).slice(2) || null
  if (rule.kind === 'extension') return requestRead(rule.text, credentials)
  if (rule.kind !== 'attribute') return null
  const value = rule.path.reduce<unknown>(
    (sofar, step) => (typeof sofar === 'object' && sofar !== null ? (sofar as Values)[step] : undefined),
    credentials,
  )
  return `${rule.path.join('.')} = ${show(value)}${wanted(rule.wanted)}`
}

function requestRead(check: string, credentials: Values): string | null {
  const request = (credentials as { readonly [REQUEST]?: RequestFacts })[REQUEST]
  return request === undefined ? null : seen(check, request)
}

function show(value: unknown): string {
  if (value === UNKNOWN) return 'unknown to the gateway'
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

/** A rule as one writes it. */
export function ruleText(rule: Rule): string {
  switch (rule.kind) {
    case 'always':
      return '@'
    case 'never':
      return '!'
    case 'not':
      return `not ${bracketed(rule.part)}`
    case 'and':
    case 'or':
      return rule.parts.map(bracketed).join(` ${rule.kind} `)
    case 'rule':
      return `rule:${rule.name}`
    case 'locked':
      return 'locked by the bundle'
    case 'role':
      return `role:${templateText(rule.wanted)}`
    case 'literal':
      return `${rule.text}:${templateText(rule.wanted)}`
    case 'attribute':
      return `${rule.path.join('.')}:${templateText(rule.wanted)}`
    case 'extension':
      return rule.text
    case 'remote':
      return templateText(rule.url)
  }
}

function bracketed(rule: Rule): string {
  return rule.kind === 'and' || rule.kind === 'or' ? `(${ruleText(rule)})` : ruleText(rule)
}

function templateText({ pieces }: Template): string {
  return pieces
    .map((piece) =>
      typeof piece === 'string'
        ? piece.replaceAll('%', '%%')
        : `%(${piece.attribute})${piece.repr ? 'r' : 's'}`,
    )
    .join('')
}

/** A result in six characters. */
export function word(result: Trace['result']): string {
  if (result === true) return 'passed'
  return result === false ? 'failed' : result === 'error' ? 'error ' : 'asks  '
}

/** The tree, one check a line. */
export function traceText(node: Trace, depth = 0): string {
  const read = node.read === undefined ? '' : `   [${node.read}]`
  const origin = node.origin === undefined ? '' : `   (${node.origin})`
  const line = `${word(node.result)}  ${'  '.repeat(depth)}${node.check}${origin}${read}\n`
  return line + node.parts.map((part) => traceText(part, depth + 1)).join('')
}

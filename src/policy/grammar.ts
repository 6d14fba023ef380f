import { type Extension, PREFIX, parseExtension } from './extensions.ts'
import { parseSubject } from './subject.ts'
import { parseTemplate, type SyntaxProblem, type Template } from './template.ts'

/** A check string of oslo.policy, read. */
export type Rule =
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Rule[] }
  | { readonly kind: 'not'; readonly part: Rule }
  /** `rule:name`; `is` where it means one rule whatever else has that name: within what the organisation locks */
  | { readonly kind: 'rule'; readonly name: string; readonly is?: Rule }
  /** A rule of the organisation with all that it refers to; `isAdmin` replaces the caller's `is_admin` in it */
  | { readonly kind: 'locked'; readonly part: Rule; readonly isAdmin: Rule | null }
  /** `role:wanted` */
  | { readonly kind: 'role'; readonly wanted: Template }
  /** `True:wanted`: Python's text of a literal */
  | { readonly kind: 'literal'; readonly text: string; readonly wanted: Template }
  /** `project_id:wanted`: a path into the credentials */
  | { readonly kind: 'attribute'; readonly path: readonly string[]; readonly wanted: Template }
  /** `http:...`, `https:...`: another server decides; the template makes the whole URL */
  | { readonly kind: 'remote'; readonly url: Template }
  /** `cinderguard.address:10.0.0.0/8`: of the request itself */
  | { readonly kind: 'extension'; readonly text: string; readonly test: Extension }

/** Parentheses and negations within each other; far more than anybody writes, far less than a stack holds. */
const MAX_DEPTH = 100

const ALWAYS: Rule = { kind: 'always' }
const NEVER: Rule = { kind: 'never' }

interface Token {
  readonly type: '(' | ')' | 'and' | 'or' | 'not' | 'check' | 'string'
  readonly text: string
  readonly offset: number
}

/** Python's white space, which is not JavaScript's. */
const WORD = /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g

/**
 * Reads the string form (`not` binds before `and` before `or`) or the old form of lists (outer or, inner and).
 *
 * Stricter than oslo.policy on purpose: what that logs and turns into "refuse everybody", what would fail with a 500
 * when a request comes, and a missing value, which lets everybody pass, are all problems.
 */
export function parseRule(source: unknown): Rule | SyntaxProblem {
  if (typeof source === 'string') return source === '' ? ALWAYS : parseText(source)
  if (Array.isArray(source)) return parseLists(source)
  return problem(0, 'a rule is a string (or, the old form, a list of lists of strings)')
}

export function isProblem<T extends object>(result: T | SyntaxProblem): result is SyntaxProblem {
  return 'message' in result
}

function problem(offset: number, message: string): SyntaxProblem {
  return { message, offset }
}

function parseLists(lists: readonly unknown[]): Rule | SyntaxProblem {
  if (lists.length === 0) return ALWAYS
  const alternatives: Rule[] = []
  for (const inner of lists) {
    const members: readonly unknown[] = Array.isArray(inner) ? inner : [inner]
    if (members.length === 0) continue
    const parts: Rule[] = []
    for (const member of members) {
      if (typeof member !== 'string') return problem(0, 'a rule in the form of lists holds strings only')
      const check = parseCheck(member, 0)
      if (isProblem(check)) return check
      parts.push(check)
    }
    alternatives.push(joined('and', parts))
  }
  return alternatives.length === 0 ? NEVER : joined('or', alternatives)
}

function joined(kind: 'and' | 'or', parts: readonly Rule[]): Rule {
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : { kind, parts }
}

function parseText(text: string): Rule | SyntaxProblem {
  const tokens = tokenize(text)
  if (tokens.length === 0)
    return problem(0, 'only white space; write "" or "@" to let everybody pass, "!" to refuse everybody')
  const reader = new Reader(tokens, text.length)
  const rule = reader.chain('or')
  return isProblem(rule) ? rule : (reader.rest() ?? rule)
}

/** Recursive descent; the result equals oslo.policy's, which reduces a stack. */
class Reader {
  readonly #tokens: readonly Token[]
  readonly #end: number
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens
    this.#end = end
  }

  chain(kind: 'or' | 'and'): Rule | SyntaxProblem {
    const parts: Rule[] = []
    do {
      const part = kind === 'or' ? this.chain('and') : this.#single()
      if (isProblem(part)) return part
      parts.push(part)
    } while (this.#skip(kind))
    return joined(kind, parts)
  }

  /** What stands after a complete rule. */
  rest(): SyntaxProblem | undefined {
    const token = this.#tokens[this.#at]
    if (token === undefined) return undefined
    if (token.type === ')') return problem(token.offset, 'this ) closes nothing')
    return problem(token.offset, `"and" or "or" is missing before ${token.text}`)
  }

  #skip(type: Token['type']): boolean {
    const found = this.#tokens[this.#at]?.type === type
    if (found) this.#at += 1
    return found
  }

  #single(): Rule | SyntaxProblem {
    const from = this.#tokens[this.#at]?.offset ?? this.#end
    let negations = 0
    while (this.#skip('not')) negations += 1
    this.#depth += negations + 1
    if (this.#depth > MAX_DEPTH) return problem(from, `nested deeper than ${MAX_DEPTH} levels`)
    let rule = this.#operand()
    this.#depth -= negations + 1
    if (isProblem(rule)) return rule
    for (; negations > 0; negations -= 1) rule = { kind: 'not', part: rule }
    return rule
  }

  #operand(): Rule | SyntaxProblem {
    const token = this.#tokens[this.#at]
    if (token === undefined) return problem(this.#end, 'the rule ends where a check is expected')
    this.#at += 1
    if (token.type === 'check') return parseCheck(token.text, token.offset)
    if (token.type === 'string')
      return problem(token.offset, `${token.text} is a bare string; a check is kind:value, without quotes`)
    if (token.type !== '(') return problem(token.offset, `"${token.text}" stands where a check is expected`)
    const inner = this.chain('or')
    if (isProblem(inner)) return inner
    return this.#skip(')') ? inner : (this.#unclosed() ?? problem(token.offset, 'this ( is never closed'))
  }

  #unclosed(): SyntaxProblem | undefined {
    return this.#tokens[this.#at] === undefined ? undefined : this.rest()
  }
}

/** Parentheses may touch a word at its ends; `and`, `or`, `not` are words of their own, in any case. */
function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const opening = /^\(*/.exec(word)?.[0].length ?? 0
    for (let at = 0; at < opening; at += 1) tokens.push({ type: '(', text: '(', offset: index + at })
    const body = word.slice(opening)
    const core = body.replace(/\)+$/, '')
    if (core !== '') tokens.push({ type: typeOf(core, body), text: core, offset: index + opening })
    for (let at = opening + core.length; at < word.length; at += 1)
      tokens.push({ type: ')', text: ')', offset: index + at })
  }
  return tokens
}

/** @param body the word still with its closing parentheses: `'a')` is no string to oslo.policy. */
function typeOf(core: string, body: string): Token['type'] {
  const lower = core.toLowerCase()
  if (lower === 'and' || lower === 'or' || lower === 'not') return lower
  const [first, last] = [body.at(0), body.at(-1)]
  return body.length >= 2 && first === last && (first === '"' || first === "'") ? 'string' : 'check'
}

function parseCheck(text: string, offset: number): Rule | SyntaxProblem {
  if (text === '@') return ALWAYS
  if (text === '!') return NEVER
  const colon = text.indexOf(':')
  if (colon === -1) return problem(offset, `"${text}" is no check: it has no colon`)
  const kind = text.slice(0, colon)
  const match = text.slice(colon + 1)
  if (kind === 'rule') return { kind: 'rule', name: match }
  if (kind.startsWith(PREFIX)) {
    const test = parseExtension(kind.slice(PREFIX.length), match, offset)
    return 'message' in test ? test : { kind: 'extension', text, test }
  }
  const remote = kind === 'http' || kind === 'https'
  const wanted = parseTemplate(remote ? text : match)
  if (isProblem(wanted)) return problem(offset + wanted.offset + (remote ? 0 : colon + 1), wanted.message)
  if (remote) return { kind: 'remote', url: wanted }
  if (kind === 'role') return { kind: 'role', wanted }
  const subject = parseSubject(kind)
  if ('message' in subject) return problem(offset, subject.message)
  return 'literal' in subject
    ? { kind: 'literal', text: subject.literal, wanted }
    : { kind: 'attribute', path: subject.path, wanted }
}

/** A check string of oslo.policy, read. */
export type Rule =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Rule[] }
  | { readonly kind: 'not'; readonly part: Rule }
  /** `kind:match`: rule, role, or a generic check. */
  | { readonly kind: 'check'; readonly name: string; readonly match: string }

/** The check string cannot be read. oslo.policy would log that and refuse everybody; here it is a load error. */
export class PolicySyntaxError extends Error {}

type Token =
  | { readonly type: '(' | ')' | 'and' | 'or' | 'not' }
  | { readonly type: 'check'; readonly text: string }

/**
 * Reads the string form (`not` before `and` before `or`), or the old form of lists (outer or, inner and).
 * @throws PolicySyntaxError
 */
export function parseRule(source: unknown): Rule {
  if (typeof source === 'string') return source === '' ? { kind: 'true' } : parseText(source)
  if (Array.isArray(source)) return parseLists(source)
  throw new PolicySyntaxError('a rule is a string, or a list of lists of strings')
}

function parseLists(lists: readonly unknown[]): Rule {
  if (lists.length === 0) return { kind: 'true' }
  const alternatives = lists.flatMap((inner) => {
    const members: readonly unknown[] = Array.isArray(inner) ? inner : [inner]
    if (members.length === 0) return []
    const parts = members.map((member) => {
      if (typeof member !== 'string') throw new PolicySyntaxError('a list of a rule holds strings')
      return parseCheck(member)
    })
    return [parts.length === 1 && parts[0] !== undefined ? parts[0] : ({ kind: 'and', parts } as const)]
  })
  return alternatives.length === 0 ? { kind: 'false' } : { kind: 'or', parts: alternatives }
}

function parseText(text: string): Rule {
  const tokens = tokenize(text)
  let at = 0
  const peek = (): Token['type'] | undefined => tokens[at]?.type

  function either(): Rule {
    return chain('or', both)
  }
  function both(): Rule {
    return chain('and', single)
  }
  function chain(kind: 'and' | 'or', next: () => Rule): Rule {
    const parts = [next()]
    while (peek() === kind) {
      at += 1
      parts.push(next())
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind, parts }
  }
  function single(): Rule {
    const token = tokens[at]
    at += 1
    if (token?.type === 'not') return { kind: 'not', part: single() }
    if (token?.type === 'check') return parseCheck(token.text)
    if (token?.type !== '(') throw new PolicySyntaxError(`a check was expected in "${text}"`)
    const inner = either()
    if (peek() !== ')') throw new PolicySyntaxError(`a ) is missing in "${text}"`)
    at += 1
    return inner
  }

  const rule = either()
  if (at !== tokens.length) throw new PolicySyntaxError(`an operator is missing in "${text}"`)
  return rule
}

/** Parentheses may touch a word at its ends; `and`, `or`, `not` are words of their own, in any case. */
function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const opening = /^\(*/.exec(word)?.[0].length ?? 0
    for (let count = 0; count < opening; count += 1) tokens.push({ type: '(' })
    const rest = word.slice(opening)
    const closing = /\)*$/.exec(rest)?.[0].length ?? 0
    // `%(name)s` ends in s, so a parenthesis at the end never belongs to it.
    const core = rest.slice(0, rest.length - closing)
    const lower = core.toLowerCase()
    if (lower === 'and' || lower === 'or' || lower === 'not') tokens.push({ type: lower })
    else if (core !== '') {
      if (/^(["']).*\1$/.test(core)) throw new PolicySyntaxError(`${core} is a bare string, not a check`)
      tokens.push({ type: 'check', text: core })
    }
    for (let count = 0; count < closing; count += 1) tokens.push({ type: ')' })
  }
  if (tokens.length === 0) throw new PolicySyntaxError('a rule of white space only')
  return tokens
}

function parseCheck(text: string): Rule {
  if (text === '@') return { kind: 'true' }
  if (text === '!') return { kind: 'false' }
  const colon = text.indexOf(':')
  if (colon === -1) throw new PolicySyntaxError(`"${text}" is no check: it has no colon`)
  const name = text.slice(0, colon)
  if (name === 'http' || name === 'https')
    throw new PolicySyntaxError(`remote checks (${name}:) are not supported yet`)
  return { kind: 'check', name, match: text.slice(colon + 1) }
}

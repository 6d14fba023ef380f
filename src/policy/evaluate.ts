import type { Rule } from './grammar.ts'

type Values = Readonly<Record<string, unknown>>
/** A compiled rule. */
export type Decide = (credentials: Values, target: Values) => boolean

/**
 * Compiles a rule to closures, once.
 * @param ruleNamed finds another rule; called when a decision is made, so order of definition does not matter.
 */
export function compile(rule: Rule, ruleNamed: (name: string) => Decide): Decide {
  switch (rule.kind) {
    case 'true':
      return () => true
    case 'false':
      return () => false
    case 'not': {
      const inner = compile(rule.part, ruleNamed)
      return (credentials, target) => !inner(credentials, target)
    }
    case 'and': {
      const parts = rule.parts.map((part) => compile(part, ruleNamed))
      return (credentials, target) => parts.every((part) => part(credentials, target))
    }
    case 'or': {
      const parts = rule.parts.map((part) => compile(part, ruleNamed))
      return (credentials, target) => parts.some((part) => part(credentials, target))
    }
    case 'check':
      return compileCheck(rule.name, rule.match, ruleNamed)
  }
}

function compileCheck(name: string, match: string, ruleNamed: (name: string) => Decide): Decide {
  if (name === 'rule') return (credentials, target) => ruleNamed(match)(credentials, target)
  const wanted = compileTemplate(match)
  if (name === 'role') {
    return (credentials, target) => {
      const role = wanted(target)?.toLowerCase()
      const roles = credentials.roles
      return (
        role !== undefined &&
        Array.isArray(roles) &&
        roles.some((mine) => String(mine).toLowerCase() === role)
      )
    }
  }
  const literal = literalOf(name)
  if (literal !== null) return (_, target) => wanted(target) === literal
  const path = name.split('.')
  return (credentials, target) => {
    const text = wanted(target)
    return text !== undefined && matches(credentials, path, text)
  }
}

/** A dotted path into the credentials; of a list, any element will do. */
function matches(value: unknown, path: readonly string[], wanted: string): boolean {
  const [step, ...rest] = path
  if (Array.isArray(value)) return value.some((element) => matches(element, path, wanted))
  if (step === undefined) return pythonText(value) === wanted
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return false
  return matches((value as Record<string, unknown>)[step], rest, wanted)
}

/** `%(name)s` stands for an attribute of the target; undefined when the target has none. */
function compileTemplate(text: string): (target: Values) => string | undefined {
  const pieces = text.split(/%\(([^)]*)\)s/)
  if (pieces.length === 1) return () => text
  return (target) => {
    let out = ''
    for (const [index, piece] of pieces.entries()) {
      if (index % 2 === 0) out += piece
      else if (!Object.hasOwn(target, piece) || target[piece] === undefined) return undefined
      else out += pythonText(target[piece])
    }
    return out
  }
}

/** Python's `str()` of a Python literal, or null when the text is a path into the credentials. */
function literalOf(name: string): string | null {
  if (name === 'True' || name === 'False' || name === 'None') return name
  if (/^-?[0-9]+$/.test(name)) return String(BigInt(name))
  const quoted = /^(["'])(.*)\1$/.exec(name)
  return quoted?.[2] ?? null
}

function pythonText(value: unknown): string {
  if (value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  return String(value)
}

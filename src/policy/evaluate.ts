import type { RequestFacts } from './extensions.ts'
import type { Rule } from './grammar.ts'
import { pythonText } from './python.ts'
import {
  attributesOf,
  compileTemplate,
  type Template,
  UnknownAttributeError,
  type Values,
} from './template.ts'

/** What another server said about a URL; undefined while nobody has asked it. */
export type RemoteAnswers = (url: string) => boolean | undefined

/** @throws PolicyError, UnansweredError, UnknownAttributeError */
export type Decide = (credentials: Values, target: Values, remote: RemoteAnswers) => boolean

/** A rule ready to decide. */
export interface CompiledRule {
  readonly decide: Decide
  /** Attributes of the target that it may read, through other rules too. */
  readonly reads: ReadonlySet<string>
  /** It may ask another server, which is then sent the whole target. */
  readonly remote: boolean
}

/** No decision is possible: what makes Cinder answer 500. The gateway refuses (fail closed). */
export class PolicyError extends Error {
  override name = 'PolicyError'
}

/** A URL of a remote check cannot be made. `rule:` turns it into a refusal, as oslo.policy does. */
class MissingAttributeError extends PolicyError {}

/** The decision needs another server's answer first. */
export class UnansweredError extends PolicyError {
  readonly url: string
  constructor(url: string) {
    super('a remote check has not been answered')
    this.url = url
  }
}

const NOTHING: ReadonlySet<string> = new Set()

/**
 * Compiles a rule to closures, once.
 * @param named finds a rule that this one refers to, which is `bound` where that is given; there are no cycles.
 */
export function compile(rule: Rule, named: (name: string, bound?: Rule) => CompiledRule): CompiledRule {
  switch (rule.kind) {
    case 'always':
      return local(() => true)
    case 'never':
      return local(() => false)
    case 'not': {
      const { decide, ...inner } = compile(rule.part, named)
      return { ...inner, decide: (credentials, target, remote) => !decide(credentials, target, remote) }
    }
    case 'and':
    case 'or':
      return combine(
        rule.parts.map((part) => compile(part, named)),
        rule.kind === 'or',
      )
    case 'rule':
      return reference(named(rule.name, rule.is))
    case 'locked': {
      const part = compile(rule.part, named)
      return rule.isAdmin === null ? part : withAdmin(part, compile(rule.isAdmin, named))
    }
    case 'role':
      return local(roleCheck(rule.wanted), rule.wanted)
    case 'literal': {
      const wanted = compileTemplate(rule.wanted)
      return local((_, target) => wanted(target) === rule.text, rule.wanted)
    }
    case 'attribute':
      return local(attributeCheck(rule.path, rule.wanted), rule.wanted)
    case 'extension':
      return local((credentials) => rule.test(requestOf(credentials)))
    case 'remote':
      return { ...local(remoteCheck(rule.url), rule.url), remote: true }
  }
}

function local(decide: Decide, template?: Template): CompiledRule {
  return {
    decide,
    reads: template === undefined ? NOTHING : new Set(attributesOf(template)),
    remote: false,
  }
}

/**
 * What one part cannot know, another may decide all the same.
 * @param decisive the result that ends the search: true for "or", false for "and".
 */
function combine(parts: readonly CompiledRule[], decisive: boolean): CompiledRule {
  const decides = parts.map((part) => part.decide)
  return {
    decide(credentials, target, remote) {
      let unknown: UnknownAttributeError | undefined
      for (const decide of decides) {
        try {
          if (decide(credentials, target, remote) === decisive) return decisive
        } catch (error) {
          if (!(error instanceof UnknownAttributeError)) throw error
          unknown ??= error
        }
      }
      if (unknown !== undefined) throw unknown
      return !decisive
    },
    reads: new Set(parts.flatMap((part) => [...part.reads])),
    remote: parts.some((part) => part.remote),
  }
}

/** oslo.policy takes a KeyError inside a referenced rule for a rule that does not exist, and refuses. */
function reference(rule: CompiledRule): CompiledRule {
  if (!rule.remote) return rule
  return {
    ...rule,
    decide(credentials, target, remote) {
      try {
        return rule.decide(credentials, target, remote)
      } catch (error) {
        if (error instanceof MissingAttributeError) return false
        throw error
      }
    },
  }
}

/** Judges with the `is_admin` that another rule gives, as `completeCredentials` makes it of `context_is_admin`. */
function withAdmin(rule: CompiledRule, isAdmin: CompiledRule): CompiledRule {
  return {
    ...rule,
    remote: rule.remote || isAdmin.remote,
    decide: (credentials, target, remote) =>
      rule.decide(administered(credentials, isAdmin, remote), target, remote),
  }
}

/** The credentials with `is_admin` as this rule judges it. */
export function administered(credentials: Values, isAdmin: CompiledRule, remote: RemoteAnswers): Values {
  const unknown = { ...credentials, is_admin: null }
  return { ...credentials, is_admin: isAdmin.decide(unknown, unknown, remote) }
}

/** Under this name the credentials hold the request itself, which no name in a policy file reaches. */
export const REQUEST = Symbol('the request')

function requestOf(credentials: Values): RequestFacts {
  const request = (credentials as { readonly [REQUEST]?: RequestFacts })[REQUEST]
  if (request === undefined) throw new PolicyError('nothing is known of the request')
  return request
}

function roleCheck(template: Template): Decide {
  const wanted = compileTemplate(template)
  return (credentials, target) => {
    const role = wanted(target)?.toLowerCase()
    if (role === undefined) return false
    const roles = own(credentials, 'roles')
    if (roles === undefined) return false
    if (!Array.isArray(roles)) throw new PolicyError('the roles of the credentials are no list')
    let found = false
    for (const mine of roles) {
      if (typeof mine !== 'string') throw new PolicyError('a role of the credentials is no string')
      found ||= mine.toLowerCase() === role
    }
    return found
  }
}

function attributeCheck(path: readonly string[], template: Template): Decide {
  const wanted = compileTemplate(template)
  return (credentials, target) => {
    const text = wanted(target)
    return text !== undefined && leads(credentials, path, 0, text)
  }
}

/** Follows the path from its step `at` on; of a list on the way or at the end, any element will do. */
function leads(value: unknown, path: readonly string[], at: number, wanted: string): boolean {
  const step = path[at]
  if (step === undefined) return pythonText(value) === wanted
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new PolicyError(`the credentials have no attributes before "${step}" in ${path.join('.')}`)
  const next = own(value as Values, step)
  if (next === undefined) return false
  if (!Array.isArray(next)) return leads(next, path, at + 1, wanted)
  for (const element of next) if (leads(element, path, at + 1, wanted)) return true
  return false
}

function remoteCheck(template: Template): Decide {
  const url = compileTemplate(template)
  return (_, target, remote) => {
    const address = url(target)
    if (address === undefined)
      throw new MissingAttributeError('the target lacks what a remote check asks about')
    const answer = remote(address)
    if (answer === undefined) throw new UnansweredError(address)
    return answer
  }
}

function own(values: Values, name: string): unknown {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

import { pythonFloat } from './python.ts'

/** The left side of a generic check: a Python literal, as Python prints it, or a path into the credentials. */
export type Subject = { readonly literal: string } | { readonly path: readonly string[] }

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from ' +
    'global if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
)
const NAME = /^[\p{XID_Start}_]\p{XID_Continue}*$/u
const INTEGER = /^[+-]?(?:0+|[1-9][0-9]*)$/
const FLOAT = /^[+-]?[0-9]+\.[0-9]+$/
const QUOTED = /^(?:'([^'\\]*)'|"([^"\\]*)")$/

/**
 * Reads it as oslo.policy does with `ast.literal_eval`; or says why not. Of Python's literals those that make sense
 * on the left of a check: True, False, None, numbers, plain strings.
 */
export function parseSubject(text: string): Subject | { readonly message: string } {
  if (text === 'True' || text === 'False' || text === 'None') return { literal: text }
  if (INTEGER.test(text)) return { literal: BigInt(text.replace('+', '')).toString() }
  if (FLOAT.test(text)) return { literal: pythonFloat(Number(text)) }
  const quoted = QUOTED.exec(text)
  if (quoted !== null) return { literal: quoted[1] ?? quoted[2] ?? '' }
  const path = text.split('.')
  if (path.every((name) => NAME.test(name) && !KEYWORDS.has(name))) return { path }
  return {
    message:
      text === ''
        ? 'nothing stands before the colon'
        : `"${text}" is neither an attribute of the credentials, as in user_id:%(user_id)s, nor a plain value, as in True:%(bootable)s`,
  }
}

/**
 * JSON as CPython's `json.loads(bytes.decode('utf-8'))` reads it, which is how Cinder reads a body: duplicate
 * keys fold to the last, NaN and Infinity are numbers, whole numbers are exact, and a BOM or bytes that are
 * not UTF-8 are errors. JavaScript's own parser differs on the second and third, which a guard cannot afford.
 */
export type PyValue = null | boolean | string | bigint | number | PyValue[] | PyObject
/** Keys in the order in which Python would keep them. */
export type PyObject = Map<string, PyValue>

/** Python gives up at about 970 levels under Cinder's stack, with a 500; clients send three. */
const MAX_DEPTH = 200
/** CPython's limit on the digits of an int literal (since 3.10.7). */
const MAX_DIGITS = 4300

/** The text is not JSON to Python. */
export class JsonError extends Error {}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y
const PLAIN = /[^"\\\u0000-\u001f]*/y
const SPACE = /[ \t\n\r]*/y
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
const CONSTANTS: readonly (readonly [string, PyValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]

/** @throws JsonError where Python raises ValueError (Cinder: 400 "Malformed request body"), or nesting is over 200. */
export function parseJson(bytes: Uint8Array): PyValue {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new JsonError('not UTF-8')
  }
  return new Reader(text).document()
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): PyValue {
    this.#space()
    const value = this.#value(0)
    this.#space()
    if (this.#at !== this.#text.length) throw new JsonError('extra data')
    return value
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found !== null) this.#at += found[0].length
    return found
  }

  #space(): void {
    this.#match(SPACE)
  }

  #value(depth: number): PyValue {
    if (depth > MAX_DEPTH) throw new JsonError('nested too deeply')
    const next = this.#text[this.#at]
    if (next === '{') return this.#object(depth)
    if (next === '[') return this.#array(depth)
    if (next === '"') return this.#string()
    for (const [word, value] of CONSTANTS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    return this.#number()
  }

  #number(): PyValue {
    const found = this.#match(NUMBER)
    if (found === null) throw new JsonError('a value was expected')
    const [literal, fraction, exponent] = found
    if (fraction !== undefined || exponent !== undefined) return Number(literal)
    if (literal.replace('-', '').length > MAX_DIGITS) throw new JsonError('too many digits')
    return BigInt(literal)
  }

  #string(): string {
    let out = ''
    this.#at += 1
    for (;;) {
      out += this.#match(PLAIN)?.[0] ?? ''
      const next = this.#text[this.#at]
      this.#at += 1
      if (next === '"') return out
      if (next !== '\\') throw new JsonError('unterminated string or control character in it')
      const letter = this.#text[this.#at] ?? ''
      this.#at += 1
      if (letter === 'u') {
        const hex = this.#text.slice(this.#at, this.#at + 4)
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw new JsonError('invalid \\u escape')
        this.#at += 4
        out += String.fromCharCode(Number.parseInt(hex, 16))
      } else {
        const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined
        if (plain === undefined) throw new JsonError('invalid escape')
        out += plain
      }
    }
  }

  #array(depth: number): PyValue[] {
    const out: PyValue[] = []
    this.#at += 1
    this.#space()
    if (this.#take(']')) return out
    for (;;) {
      out.push(this.#value(depth + 1))
      this.#space()
      if (this.#take(']')) return out
      if (!this.#take(',')) throw new JsonError('a comma was expected')
      this.#space()
    }
  }

  #object(depth: number): PyObject {
    const out: PyObject = new Map()
    this.#at += 1
    this.#space()
    if (this.#take('}')) return out
    for (;;) {
      if (this.#text[this.#at] !== '"') throw new JsonError('a property name was expected')
      const key = this.#string()
      this.#space()
      if (!this.#take(':')) throw new JsonError('a colon was expected')
      this.#space()
      out.set(key, this.#value(depth + 1))
      this.#space()
      if (this.#take('}')) return out
      if (!this.#take(',')) throw new JsonError('a comma was expected')
      this.#space()
    }
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at += 1
    return true
  }
}

/** Python's `repr()`, as jsonschema's messages quote values. */
export function pythonRepr(value: PyValue): string {
  if (value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return stringRepr(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return floatRepr(value)
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`
  return `{${[...value].map(([key, item]) => `${stringRepr(key)}: ${pythonRepr(item)}`).join(', ')}}`
}

/** Python's `str()`: as repr, but a string is itself. */
export function pythonStr(value: PyValue): string {
  return typeof value === 'string' ? value : pythonRepr(value)
}

function floatRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
  }
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

function stringRepr(value: string): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'"
  let out = ''
  for (const char of value) {
    const code = char.codePointAt(0) ?? 0
    if (char === quote || char === '\\') out += `\\${char}`
    else if (char === '\n') out += '\\n'
    else if (char === '\r') out += '\\r'
    else if (char === '\t') out += '\\t'
    else if (char === ' ' || !/[\p{C}\p{Z}]/u.test(char)) out += char
    else if (code <= 0xff) out += `\\x${code.toString(16).padStart(2, '0')}`
    else if (code <= 0xffff) out += `\\u${code.toString(16).padStart(4, '0')}`
    else out += `\\U${code.toString(16).padStart(8, '0')}`
  }
  return quote + out + quote
}

import type { Address, Option, OptionType, ValueTypes } from './option.ts'
import { Flaw } from './problem.ts'
import { Secret } from './secret.ts'

type Reader<T> = (text: string, option: Option) => T | Flaw

const TRUE = ['true', '1', 'on', 'yes']
const FALSE = ['false', '0', 'off', 'no']
const INT = /^[+-]?\d+$/
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

const READERS = {
  string: readString,
  secret: (text) => new Secret(text),
  int: (text, option) => readNumber(text.trim(), INT, 'a whole number', option),
  float: (text, option) => readNumber(text.trim(), FLOAT, 'a number', option),
  bool: readBool,
  list: (text) => splitList(text),
  multi: (text) => [text],
  address: readAddress,
  url: readUrl,
  enum: readEnum,
  path: readString,
  regex: readRegex,
} as const satisfies { readonly [T in OptionType]: Reader<ValueTypes[T]> }

/** Turns the text of an option, references already replaced, into its value. */
export function readValue(text: string, option: Option): ValueTypes[OptionType] | Flaw {
  return READERS[option.type](text, option)
}

/** A value for a message: short, quoted, and left out where a URL could carry a password. */
export function show(text: string): string {
  if (text.includes('@')) return 'the value'
  const line = text.length > 60 ? `${text.slice(0, 57)}...` : text
  return JSON.stringify(line)
}

function wrong(text: string, expected: string): Flaw {
  return new Flaw('wrong_type', `${show(text)} is not ${expected}`)
}

function readString(text: string, option: Option): string | Flaw {
  // A value that went on over a second line would otherwise end up in headers and paths.
  if (/\p{Cc}/u.test(text)) return new Flaw('wrong_type', 'must be one line without control characters')
  const { pattern } = option
  return pattern === undefined || new RegExp(pattern.source).test(text) ? text : wrong(text, pattern.expects)
}

function readNumber(text: string, form: RegExp, name: string, option: Option): number | Flaw {
  const value = Number(text)
  const unit = option.unit === undefined ? '' : ` of ${option.unit}`
  if (!form.test(text) || !Number.isFinite(value)) return wrong(text, `${name}${unit}`)
  if (option.type === 'int' && !Number.isSafeInteger(value)) return wrong(text, `${name}${unit}`)
  if (option.min !== undefined && value < option.min) {
    return new Flaw('out_of_range', `${text} is below the minimum, ${option.min}`)
  }
  if (option.max !== undefined && value > option.max) {
    return new Flaw('out_of_range', `${text} is above the maximum, ${option.max}`)
  }
  return value
}

function readBool(text: string): boolean | Flaw {
  const word = text.trim().toLowerCase()
  if (TRUE.includes(word)) return true
  return FALSE.includes(word) ? false : wrong(text, 'true or false')
}

function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function readAddress(text: string): Address | Flaw {
  const expected = 'HOST:PORT, [IPV6]:PORT or unix:/PATH'
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    // sun_path holds 108 bytes with the final zero.
    const fits = path.startsWith('/') && Buffer.byteLength(path) < 108 && !/\p{Cc}/u.test(path)
    return fits ? { kind: 'unix', path } : wrong(text, `${expected} (an absolute path below 108 bytes)`)
  }
  const parts = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  if (parts === null || host === undefined) return wrong(text, expected)
  const port = Number(parts[3])
  return port <= 65535 ? { kind: 'tcp', host, port } : new Flaw('out_of_range', `port ${port} is above 65535`)
}

function readUrl(text: string): string | Flaw {
  const url = URL.parse(text)
  if (
    /\s/.test(text) ||
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    !/^https?:\/\//i.test(text)
  ) {
    return wrong(text, 'an http:// or https:// URL')
  }
  if (url.username !== '' || url.password !== '') {
    return new Flaw('not_allowed', 'a URL may not carry a user name or password')
  }
  if (/[?#]/.test(text)) return wrong(text, 'a URL without ? and #')
  return text.replace(/\/+$/, '')
}

function readEnum(text: string, option: Option): string | Flaw {
  const choices = option.choices ?? []
  const synonyms = new Map(Object.entries(option.synonyms ?? {}))
  const value = synonyms.get(text) ?? text
  return choices.includes(value) ? value : wrong(text, `one of ${choices.join(', ')}`)
}

function readRegex(text: string): string | Flaw {
  try {
    new RegExp(text)
    return text
  } catch {
    return wrong(text, 'a regular expression')
  }
}

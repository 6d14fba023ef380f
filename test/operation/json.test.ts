import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonError, type PyValue, parseJson, pythonRepr, pythonStr } from '../../src/operation/json.ts'

const parse = (text: string | readonly number[]): PyValue =>
  parseJson(typeof text === 'string' ? Buffer.from(text) : Uint8Array.from(text))
const bytes = (text: string): number[] => [...Buffer.from(text)]
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** Every expectation of this file was checked against CPython 3.11's `json.loads`, `repr` and `str`. */
describe('what Python reads, is read', () => {
  const rows: readonly (readonly [what: string, text: string, value: PyValue])[] = [
    ['null', 'null', null],
    ['booleans', '[true,false]', [true, false]],
    ['whole numbers exactly', '123456789012345678901234567890', 123456789012345678901234567890n],
    ['a minus zero without a fraction as zero', '-0', 0n],
    ['a fraction', '1.5', 1.5],
    ['a minus zero with a fraction', '-0.0', -0],
    ['an exponent, which makes it a float', '1E+2', 100],
    ['a number beyond all floats as infinity', '1e999', Number.POSITIVE_INFINITY],
    ['NaN', 'NaN', Number.NaN],
    ['Infinity', 'Infinity', Number.POSITIVE_INFINITY],
    ['-Infinity', '-Infinity', Number.NEGATIVE_INFINITY],
    ['4300 digits', '9'.repeat(4300), BigInt('9'.repeat(4300))],
    ['4300 digits and a sign', `-${'9'.repeat(4300)}`, -BigInt('9'.repeat(4300))],
    ['digits without limit in a float', `${'9'.repeat(4301)}.0`, Number.POSITIVE_INFINITY],
    ['every escape', String.raw`"\"\\\/\b\f\n\r\t\u00e9"`, '"\\/\b\f\n\r\té'],
    ['an escaped pair of surrogates', String.raw`"\ud83d\ude00"`, '😀'],
    ['a lone surrogate, escaped', String.raw`"\ud800"`, '\ud800'],
    ['DEL and line separators in a string', '"\u007f\u2028"', '\u007f\u2028'],
    ['white space of four kinds', ' \t\r\n1 \t\r\n', 1n],
    ['a value inside 200 others', nested(201), JSON.parse(nested(201))],
  ]
  test.each(rows)('%s', (_what, text, value) => {
    expect(parse(text)).toEqual(value)
  })
})

describe('keys are as in a dict', () => {
  const rows: readonly (readonly [what: string, text: string, entries: [string, PyValue][]])[] = [
    [
      'the last of two equal ones counts, at the place of the first',
      '{"a":1,"b":2,"a":3}',
      [
        ['a', 3n],
        ['b', 2n],
      ],
    ],
    ['an escape is the same key', String.raw`{"os-detach":1,"os-det\u0061ch":2}`, [['os-detach', 2n]]],
    [
      'numbers stay in their order',
      '{"2":null,"1":null}',
      [
        ['2', null],
        ['1', null],
      ],
    ],
    ['__proto__ is ordinary', '{"__proto__":true}', [['__proto__', true]]],
    ['constructor is ordinary', '{"constructor":true}', [['constructor', true]]],
    ['the empty one is ordinary', '{"":true}', [['', true]]],
  ]
  test.each(rows)('%s', (_what, text, entries) => {
    const value = parse(text)
    expect(value instanceof Map && [...value]).toEqual(entries)
  })
})

describe('what Python refuses, is refused', () => {
  const rows: readonly (readonly [what: string, text: string | readonly number[], message: string])[] = [
    ['nothing', '', 'a value was expected'],
    ['white space alone', ' \n', 'a value was expected'],
    ['4301 digits', '1'.repeat(4301), 'too many digits'],
    ['a byte order mark', [0xef, 0xbb, 0xbf, ...bytes('{}')], 'a value was expected'],
    ['UTF-16', [...Buffer.from('\ufeff{}', 'utf16le')], 'not UTF-8'],
    ['UTF-16 without a mark', [...Buffer.from('{}', 'utf16le')], 'a property name was expected'],
    ['UTF-32', [0x7b, 0, 0, 0, 0x7d, 0, 0, 0], 'a property name was expected'],
    ['Latin-1', [0x22, 0xe9, 0x22], 'not UTF-8'],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 'not UTF-8'],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22], 'not UTF-8'],
    ['a code point above U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], 'not UTF-8'],
    ['a gzip stream', [0x1f, 0x8b, 0x08, 0x00], 'not UTF-8'],
    ['a control character in a string', '"\u0001"', 'unterminated string or control character in it'],
    ['a line break in a string', '"a\nb"', 'unterminated string or control character in it'],
    ['a string without its end', '"a', 'unterminated string or control character in it'],
    ['a form feed as white space', '\f1', 'a value was expected'],
    ['a no-break space as white space', '\u00a01', 'a value was expected'],
    ['a leading zero', '01', 'extra data'],
    ['a number that ends in a point', '1.', 'extra data'],
    ['a number that begins with a point', '.5', 'a value was expected'],
    ['a plus sign', '+1', 'a value was expected'],
    ['an exponent without digits', '1e', 'extra data'],
    ['hexadecimal', '0x10', 'extra data'],
    ['digits of another script', '١', 'a value was expected'],
    ['an underscore in a number', '1_000', 'extra data'],
    ['single quotes', "'x'", 'a value was expected'],
    ['a comma before ]', '[1,]', 'a value was expected'],
    ['a comma before }', '{"a":1,}', 'a property name was expected'],
    ['no comma in a list', '[1 2]', 'a comma was expected'],
    ['no comma in an object', '{"a":1 "b":2}', 'a comma was expected'],
    ['no colon', '{"a" 1}', 'a colon was expected'],
    ['a bare key', '{a:1}', 'a property name was expected'],
    ['a comment', '1/**/', 'extra data'],
    ["Python's True", 'True', 'a value was expected'],
    ['\\x escapes', String.raw`"\x41"`, 'invalid escape'],
    ['the name of an inherited property as an escape', String.raw`"\constructor"`, 'invalid escape'],
    ['a short \\u escape', String.raw`"\u12"`, 'invalid \\u escape'],
    ['a signed \\u escape', String.raw`"\u+123"`, 'invalid \\u escape'],
    ['a second value', '{}{}', 'extra data'],
    ['a NUL after the value', '{}\0', 'extra data'],
    ['a value inside 201 others, long before Python gives up', nested(202), 'nested too deeply'],
    ['100,000 levels, without a stack overflow', '[{"a":'.repeat(50_000), 'nested too deeply'],
  ]
  test.each(rows)('%s', (_what, text, message) => {
    expect(() => parse(text)).toThrow(new JsonError(message))
  })
})

describe('repr and str are those of Python', () => {
  const rows: readonly (readonly [text: string, repr: string, str?: string])[] = [
    ['null', 'None'],
    ['[true, false]', '[True, False]'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['1.0', '1.0'],
    ['-0.0', '-0.0'],
    ['0.1', '0.1'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['1.5e-7', '1.5e-07'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e+16'],
    ['1.5e300', '1.5e+300'],
    ['5e-324', '5e-324'],
    ['NaN', 'nan'],
    ['[1e999, -1e999]', '[inf, -inf]'],
    ['"abc"', "'abc'", 'abc'],
    ['"it\'s"', `"it's"`, "it's"],
    [String.raw`"\"q\""`, `'"q"'`, '"q"'],
    [String.raw`"'\""`, String.raw`'\'"'`, `'"`],
    [String.raw`"\\\n\r\t"`, String.raw`'\\\n\r\t'`, '\\\n\r\t'],
    [String.raw`"\b\u007f\u00a0\u00ad"`, String.raw`'\x08\x7f\xa0\xad'`, '\b\u007f\u00a0\u00ad'],
    [
      String.raw`"\u200b\u2028\ue000\ud800"`,
      String.raw`'\u200b\u2028\ue000\ud800'`,
      '\u200b\u2028\ue000\ud800',
    ],
    [String.raw`"\udb40\udc01"`, String.raw`'\U000e0001'`, '\u{e0001}'],
    ['"é😀 ٣"', "'é😀 ٣'", 'é😀 ٣'],
    ['{"a": {"b": ["c", null]}, "": 1}', "{'a': {'b': ['c', None]}, '': 1}"],
    ['[]', '[]'],
    ['{}', '{}'],
  ]
  test.each(rows.map(([text, repr, str = repr]) => [text, repr, str] as const))('%s', (text, repr, str) => {
    expect([pythonRepr(parse(text)), pythonStr(parse(text))]).toEqual([repr, str])
  })
})

describe('any input', () => {
  test('is read or refused, and nothing else', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'u',
      '0',
      '-',
      'e',
      '.',
      'NaN',
      'null',
      ' ',
    )
    const input = fc.oneof(
      fc.uint8Array(),
      fc.array(pieces).map((list) => Buffer.from(list.join(''))),
    )
    fc.assert(
      fc.property(input, (bytes) => {
        try {
          parseJson(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError)
        }
      }),
      { numRuns: 2_000, seed: 20_261_123 },
    )
  })

  test('of JSON gives the text back that JSON.parse would', () => {
    const plain = (value: PyValue): unknown => {
      if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
      if (Array.isArray(value)) return value.map(plain)
      return typeof value === 'bigint' ? Number(value) : value
    }
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(plain(parse(text))).toEqual(JSON.parse(text, (_, value) => (Object.is(value, -0) ? 0 : value)))
      }),
      { numRuns: 500, seed: 20_261_123 },
    )
  })
})

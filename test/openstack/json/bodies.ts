import fc from 'fast-check'

/** Bodies that are JSON, nearly JSON, or JSON to some only. */
const WORDS = [
  'os-detach',
  'os-force_detach',
  'os-terminate_connection',
  'os-migrate_volume_completion',
  'attachment_id',
  '',
  '__proto__',
  'constructor',
  'é',
  '\u{1f600}',
]
const ESCAPES = [
  '\\u0041',
  '\\uD800',
  '\\ud83d\\ude00',
  '\\u00',
  '\\x41',
  '\\/',
  '\\b',
  '\\"',
  '\\\\',
  '\\u006F',
  '\\N',
  "\\'",
  '\\\n',
]
const LITERALS = [
  ...[
    'null',
    'true',
    'false',
    'NaN',
    'Infinity',
    '-Infinity',
    'nan',
    'None',
    'undefined',
    '+1',
    '01',
    '-0',
    '-',
    '1.',
    '.5',
    '1e5',
    '1E+5',
    '1e',
    '-0.0',
  ],
  ...[
    '1e400',
    '-1e400',
    '12345678901234567890123',
    '0x10',
    '1_000',
    '1.5e-7',
    '1e16',
    '1e22',
    '123456789012345680.0',
    '0.0001',
    '0.00001',
    '5e-324',
    "'x'",
    '""',
    'NaNx',
    '-NaN',
    'Infinity1',
  ],
  '9'.repeat(4300),
  '9'.repeat(4301),
  `-${'9'.repeat(4300)}`,
  `1.${'9'.repeat(4400)}`,
]
const BLANKS = [
  '',
  '',
  '',
  ' ',
  '\n',
  '\r\n',
  '\t',
  '\f',
  '\v',
  '\u00a0',
  '\ufeff',
  '\u2028',
  '\0',
  '//x\n',
  '/**/',
  ',',
]

const blank = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('', ' ', '\n\t', '\r\n') },
  { weight: 1, arbitrary: fc.constantFrom(...BLANKS) },
)
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(...WORDS),
      fc.constantFrom(...ESCAPES),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 3 },
  )
  .map((parts) => parts.join(''))
const quoted = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...WORDS).map((word) => `"${word}"`) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }).map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: text.map((each) => `"${each}"`) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...WORDS), fc.nat(40)).map(([word, at]) => escaped(word, at)),
  },
)
/** With one of its characters written by its number. */
function escaped(word: string, at: number): string {
  const place = at % Math.max(1, word.length)
  const code = word.charCodeAt(place)
  if (Number.isNaN(code)) return '""'
  return `"${word.slice(0, place)}\\u${code.toString(16).padStart(4, '0')}${word.slice(place + 1)}"`
}

const literal = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'null',
      'true',
      'NaN',
      '-Infinity',
      '0',
      '-1.5',
      '1e400',
      '12345678901234567890123',
      '1E+5',
      '-0.0',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...LITERALS) },
)
const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, literal, quoted, tie('list'), tie('object')),
  list: fc
    .tuple(blank, fc.array(tie('value'), { maxLength: 3 }), blank)
    .map(([before, items, after]) => `[${before}${items.join(`,${after}`)}${after}]`),
  object: fc
    .tuple(blank, fc.array(fc.tuple(quoted, blank, tie('value')), { maxLength: 3 }), blank)
    .map(
      ([before, members, after]) =>
        `{${before}${members.map(([key, gap, item]) => `${key}${gap}:${gap}${item}`).join(`,${after}`)}${after}}`,
    ),
}))
const deep = fc
  .tuple(fc.constantFrom('[', '{"a":'), fc.integer({ min: 190, max: 210 }))
  .map(([open, levels]) => {
    const close = open === '[' ? ']' : '}'
    return `{"os-detach": ${open.repeat(levels)}1${close.repeat(levels)}}`
  })
const action = fc.tuple(quoted, value).map(([key, item]) => `{${key}: ${item}}`)

const ID = 'f0000000-0000-4000-8000-000000000001'
/** Arguments that Cinder takes. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  'os-detach': [
    '{}',
    'null',
    '{"attachment_id": null}',
    `{"attachment_id": 5, "attachment_id": "${ID}"}`,
    `{"attachment_\\u0069d":\n"${ID}"}`,
  ],
  'os-force_detach': ['{"connector": {}}', `{"connector": {"a": NaN}, "attachment_id": "${ID}"}`],
  'os-terminate_connection': ['{"connector": {}}', '{"connector": {"\u{1f600}": [1e400, "\\ud83d"]}}'],
  'os-migrate_volume_completion': [
    `{"new_volume": "${ID}"}`,
    `{"error": false, "new_volume": "${ID}", "error": "x"}`,
  ],
}
const key = (name: string) =>
  fc.oneof(
    fc.constant(`"${name}"`),
    fc.nat(40).map((at) => escaped(name, at)),
  )
/** A guarded action, spelled in any way, as it is taken; now and then told once before, which does not count. */
const taken = fc.constantFrom(...Object.keys(TAKEN)).chain((name) =>
  fc
    .record({
      before: fc.option(fc.tuple(key(name), value), { freq: 3 }),
      key: key(name),
      gap: blank,
      argument: fc.constantFrom(...(TAKEN[name] ?? [])),
    })
    .map(({ before, key: spelled, gap, argument }) => {
      const first = before === null ? '' : `${before.join(': ')},`
      return `{${gap}${first}${spelled}${gap}:${gap}${argument}${gap}}`
    }),
)
const documents = fc.oneof(
  { weight: 5, arbitrary: action },
  { weight: 3, arbitrary: taken },
  { weight: 4, arbitrary: value },
  { weight: 1, arbitrary: deep },
)

/** Bytes: mostly UTF-8 of a document, now and then in another encoding, or with a byte changed. */
export const bodies: fc.Arbitrary<Buffer> = fc
  .record({
    before: blank,
    text: documents,
    after: blank,
    encoding: fc.constantFrom('utf8', 'utf8', 'utf8', 'utf8', 'utf8', 'utf8', 'latin1', 'utf16le'),
    spoil: fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.tuple(fc.nat(500), fc.nat(255), fc.nat(2)) },
    ),
  })
  .map(({ before, text: document, after, encoding, spoil }) => {
    const bytes = Buffer.from(before + document + after, encoding as BufferEncoding)
    if (spoil === null) return bytes
    const [at, byte, kind] = spoil
    const place = at % (bytes.length + 1)
    return Buffer.concat([
      bytes.subarray(0, place),
      kind === 2 ? Buffer.alloc(0) : Buffer.from([byte]),
      bytes.subarray(place + (kind === 0 ? 0 : 1)),
    ])
  })

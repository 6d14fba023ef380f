import { expect, test } from 'vitest'
import { pythonText } from '../../src/policy/python.ts'

test.for<[unknown, string]>([
  [null, 'None'],
  [true, 'True'],
  [false, 'False'],
  ['text', 'text'],
  ['', ''],
  [0, '0'],
  [-7, '-7'],
  [1e21, '1000000000000000000000'],
  [12n, '12'],
  [1.5, '1.5'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1.25e-7, '1.25e-07'],
  [Number.NaN, 'nan'],
  [Number.POSITIVE_INFINITY, 'inf'],
  [[], '[]'],
  [['a', 1, null, [true]], "['a', 1, None, [True]]"],
  [["it's", 'say "it\'s"', 'back\\slash'], `["it's", 'say "it\\'s"', 'back\\\\slash']`],
  [
    ['\n\t\r\x00\x7f', 'é', '\u200b', '\u00a0', '\u{e0001}'],
    "['\\n\\t\\r\\x00\\x7f', 'é', '\\u200b', '\\xa0', '\\U000e0001']",
  ],
  [{ a: 'b', c: { d: 1 } }, "{'a': 'b', 'c': {'d': 1}}"],
])('Python prints $1', ([value, text]) => {
  expect(pythonText(value)).toBe(text)
})

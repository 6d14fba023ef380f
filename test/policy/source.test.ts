import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { problemText } from '../../src/policy/references.ts'
import type { Override, RuleSet } from '../../src/policy/ruleset.ts'
import { loadPolicy, readRules } from '../../src/policy/source.ts'

const EVERYBODY =
  'which would let everybody pass. Write "" or "@" (in quotes) to mean that, "!" (in quotes) to refuse everybody'

function read(text: string) {
  const overrides = new Map<string, Override>()
  const problems = readRules('p.yaml', text, overrides).map(problemText)
  const rules = [...overrides].map(([name, { check, place }]) => [
    name,
    check,
    `${place.line}:${place.column}`,
  ])
  return problems.length > 0 ? problems : rules
}

test.for<[string, string, readonly (readonly unknown[])[]]>([
  ['an empty file', '', []],
  ['comments only', '# "volume:get": ""\n', []],
  [
    'plain, quoted and commented',
    'a: role:x # c\n"b": "!"\n\'c\': \'@\'\n',
    [
      ['a', 'role:x', '1:4'],
      ['b', '!', '2:7'],
      ['c', '@', '3:7'],
    ],
  ],
  ['an empty string', 'a: ""', [['a', '', '1:5']]],
  [
    'the form of lists',
    'a: [["role:x"], ["role:y", "role:z"]]\nb: []',
    [
      ['a', [['role:x'], ['role:y', 'role:z']], '1:4'],
      ['b', [], '2:4'],
    ],
  ],
  [
    'JSON',
    '{\n\t"a": "role:x",\n\t"b": [["role:\\u0079"]]\n}',
    [
      ['a', 'role:x', '2:8'],
      ['b', [['role:y']], '3:7'],
    ],
  ],
  ['a folded text', 'a: >-\n  role:x or\n  role:y\n', [['a', 'role:x or role:y', '1:4']]],
  [
    'an alias',
    'a: &x role:y\nb: *x\n',
    [
      ['a', 'role:y', '1:7'],
      ['b', 'role:y', '2:4'],
    ],
  ],
  ['a tag that says string', 'a: !!str role:x', [['a', 'role:x', '1:10']]],
])('reads %s', ([, text, expected]) => {
  expect(read(text)).toEqual(expected)
})

test.for<[string, string, string]>([
  ['no value', 'x: "@"\na:', `p.yaml:2:1: rule "a" has no value, ${EVERYBODY}`],
  ['null', 'a: ~', `p.yaml:1:1: rule "a" has no value, ${EVERYBODY}`],
  ['null in JSON', '{"a": null}', `p.yaml:1:2: rule "a" has no value, ${EVERYBODY}`],
  [
    'a bare !',
    'a: !',
    `p.yaml:1:1: rule "a" has the YAML tag !, not a string, ${EVERYBODY}; in YAML a ! needs quotes`,
  ],
  [
    'a tag',
    'a: !x role:y',
    `p.yaml:1:1: rule "a" has the YAML tag !x, not a string, ${EVERYBODY}; in YAML a ! needs quotes`,
  ],
  ['false', 'a: off', 'p.yaml:1:1: rule "a" is off, not a string; write it in quotes'],
  ['true', 'a: Yes', 'p.yaml:1:1: rule "a" is Yes, not a string; write it in quotes'],
  ['a number', 'a: 5', 'p.yaml:1:1: rule "a" is 5, not a string; write it in quotes'],
  ['minutes and seconds', 'a: 12:30', 'p.yaml:1:1: rule "a" is 12:30, not a string; write it in quotes'],
  ['a mapping', 'a:\n  b: "@"', 'p.yaml:1:1: rule "a" is a mapping, not a string; write it in quotes'],
  [
    'a name that is no string',
    'on: "@"',
    'p.yaml:1:1: the name of a rule must be a string; write it in quotes',
  ],
  [
    'a rule twice',
    'a: "@"\na: "!"',
    'p.yaml:2:1: this rule stands in the file twice; oslo.policy would follow the last one only. Keep one',
  ],
  [
    'a rule twice in JSON',
    '{"a": "@",\n "a": "!"}',
    'p.yaml:2:2: this rule stands in the file twice; oslo.policy would follow the last one only. Keep one',
  ],
  ['a bare @', 'a: @', 'p.yaml:1:4: a rule that begins with @ or % must be written in quotes: "@"'],
  [
    'a quote that ends early',
    "a: 'x':%(y)s",
    'p.yaml:1:7: text follows a closing quote; put the whole rule in double quotes: "\'x\':%(y)s"',
  ],
  [
    'a colon and a space',
    'a: role:x and b: c',
    'p.yaml:1:4: a colon followed by a space ends a name in YAML; leave the space out, or put the whole rule in quotes',
  ],
  [
    'a second document, which would be lost',
    'a: "!"\n---\nb: "!"',
    'p.yaml:2:1: a policy file holds one document; take the lines --- and ... out',
  ],
  ['no mapping', '- a', 'p.yaml:1:1: a policy file maps names of rules to check strings'],
])('refuses %s', ([, text, expected]) => {
  expect(read(text)).toEqual([expected])
})

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'policy-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function load(
  files: Readonly<Record<string, string>>,
  dirs: readonly string[] = [],
): RuleSet | readonly string[] {
  mkdirSync(join(dir, 'policy.d', 'sub'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const loaded = loadPolicy(
    [join(dir, 'policy.yaml')],
    dirs.map((name) => join(dir, name)),
  )
  return 'problems' in loaded
    ? loaded.problems.map((found) => problemText(found).replace(`${dir}/`, ''))
    : loaded.ruleSet
}

const placeOf = (rules: RuleSet | readonly string[], name: string): unknown => {
  const source = 'source' in rules ? rules.source(name) : undefined
  return source?.from === 'file' ? source.place.file.replace(`${dir}/`, '') : source?.from
}

test('files that do not exist leave the defaults', () => {
  expect(placeOf(load({}, ['nowhere']), 'volume:get')).toBe('default')
})

test('later files replace single rules of earlier ones; dot files and folders do not count', () => {
  const rules = load(
    {
      'policy.yaml': 'a: "@"\nb: "@"\nc: "@"',
      'policy.d/10.yaml': 'b: "!"\nc: "!"',
      'policy.d/20': '{"c": "@"}',
      'policy.d/.30.yaml': 'a: broken',
      'policy.d/sub/a.yaml': 'a: broken',
    },
    ['policy.d'],
  )
  expect(['a', 'b', 'c'].map((name) => placeOf(rules, name))).toEqual([
    'policy.yaml',
    'policy.d/10.yaml',
    'policy.d/20',
  ])
})

test('all problems of all files come together, those in a check at their column', () => {
  const problems = load(
    { 'policy.yaml': 'x:\n"volume:get": "role:a  or"', 'policy.d/1': 'b: rule:nowhere\nc: "role:a admin"' },
    ['policy.d'],
  )
  expect(problems).toEqual([
    `policy.yaml:1:1: rule "x" has no value, ${EVERYBODY}`,
    'policy.yaml:2:26: rule "volume:get": the rule ends where a check is expected',
    'policy.d/1:2:12: rule "c": "and" or "or" is missing before admin',
    'policy.d/1:1:4: rule "b" refers to "nowhere", which does not exist',
  ])
})

test('a file that cannot be read is a problem', () => {
  mkdirSync(join(dir, 'policy.yaml'))
  expect(load({})).toEqual(['policy.yaml:1:1: cannot be read: EISDIR'])
})

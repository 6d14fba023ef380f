import { expect, test } from 'vitest'
import { isProblem, parseRule, type Rule } from '../../src/policy/grammar.ts'

/** Writes a rule with all its parentheses, as one line to compare. */
function shown(rule: Rule): string {
  const text = (template: { readonly pieces: readonly unknown[] }): string =>
    template.pieces
      .map((piece) => (typeof piece === 'string' ? piece : `<${(piece as { attribute: string }).attribute}>`))
      .join('')
  switch (rule.kind) {
    case 'always':
      return '@'
    case 'never':
      return '!'
    case 'not':
      return `not ${shown(rule.part)}`
    case 'and':
    case 'or':
      return `(${rule.parts.map(shown).join(` ${rule.kind} `)})`
    case 'rule':
      return `rule:${rule.name}`
    case 'role':
      return `role:${text(rule.wanted)}`
    case 'literal':
      return `'${rule.text}':${text(rule.wanted)}`
    case 'attribute':
      return `${rule.path.join('.')}:${text(rule.wanted)}`
    case 'extension':
      return rule.text
    case 'remote':
      return text(rule.url)
    case 'locked':
      return `locked ${shown(rule.part)}`
  }
}

test.for<[string, unknown, string]>([
  ['empty', '', '@'],
  ['at', '@', '@'],
  ['exclamation mark', '!', '!'],
  ['and before or', 'a:1 or b:2 and c:3', '(a:1 or (b:2 and c:3))'],
  ['or after and', 'a:1 and b:2 or c:3', '((a:1 and b:2) or c:3)'],
  ['long chains', 'a:1 or b:2 and c:3 and d:4 or e:5', '(a:1 or (b:2 and c:3 and d:4) or e:5)'],
  ['not binds to one check', 'not a:1 and b:2', '(not a:1 and b:2)'],
  ['not before a group', 'not (a:1 or b:2)', 'not (a:1 or b:2)'],
  ['not twice', 'not NOT a:1', 'not not a:1'],
  ['operators in any case', 'a:1 OR b:2 aNd c:3', '(a:1 or (b:2 and c:3))'],
  ['parentheses touch words', '((a:1) or (b:2) and ( c:3 ) )', '(a:1 or (b:2 and c:3))'],
  ['parentheses around one check', '((role:admin))', 'role:admin'],
  ['a slot between parentheses', '(project_id:%(project_id)s)', 'project_id:<project_id>'],
  ['nested slot name', 'a:%(b(c))s', 'a:<b(c)>'],
  ['percent', 'role:100%%', 'role:100%'],
  ['role with colons', 'role:compute:admin', 'role:compute:admin'],
  ['rule name with colons', 'rule:volume:get', 'rule:volume:get'],
  ['a rule name is no template', 'rule:%(a)s', 'rule:%(a)s'],
  ['literal', 'True:%(bootable)s', "'True':<bootable>"],
  ['quoted literal', "'Member':%(role.name)s", "'Member':<role.name>"],
  ['lower-case true is an attribute', 'true:x', 'true:x'],
  ['number', '007.50:x', "'7.5':x"],
  ['path', 'a.b.c:x', 'a.b.c:x'],
  ['empty match', 'a:', 'a:'],
  ['remote', 'https://judge/%(id)s', 'https://judge/<id>'],
  ['white space of Python', 'a:1\u0085or\x1cb:2', '(a:1 or b:2)'],
  ['a byte order mark is no white space', 'role:a\ufeff', 'role:a\ufeff'],
  ['a hundred levels', `${'('.repeat(99)}a:1${')'.repeat(99)}`, 'a:1'],
  ['no lists', [], '@'],
  ['an empty inner list', [[]], '!'],
  ['lists', [['a:1', 'b:2'], 'c:3', []], '((a:1 and b:2) or c:3)'],
  ['lists keep spaces', [['role:a and b']], 'role:a and b'],
])('reads %s', ([, source, expected]) => {
  const rule = parseRule(source)
  expect(isProblem(rule) ? rule : shown(rule)).toBe(expected)
})

test.for<[string, unknown, number, string]>([
  [
    'white space only',
    ' \t',
    0,
    'only white space; write "" or "@" to let everybody pass, "!" to refuse everybody',
  ],
  ['no colon', 'a:1 or admin', 7, '"admin" is no check: it has no colon'],
  ['two checks', 'a:1 b:2', 4, '"and" or "or" is missing before b:2'],
  ['check before a group', 'a:1 (b:2)', 4, '"and" or "or" is missing before ('],
  ['ends after an operator', 'a:1 and', 7, 'the rule ends where a check is expected'],
  ['ends after not', 'not', 3, 'the rule ends where a check is expected'],
  ['begins with an operator', 'or a:1', 0, '"or" stands where a check is expected'],
  ['two operators', 'a:1 and or b:2', 8, '"or" stands where a check is expected'],
  ['never closed', 'a:1 and (b:2', 8, 'this ( is never closed'],
  ['two checks in a group', '(a:1 b:2)', 5, '"and" or "or" is missing before b:2'],
  ['closes nothing', 'a:1)', 3, 'this ) closes nothing'],
  ['empty group', '()', 1, '")" stands where a check is expected'],
  ['bare string', '"a:1"', 0, '"a:1" is a bare string; a check is kind:value, without quotes'],
  ['lone quote', "'", 0, '"\'" is no check: it has no colon'],
  ['stray percent', 'a:1 or b:5%', 10, 'after % comes (attribute)s; write %% for the character itself'],
  ['whole target', 'role:%s', 5, 'after % comes (attribute)s; write %% for the character itself'],
  ['slot without s', 'a:%(b)', 2, 'after % comes (attribute)s; write %% for the character itself'],
  ['percent in a URL', 'http://a/%d', 9, 'after % comes (attribute)s; write %% for the character itself'],
  ['nothing before the colon', ':x', 0, 'nothing stands before the colon'],
  [
    'a keyword of Python',
    'class:x',
    0,
    '"class" is neither an attribute of the credentials, as in user_id:%(user_id)s, nor a plain value, as in True:%(bootable)s',
  ],
  ['null', null, 0, 'a rule is a string (or, the old form, a list of lists of strings)'],
  ['true', true, 0, 'a rule is a string (or, the old form, a list of lists of strings)'],
  ['null in a list', [[null]], 0, 'a rule in the form of lists holds strings only'],
  ['number in a list', [5], 0, 'a rule in the form of lists holds strings only'],
  ['a hundred thousand negations', 'not '.repeat(100_000), 0, 'nested deeper than 100 levels'],
  ['a hundred thousand groups', `a:1 or ${'('.repeat(100_000)}`, 107, 'nested deeper than 100 levels'],
  ['no colon in a list', [['admin']], 0, '"admin" is no check: it has no colon'],
])('refuses %s', ([, source, offset, message]) => {
  expect(parseRule(source)).toEqual({ offset, message })
})

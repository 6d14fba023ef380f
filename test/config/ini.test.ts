import { describe, expect, test } from 'vitest'
import { parseIni, substitute } from '../../src/config/ini.ts'
import { Flaw } from '../../src/config/problem.ts'

const entry = (section: string, key: string, value: string, line: number) => ({
  section,
  key,
  value,
  where: `a.conf:${line}`,
})

describe('parseIni reads', () => {
  test.each([
    ['nothing', '', []],
    ['an equals sign', '[a]\nk = v', [entry('a', 'k', 'v', 2)]],
    ['a colon', '[a]\nk: v', [entry('a', 'k', 'v', 2)]],
    ['the first of = and :', '[a]\nk = v:w\nl: x=y', [entry('a', 'k', 'v:w', 2), entry('a', 'l', 'x=y', 3)]],
    ['an empty value', '[a]\nk =', [entry('a', 'k', '', 2)]],
    ['no comment after a value', '[a]\nk = v # w ; x', [entry('a', 'k', 'v # w ; x', 2)]],
    ['comments', '# c\n; d\n[a]\n#k = v\nl = w', [entry('a', 'l', 'w', 5)]],
    ['a repeated key', '[a]\nk = 1\nk = 2', [entry('a', 'k', '1', 2), entry('a', 'k', '2', 3)]],
    ['a section again', '[a]\nk = 1\n[b]\n[a]\nl = 2', [entry('a', 'k', '1', 2), entry('a', 'l', '2', 5)]],
    [
      'sections in lower case',
      '[Nova]\nk = 1\n[DEFAULT]\nk = 2',
      [entry('nova', 'k', '1', 2), entry('DEFAULT', 'k', '2', 4)],
    ],
    ['default as a section of its own', '[default]\nk = 1', [entry('default', 'k', '1', 2)]],
    [
      'continuation lines',
      '[a]\nk = 1,\n  2,\n\t3\nl = 4',
      [entry('a', 'k', '1,\n2,\n3', 2), entry('a', 'l', '4', 5)],
    ],
    ['an indented # as part of the value', '[a]\nk = 1\n  # 2', [entry('a', 'k', '1\n# 2', 2)]],
    ['double quotes', '[a]\nk = " v "', [entry('a', 'k', ' v ', 2)]],
    ['single quotes', "[a]\nk = 'v'", [entry('a', 'k', 'v', 2)]],
    ['one pair of quotes only', `[a]\nk = "'v'"`, [entry('a', 'k', "'v'", 2)]],
    ['a lone quote as nothing', '[a]\nk = "', [entry('a', 'k', '', 2)]],
    ['unlike quotes as they are', `[a]\nk = "v'`, [entry('a', 'k', `"v'`, 2)]],
    ['Windows lines and a byte order mark', '\uFEFF[a]\r\nk = v\r\n', [entry('a', 'k', 'v', 2)]],
    ['names as they are', '[a]\nK-x y = v', [entry('a', 'K-x y', 'v', 2)]],
    ['a key named like a property', '[a]\n__proto__ = v', [entry('a', '__proto__', 'v', 2)]],
  ])('%s', (_name, text, expected) => {
    expect(parseIni(text, 'a.conf')).toEqual({ entries: expected, problems: [] })
  })
})

describe('parseIni reports', () => {
  test.each([
    [
      'a line that is nothing',
      '[a]\nnonsense',
      ['a.conf:2', 'neither [section], key = value, nor a comment'],
    ],
    ['no name', '[a]\n= v', ['a.conf:2', 'there is no name before the = or :']],
    ['no section', 'k = v', ['a.conf:1', 'k stands before the first [section]']],
    ['an open section', '[a', ['a.conf:1', 'a section line must end with ]']],
    ['an empty section', '[]', ['a.conf:1', 'a section needs a name between [ and ]']],
    [
      'an indented line under nothing',
      '[a]\nk = 1\n\n  2',
      ['a.conf:4', 'an indented line goes on with the value above it, and there is none'],
    ],
    [
      'an indented line under a comment',
      '[a]\nk = 1\n# c\n  2',
      ['a.conf:4', 'an indented line goes on with the value above it, and there is none'],
    ],
    [
      'a bad line once, not its continuations too',
      '[a]\nbad\n  more\n  more',
      ['a.conf:2', 'neither [section], key = value, nor a comment'],
    ],
  ])('%s', (_name, text, [where, message]) => {
    expect(parseIni(text, 'a.conf').problems).toEqual([{ code: 'syntax', where, message }])
  })

  test('every bad line, and reads the good ones', () => {
    const file = parseIni('[a\nk\n[b]\nk = v\n]', 'a.conf')
    expect(file.problems.map((problem) => problem.where)).toEqual(['a.conf:1', 'a.conf:2', 'a.conf:5'])
    expect(file.entries).toEqual([entry('b', 'k', 'v', 4)])
  })
})

describe('substitute', () => {
  const values: Record<string, string> = { host: 'h', Port_2: '80', 'nova.region': 'R', dollar: '$&' }
  const lookup = (name: string) => values[name] ?? new Flaw('unknown_reference', name)
  test.each([
    ['no reference', 'a b', 'a b'],
    ['a bare name', 'http://$host/', 'http://h/'],
    ['a braced name', `x\${host}y`, 'xhy'],
    ['capitals', '$Port_2', '80'],
    ['a group', `\${nova.region} $nova.region`, 'R R'],
    ['two dollars', 'pa$$word', 'pa$word'],
    ['backslash dollar', 'pa\\$host', 'pa$host'],
    ['a dollar at the end', '^x$', '^x$'],
    ['a dollar before a digit', '$1', '$1'],
    ['an open brace', `\${host`, `\${host`],
    ['a value with dollars', '$dollar', '$&'],
    ['three dollars', '$$$host', '$h'],
  ])('%s', (_name, text, expected) => {
    expect(substitute(text, lookup)).toBe(expected)
  })
  test.each([
    ['an unknown name', '$nobody', 'nobody'],
    ['a name with the dot after it', '$host.', 'host.'],
    ['the first of two', '$a $b', 'a'],
  ])('%s is a flaw', (_name, text, message) => {
    expect(substitute(text, lookup)).toEqual(new Flaw('unknown_reference', message))
  })
})

import { describe, expect, test } from 'vitest'
import type { Option } from '../../src/config/option.ts'
import { findOption } from '../../src/config/options.ts'
import { Flaw } from '../../src/config/problem.ts'
import { Secret } from '../../src/config/secret.ts'
import { readValue } from '../../src/config/value.ts'

const of = (type: Option['type'], more: Partial<Option> = {}): Option => ({ type, help: '', ...more })
const named = (section: string, name: string): Option => findOption(section, name) ?? of('string')
const seconds = of('float', { unit: 'seconds', min: 0.5, max: 10 })
const mode = of('enum', { choices: ['a', 'b'], synonyms: { bee: 'b' } })
const prefix = named('cinderguard', 'public_prefix')
const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port })

describe('readValue reads', () => {
  const rows: readonly (readonly [Option, string, unknown])[] = [
    [of('string'), ' as it is ', ' as it is '],
    [of('int'), ' 42 ', 42],
    [of('int'), '-1', -1],
    [seconds, '0.5', 0.5],
    [seconds, '1e1', 10],
    [of('bool'), 'True', true],
    [of('bool'), 'on', true],
    [of('bool'), '1', true],
    [of('bool'), 'YES', true],
    [of('bool'), 'no', false],
    [of('bool'), 'off', false],
    [of('bool'), '0', false],
    [of('list'), 'a, b,\nc,', ['a', 'b', 'c']],
    [of('list'), '', []],
    [of('multi'), 'a, b', ['a, b']],
    [of('address'), '127.0.0.1:8776', tcp('127.0.0.1', 8776)],
    [of('address'), '[::1]:0', tcp('::1', 0)],
    [of('address'), 'localhost:65535', tcp('localhost', 65535)],
    [of('address'), 'unix:/run/cinderguard.sock', { kind: 'unix', path: '/run/cinderguard.sock' }],
    [of('url'), 'http://cinder:8776', 'http://cinder:8776'],
    [of('url'), 'https://[::1]:8776/volume//', 'https://[::1]:8776/volume'],
    [mode, 'a', 'a'],
    [mode, 'bee', 'b'],
    [of('path'), '/etc/x', '/etc/x'],
    [of('regex'), '[0-9a-f\\-]+', '[0-9a-f\\-]+'],
    [prefix, '', ''],
    [prefix, '/volume', '/volume'],
    [prefix, '/a/b.c', '/a/b.c'],
  ]
  test.each(rows)('%o %j', (option, text, expected) => {
    expect(readValue(text, option)).toEqual(expected)
  })
  test('a secret, any text', () => {
    const value = readValue(' $ecret\n', of('secret'))
    expect(value instanceof Secret && value.reveal()).toBe(' $ecret\n')
  })
})

describe('readValue refuses', () => {
  const rows: readonly (readonly [Option, string, string, string])[] = [
    [of('string'), 'a\nb', 'wrong_type', 'must be one line without control characters'],
    [of('int'), '1.5', 'wrong_type', '"1.5" is not a whole number'],
    [of('int'), '0x10', 'wrong_type', '"0x10" is not a whole number'],
    [of('int'), '99999999999999999999', 'wrong_type', '"99999999999999999999" is not a whole number'],
    [seconds, 'soon', 'wrong_type', '"soon" is not a number of seconds'],
    [seconds, 'Infinity', 'wrong_type', '"Infinity" is not a number of seconds'],
    [seconds, '1e999', 'wrong_type', '"1e999" is not a number of seconds'],
    [seconds, '0.4', 'out_of_range', '0.4 is below the minimum, 0.5'],
    [seconds, '10.1', 'out_of_range', '10.1 is above the maximum, 10'],
    [of('bool'), 'maybe', 'wrong_type', '"maybe" is not true or false'],
    [of('address'), '8776', 'wrong_type', '"8776" is not HOST:PORT, [IPV6]:PORT or unix:/PATH'],
    [of('address'), '::1:8776', 'wrong_type', '"::1:8776" is not HOST:PORT, [IPV6]:PORT or unix:/PATH'],
    [of('address'), 'h:65536', 'out_of_range', 'port 65536 is above 65535'],
    [
      of('address'),
      'unix:run/x',
      'wrong_type',
      '"unix:run/x" is not HOST:PORT, [IPV6]:PORT or unix:/PATH (an absolute path below 108 bytes)',
    ],
    [of('url'), 'cinder:8776', 'wrong_type', '"cinder:8776" is not an http:// or https:// URL'],
    [of('url'), 'ftp://cinder', 'wrong_type', '"ftp://cinder" is not an http:// or https:// URL'],
    [of('url'), 'http:cinder', 'wrong_type', '"http:cinder" is not an http:// or https:// URL'],
    [of('url'), 'http://', 'wrong_type', '"http://" is not an http:// or https:// URL'],
    [of('url'), 'http://u:p@cinder', 'not_allowed', 'a URL may not carry a user name or password'],
    [of('url'), 'http://u:p@cin der', 'wrong_type', 'the value is not an http:// or https:// URL'],
    [of('url'), 'http://cinder/?a', 'wrong_type', '"http://cinder/?a" is not a URL without ? and #'],
    [mode, 'c', 'wrong_type', '"c" is not one of a, b'],
    [mode, 'constructor', 'wrong_type', '"constructor" is not one of a, b'],
    [of('regex'), '[', 'wrong_type', '"[" is not a regular expression'],
    [
      prefix,
      'volume',
      'wrong_type',
      '"volume" is not empty, or a path such as /volume without a final slash',
    ],
    [
      prefix,
      '/volume/',
      'wrong_type',
      '"/volume/" is not empty, or a path such as /volume without a final slash',
    ],
    [prefix, '/../x', 'wrong_type', '"/../x" is not empty, or a path such as /volume without a final slash'],
    [of('int'), 'x'.repeat(80), 'wrong_type', `"${'x'.repeat(57)}..." is not a whole number`],
  ]
  test.each(rows)('%o %j', (option, text, code, message) => {
    const value = readValue(text, option)
    expect(value).toBeInstanceOf(Flaw)
    expect(value).toMatchObject({ code, message })
  })
})

import { describe, expect, test } from 'vitest'
import { readFlags } from '../../src/config/flags.ts'

const none = { files: [], dirs: [], overrides: {}, rest: [] }

describe('readFlags reads', () => {
  test.each([
    ['nothing', [], none],
    ['files', ['--config-file', 'a', '--config-file=b'], { ...none, files: ['a', 'b'] }],
    ['directories', ['--config-dir', 'd'], { ...none, dirs: ['d'] }],
    ['an option', ['--admin-bind', 'h:1'], { ...none, overrides: { 'cinderguard.admin_bind': 'h:1' } }],
    ['underscores', ['--admin_bind=h:1'], { ...none, overrides: { 'cinderguard.admin_bind': 'h:1' } }],
    ['another section', ['--nova.region_name=R=S'], { ...none, overrides: { 'nova.region_name': 'R=S' } }],
    [
      '[DEFAULT]',
      ['--DEFAULT.osapi_max_limit=9'],
      { ...none, overrides: { 'DEFAULT.osapi_max_limit': '9' } },
    ],
    ['the last of two', ['--mode', 'a', '--mode', 'b'], { ...none, overrides: { 'cinderguard.mode': 'b' } }],
    ['other words', ['serve', '--json', '-v'], { ...none, rest: ['serve', '--json', '-v'] }],
  ])('%s', (_name, argv, expected) => {
    expect(readFlags(argv, ['--json'])).toEqual(expected)
  })
})

describe('readFlags refuses', () => {
  test.each([
    ['an unknown flag', ['--wat-is-this', 'x'], 'unknown_option', '--wat-is-this', 'there is no such flag'],
    [
      'a slip',
      ['--upstraem=x'],
      'unknown_option',
      '--upstraem',
      'there is no such flag; did you mean --upstream?',
    ],
    ['a missing value', ['--bind'], 'missing', '--bind', 'needs a value'],
    [
      'a secret',
      ['--keystone_authtoken.password=hunter2'],
      'not_allowed',
      '--keystone_authtoken.password',
      'a secret may not be a flag, where every user can read it; use a file or the environment',
    ],
  ])('%s', (_name, argv, code, flag, message) => {
    expect(readFlags(argv)).toEqual({ problems: [{ code, where: `command line ${flag}`, message }] })
  })
})

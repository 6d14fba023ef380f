import { describe, expect, test } from 'vitest'
import { withRule } from '../../src/checks/policy.ts'
import { type Rejection, reject } from '../../src/http/rejection.ts'
import type { OperationKind } from '../../src/operation/operation.ts'
import { type Mode, readModes, withLocks } from '../../src/rollout/mode.ts'

const isRule = (name: string) => name === 'volume:delete' || name === 'volume:get_all'
const IN_USE = reject('attachment_in_use', { server: 's' })
const BY_RULE = reject('policy', { rule: 'volume:delete' })
const HIDDEN = withRule(reject('volume_not_found', { volume: 'v' }), 'volume:delete')
const UNJUDGED = reject('undecided')
const DOWN = reject('upstream_unreachable')

describe('the most particular mode counts', () => {
  const CASES: readonly (readonly [string, Mode, string[], Rejection, OperationKind | null, Mode])[] = [
    ['the mode of all', 'observe', [], IN_USE, 'volume-detach', 'observe'],
    ['the operation', 'enforce', ['volume-detach=observe'], IN_USE, 'volume-detach', 'observe'],
    ['another operation', 'enforce', ['volume-detach=observe'], IN_USE, 'attachment-delete', 'enforce'],
    [
      'the reason before the operation',
      'observe',
      ['volume-detach=observe', 'attachment_in_use=enforce'],
      IN_USE,
      'volume-detach',
      'enforce',
    ],
    [
      'the rule before the reason',
      'observe',
      ['policy=observe', 'volume:delete=enforce'],
      BY_RULE,
      'other',
      'enforce',
    ],
    ['an operation not told', 'enforce', ['other=observe'], IN_USE, null, 'enforce'],
    ['blanks around', 'enforce', [' other = observe '], IN_USE, 'other', 'observe'],
  ]
  test.each(CASES)('%s', (_name, overall, overrides, rejection, operation, expected) => {
    const modes = readModes(overall, overrides, isRule)
    expect('of' in modes && modes.of(rejection, operation)).toBe(expected)
  })
})

test.each([
  ['a locked rule, its own exception', 'enforce', ['volume:delete=observe'], BY_RULE, 'enforce'],
  ['a locked rule, an exception for the reason', 'enforce', ['policy=observe'], BY_RULE, 'enforce'],
  ['a locked rule, an exception for the operation', 'enforce', ['other=observe'], BY_RULE, 'enforce'],
  ['a locked rule, a gateway that observes', 'observe', [], BY_RULE, 'observe'],
  ['a locked rule, all the same to enforce', 'observe', ['volume:delete=enforce'], BY_RULE, 'enforce'],
  ['a locked rule that hides the volume', 'enforce', ['other=observe'], HIDDEN, 'enforce'],
  ['a locked rule that could not be judged', 'enforce', ['other=observe'], UNJUDGED, 'enforce'],
  ['a locked rule, an upstream that is down', 'enforce', ['other=observe'], DOWN, 'observe'],
  ['a rule that is not locked', 'enforce', ['policy=observe'], reject('policy', { rule: 'x' }), 'observe'],
] as const)('%s: %s, %j', (_name, overall, overrides, rejection, expected) => {
  const modes = readModes(overall, overrides, isRule)
  if ('problems' in modes) throw new Error(modes.problems.join())
  const asked = ['volume:get', 'volume:delete']
  expect(withLocks(modes, (rule) => rule === 'volume:delete', asked).of(rejection, 'other')).toBe(expected)
})

test.each(['service_token_missing', 'service_role_missing'])(
  '%s rests on what a client says of itself, and has no mode of its own',
  (name) => {
    expect(readModes('enforce', [`${name}=observe`], isRule)).toEqual({
      problems: [expect.stringContaining('any client can look like a service')],
    })
  },
)

test('all that is wrong is said at once', () => {
  const items = [
    'volume-detach',
    'volume-detach=off',
    'nobody=observe',
    '=observe',
    'other=observe',
    'other=enforce',
  ]
  expect(readModes('enforce', items, isRule)).toEqual({
    problems: [
      '"volume-detach" is not NAME=enforce or NAME=observe',
      '"volume-detach=off" is not NAME=enforce or NAME=observe',
      '"nobody" is no operation (such as volume-detach), no reason and no policy rule',
      '"=observe" is not NAME=enforce or NAME=observe',
      '"other" is named twice',
    ],
  })
})

import { expect, test } from 'vitest'
import { described } from '../../src/policy/extensions.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { ruleNames, tryOut } from '../../src/policy/try-out.ts'

const place = { file: 'policy.yaml', line: 1, column: 1 }
const RULES = compileRules(
  new Map([
    ['site:day', { check: 'cinderguard.time:08:00-18:00', place }],
    ['site:office', { check: 'cinderguard.address:10.0.0.0/8', place }],
  ]),
)
if ('problems' in RULES) throw new Error('the rules do not load')
const rules = RULES

test.for<[string, object, boolean | null]>([
  ['site:day', { time: '2026-11-24T09:00:00Z' }, true],
  ['site:day', { time: '2026-11-24T19:00:00Z' }, false],
  ['site:office', { address: '10.1.1.1' }, true],
  ['site:office', {}, false],
  ['site:night', {}, null],
])('a rule that looks at the request: %s, %j: %s', ([rule, asked, expected]) => {
  const who = { rule, roles: [], target: 'own', scope: 'project', isService: false } as const
  expect(tryOut(who, rules, described(asked, 0))?.allowed ?? null).toBe(expected)
})

test("the operator's own rules are there to choose from", () => {
  expect(ruleNames(rules)).toEqual(expect.arrayContaining(['site:day', 'volume:get']))
})

import { expect, test } from 'vitest'
import { compile, PolicyError, REQUEST } from '../../src/policy/evaluate.ts'
import type { RequestFacts } from '../../src/policy/extensions.ts'
import { isProblem, parseRule } from '../../src/policy/grammar.ts'

/** Tuesday, noon in UTC. */
const NOON = Date.UTC(2026, 10, 24, 12, 0)
const BODY: Readonly<Record<string, unknown>> = {
  'os-extend.new_size': 10,
  text: '20',
  spaced: ' 20 ',
  'os-retype.new_type': 'gold',
  underscored: '1_000',
  other: '２０',
  none: null,
  flag: true,
  'a.b': { c: 1 },
}
const REQUEST_SEEN: RequestFacts = {
  address: '10.1.2.3',
  time: NOON,
  service: { name: 'nova', id: '5e7', domain: 'default' },
  version: '3.44',
  bodyAt: (path) => BODY[path.join('.')],
}

function holds(check: string, request: Partial<RequestFacts> = {}): boolean {
  const rule = parseRule(`cinderguard.${check}`)
  if (isProblem(rule)) throw new Error(rule.message)
  const compiled = compile(rule, () => {
    throw new Error('no rule is named')
  })
  return compiled.decide({ [REQUEST]: { ...REQUEST_SEEN, ...request } }, {}, () => true)
}

test.for<[string, boolean, Partial<RequestFacts>?]>([
  ['address:10.0.0.0/8', true],
  ['address:10.1.2.3', true],
  ['address:10.1.2.4', false],
  ['address:192.168.0.0/16,10.1.2.0/24', true],
  ['address:0.0.0.0/0', true],
  ['address:::/0', true],
  ['address:2001:db8::/32', true, { address: '2001:db8:1::9' }],
  ['address:2001:db8::/32', false, { address: '2001:db9::9' }],
  ['address:10.0.0.0/8', true, { address: '::ffff:10.9.9.9' }],
  ['address:0.0.0.0/0', false, { address: '' }],
  ['time:08:00-18:00', true],
  ['time:12:01-18:00', false],
  ['time:08:00-12:00', false],
  ['time:12:00-24:00', true],
  ['time:mon-fri/08:00-18:00', true],
  ['time:tue/00:00-24:00', true],
  ['time:wed-mon/00:00-24:00', false],
  ['time:22:00-06:00', true, { time: Date.UTC(2026, 10, 24, 23) }],
  ['time:22:00-06:00', true, { time: Date.UTC(2026, 10, 24, 5, 59) }],
  ['time:22:00-06:00', false, { time: Date.UTC(2026, 10, 24, 6) }],
  ['time:mon/22:00-06:00', true, { time: Date.UTC(2026, 10, 24, 5) }],
  ['time:tue/22:00-06:00', false, { time: Date.UTC(2026, 10, 24, 5) }],
  ['service:nova', true],
  ['service:glance', false],
  ['service:nova', false, { service: null }],
  ['service:nova@default', true],
  ['service:nova@other', false],
  ['service:5e7', true],
  ['service:nova@default', false, { service: { name: 'nova', id: '5e7', domain: null } }],
  ['microversion:>=3.44', true],
  ['microversion:>3.44', false],
  ['microversion:<3.100', true],
  ['microversion:=3.44', true],
  ['microversion:>=3.0', false, { version: '' }],
  ['body:os-extend.new_size<=10', true],
  ['body:os-extend.new_size<10', false],
  ['body:os-extend.new_size>9.5', true],
  ['body:text=20', true],
  ['body:text=020', true],
  ['body:spaced>=20', true],
  ['body:os-retype.new_type=gold', true],
  ['body:os-retype.new_type=silver', false],
  ['body:none=null', true],
  ['body:flag=true', true],
  ['body:absent=null', false],
  ['body:absent<1', false],
])('cinderguard.%s is %s', ([check, wanted, request]) => {
  expect(holds(check, request)).toBe(wanted)
})

test.for([
  ['body:underscored<=10'],
  ['body:other<=10'],
  ['body:os-retype.new_type<=10'],
  ['body:none<=10'],
  ['body:flag>=1'],
])('cinderguard.%s has no answer, so the request is refused', ([check]) => {
  expect(() => holds(check as string)).toThrow('is no plain number')
})

test('without a request, such as in a tool, there is no answer', () => {
  const rule = parseRule('cinderguard.service:nova')
  if (isProblem(rule)) throw new Error(rule.message)
  const compiled = compile(rule, () => {
    throw new Error('no rule is named')
  })
  expect(() => compiled.decide({}, {}, () => true)).toThrow(PolicyError)
})

test.for<[string, string]>([
  ['adress:10.0.0.0/8', 'there is no check cinderguard.adress; there are address, time, service'],
  ['toString:x', 'there is no check cinderguard.toString'],
  ['address:10.0.0.0/33', '"10.0.0.0/33" is no address or network'],
  ['address:10.0.0.0/', '"10.0.0.0/" is no address or network'],
  ['address:10.0.0.0/8/8', 'is no address or network'],
  ['address:10.0.0', 'is no address or network'],
  ['address:', '"" is no address or network'],
  ['time:8:00-18:00', 'is no window'],
  ['time:08:00-24:01', 'ends after 24:00'],
  ['time:08:00-08:00', 'ends as it begins; all day is 00:00-24:00'],
  ['time:foo/08:00-18:00', 'the days are sun, mon'],
  ['service:', 'a name is expected'],
  ['microversion:3.44', 'is no comparison such as >=3.44'],
  ['body:os-extend.new_size', 'is no comparison'],
  ['body:os-extend.new_size<=many', '"many" is no number'],
])('cinderguard.%s is refused at load: %s', ([check, message]) => {
  const rule = parseRule(`role:a or cinderguard.${check}`)
  expect(isProblem(rule) ? rule.message : 'no problem').toContain(message)
  expect(isProblem(rule) && rule.offset).toBe(10)
})

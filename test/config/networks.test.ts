import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { networksOf, readNetworks } from '../../src/config/networks.ts'
import { describeProblem } from '../../src/config/problem.ts'

describe('addresses and networks', () => {
  const CASES: readonly (readonly [string, string, boolean])[] = [
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:DB8:1::1', true],
    ['unix', '', true],
    ['10.0.0.0/8', '', false],
    ['unix', '10.0.0.1', false],
  ]
  test.each(CASES)('%s has %s: %s', (item, address, expected) => {
    expect(networksOf([item]).has(address)).toBe(expected)
  })
  test.each(['10.0.0.0/33', 'fd00::/129', 'haproxy', '10.0.0', '10.0.0.0/', '*', '10.0.0.1-9'])(
    '%s is none',
    (item) => {
      expect(readNetworks(['10.0.0.1', item])).toEqual({
        problems: [`"${item}" is neither an address nor a network such as 10.0.0.0/8 nor unix`],
      })
    },
  )
})

test.each(['service_hosts', 'trusted_proxies'])('a wrong %s stops the start, with its name', (name) => {
  const loaded = loadConfig({ overrides: { [`cinderguard.${name}`]: '10.0.0.1, haproxy' } })
  const problems = 'problems' in loaded ? loaded.problems.map(describeProblem) : []
  expect(problems).toContainEqual(expect.stringContaining(`${name}: "haproxy" is neither an address`))
})

import { execFileSync } from 'node:child_process'
import { beforeAll, expect, test } from 'vitest'
import { CATALOGUE } from '../../../src/policy/catalogue.ts'
import { install } from '../lab/install.ts'

interface Registered {
  readonly name: string
  readonly check: string
  readonly deprecated: { readonly name: string; readonly check: string } | null
  readonly scope: readonly string[] | null
}
const LIST = `
import json, warnings
warnings.simplefilter('ignore')
from cinder import policies
def row(rule):
    old = rule.deprecated_rule
    return {'name': rule.name, 'check': rule.check_str, 'scope': rule.scope_types,
            'deprecated': {'name': old.name, 'check': old.check_str} if old else None}
print(json.dumps([row(rule) for rule in policies.list_rules()]))
`
/** What newer releases than Debian's have. */
const NEWER = ['volume_extension:volume_admin_actions:extend_volume_completion']

beforeAll(install)

test('the catalogue is what python3-cinder registers', () => {
  const out = execFileSync('/usr/bin/python3', ['-c', LIST], { encoding: 'utf8' })
  const theirs = (JSON.parse(out.trim().split('\n').at(-1) ?? '') as Registered[])
    .map(({ name, check, deprecated }) => ({ name, check, deprecated }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const ours = CATALOGUE.filter(({ name }) => !NEWER.includes(name))
    .map(({ name, check, deprecated = null }) => ({ name, check, deprecated }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  expect(ours).toEqual(theirs)
  expect(ours).toHaveLength(166)
})

test('no rule has scope types, so enforce_scope changes nothing', () => {
  const out = execFileSync('/usr/bin/python3', ['-c', LIST], { encoding: 'utf8' })
  const rules = JSON.parse(out.trim().split('\n').at(-1) ?? '') as Registered[]
  expect(rules.filter(({ scope }) => scope !== null)).toEqual([])
})

import { expect, test } from 'vitest'
import { CATALOGUE } from '../../src/policy/catalogue.ts'
import { isProblem, parseRule } from '../../src/policy/grammar.ts'
import { referencesOf } from '../../src/policy/references.ts'

const NAMES = new Set(CATALOGUE.map((row) => row.name))

test('holds the 166 rules of Cinder 21.3.1 and the newest release’s one more, each once', () => {
  expect(CATALOGUE).toHaveLength(167)
  expect(NAMES.size).toBe(167)
})

/** A deprecated default that Cinder wrote without `rule:`; it reads, and never lets anybody pass. */
test.for(CATALOGUE)('$name can be read and refers to rules that exist', (row) => {
  for (const check of [row.check, row.deprecated?.check ?? '']) {
    const rule = parseRule(check)
    expect(isProblem(rule)).toBe(false)
    if (isProblem(rule)) continue
    expect([...referencesOf(rule)].filter((name) => !NAMES.has(name))).toEqual([])
  }
})

test('every rule with an operation has a target', () => {
  expect(CATALOGUE.filter((row) => row.operations.length > 0 && row.targets.length === 0)).toEqual([])
})

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REFERENCE, renderReasons } from '../../src/http/reasons-reference.ts'
import { REASONS } from '../../src/http/rejection.ts'

const reference = readFileSync(new URL(`../../${REFERENCE}`, import.meta.url), 'utf8')

test('docs/reasons.md is current (node src/http/reasons-reference.ts --write)', () => {
  expect(reference).toBe(renderReasons())
})

test.each(Object.entries(REASONS))('%s has its status, its meaning and its message', (reason, row) => {
  expect(reference).toContain(`| [\`${reason}\`](#${reason}) | ${row.status} | ${row.help} |`)
  expect(row.help).toMatch(/^[A-Z].*\.$/)
  expect(reference).toContain(`\n### ${reason}\n`)
})

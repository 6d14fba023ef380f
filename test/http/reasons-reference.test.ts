import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REFERENCE, renderReasons } from '../../src/http/reasons-reference.ts'
import { REASONS } from '../../src/http/rejection.ts'

test(`${REFERENCE} is current (node src/http/reasons-reference.ts --write)`, () => {
  const reference = readFileSync(new URL(`../../${REFERENCE}`, import.meta.url), 'utf8')
  expect(reference === renderReasons()).toBe(true)
})

test.each(Object.entries(REASONS))('%s has its status, its meaning and its message', (reason, row) => {
  const reference = renderReasons()
  expect(reference).toContain(`| [\`${reason}\`](#${reason}) | ${row.status} | ${row.help} |\n`)
  expect(reference).toContain(`\n### ${reason}\n\n${row.status} \`${row.fault}\``)
  for (const line of row.message.split('\n\n')) expect(reference).toContain(line)
})

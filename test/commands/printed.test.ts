import { expect, test } from 'vitest'
import { printed } from '../../src/commands/printed.ts'

test.each([
  ['plain text, in lines and columns\n\t1 × é', 'plain text, in lines and columns\n\t1 × é'],
  ['\u001b[31mred', '\ufffd[31mred'],
  ['\u009b2J', '\ufffd2J'],
  ['back\rward\b', 'back\ufffdward\ufffd'],
  ['right to \u202eleft', 'right to \ufffdleft'],
])('%j', (text, expected) => {
  expect(printed(text)).toBe(expected)
})

import { expect, test } from 'vitest'
import { isLoopback } from '../../src/config/loopback.ts'

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['[::1]', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['127.evil.example', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['', false],
])('%s: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

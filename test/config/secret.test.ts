import { format, inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'

describe('Secret', () => {
  const secret = new Secret('hunter2')
  const prints: readonly (readonly [string, string, string])[] = [
    ['string', String(secret), '[redacted]'],
    ['template', `<${secret}>`, '<[redacted]>'],
    ['JSON', JSON.stringify({ secret }), '{"secret":"[redacted]"}'],
    ['inspect', inspect({ secret }), '{ secret: [redacted] }'],
    [
      'inspect without custom functions',
      inspect(secret, { customInspect: false, showHidden: true }),
      'Secret {}',
    ],
    ['format', format('%s %o', secret, secret), '[redacted] [redacted]'],
    ['own keys', Object.getOwnPropertyNames(secret).join(), ''],
    ['copy', JSON.stringify({ ...secret }), '{}'],
  ]
  test.each(prints)('%s does not show it', (_name, printed, expected) => {
    expect(printed).toBe(expected)
  })
  test('reveal does', () => {
    expect(secret.reveal()).toBe('hunter2')
  })
})

import { describe, expect, test } from 'vitest'
import { parseJson } from '../../src/operation/json.ts'
import {
  type GuardedAction,
  isGuardedAction,
  isUuidLike,
  stringAt,
  violationOf,
} from '../../src/operation/schema.ts'

const ID = '0f0f0f0f-0000-4000-8000-abcdefABCDEF'
const BARE = ID.replaceAll('-', '')

const at = (name: string, value: string, message: string) =>
  `Invalid input for field/attribute ${name}. Value: ${value}. ${message}`

/** Every message of this file is the one that Cinder 21.3.1 gave for the body, with jsonschema 4.10.3. */
describe('a body that does not fit is refused in the words of jsonschema', () => {
  const rows: readonly (readonly [GuardedAction, argument: string, problem: string])[] = [
    ['os-detach', '5', at('os-detach', '5', "5 is not of type 'object', 'null'")],
    ['os-detach', '"x"', at('os-detach', 'x', "'x' is not of type 'object', 'null'")],
    ['os-detach', '[]', at('os-detach', '[]', "[] is not of type 'object', 'null'")],
    ['os-detach', 'NaN', at('os-detach', 'nan', "nan is not of type 'object', 'null'")],
    ['os-detach', 'false', at('os-detach', 'False', "False is not of type 'object', 'null'")],
    [
      'os-detach',
      '{"attachment_id": "abc"}',
      at('attachment_id', 'abc', "'abc' is not valid under any of the given schemas"),
    ],
    [
      'os-detach',
      '{"attachment_id": ""}',
      at('attachment_id', '', "'' is not valid under any of the given schemas"),
    ],
    [
      'os-detach',
      '{"attachment_id": 1}',
      at('attachment_id', '1', '1 is not valid under any of the given schemas'),
    ],
    [
      'os-detach',
      '{"x": 1}',
      at('os-detach', "{'x': 1}", "Additional properties are not allowed ('x' was unexpected)"),
    ],
    [
      'os-detach',
      '{"y": 1, "Ab": 2, "connector": null}',
      at(
        'os-detach',
        "{'y': 1, 'Ab': 2, 'connector': None}",
        "Additional properties are not allowed ('Ab', 'connector', 'y' were unexpected)",
      ),
    ],
    [
      'os-detach',
      '{"__proto__": {}}',
      at(
        'os-detach',
        "{'__proto__': {}}",
        "Additional properties are not allowed ('__proto__' was unexpected)",
      ),
    ],
    [
      'os-detach',
      '{"x": 1, "attachment_id": []}',
      at('attachment_id', '[]', '[] is not valid under any of the given schemas'),
    ],
    ['os-force_detach', 'null', at('os-force_detach', 'None', "None is not of type 'object'")],
    [
      'os-force_detach',
      '{"connector": 1}',
      at('connector', '1', "1 is not of type 'string', 'object', 'null'"),
    ],
    [
      'os-force_detach',
      '{"attachment_id": {}}',
      at('attachment_id', '{}', "{} is not of type 'string', 'null'"),
    ],
    [
      'os-force_detach',
      '{"attachment_id": 1, "connector": [null]}',
      at('connector', '[None]', "[None] is not of type 'string', 'object', 'null'"),
    ],
    [
      'os-terminate_connection',
      'null',
      at('os-terminate_connection', 'None', "None is not of type 'object'"),
    ],
    [
      'os-terminate_connection',
      '{}',
      at('os-terminate_connection', '{}', "'connector' is a required property"),
    ],
    [
      'os-terminate_connection',
      '{"x": {"a": NaN}}',
      at('os-terminate_connection', "{'x': {'a': nan}}", "'connector' is a required property"),
    ],
    [
      'os-terminate_connection',
      '{"connector": {}, "attachment_id": null}',
      at(
        'os-terminate_connection',
        "{'connector': {}, 'attachment_id': None}",
        "Additional properties are not allowed ('attachment_id' was unexpected)",
      ),
    ],
    [
      'os-terminate_connection',
      '{"connector": true}',
      at('connector', 'True', "True is not of type 'string', 'object', 'null'"),
    ],
    [
      'os-migrate_volume_completion',
      '{}',
      at('os-migrate_volume_completion', '{}', "'new_volume' is a required property"),
    ],
    [
      'os-migrate_volume_completion',
      '{"new_volume": null}',
      at('new_volume', 'None', "None is not of type 'string'"),
    ],
    [
      'os-migrate_volume_completion',
      '{"new_volume": "it\'s"}',
      at('new_volume', "it's", `"it's" is not a 'uuid'`),
    ],
    [
      'os-migrate_volume_completion',
      `{"new_volume": "${ID}", "error": 0}`,
      at('error', '0', "0 is not of type 'string', 'null', 'boolean'"),
    ],
  ]
  test.each(rows)('%s %s', (action, argument, problem) => {
    expect(violationOf(action, parseJson(Buffer.from(argument)))).toBe(problem)
  })
})

describe('a body that fits passes', () => {
  const rows: readonly (readonly [GuardedAction, argument: string])[] = [
    ['os-detach', 'null'],
    ['os-detach', '{}'],
    ['os-detach', '{"attachment_id": null}'],
    ['os-detach', `{"attachment_id": "${BARE}"}`],
    ['os-force_detach', '{}'],
    ['os-force_detach', '{"connector": "x", "attachment_id": "any text"}'],
    ['os-force_detach', '{"connector": null, "attachment_id": ""}'],
    ['os-terminate_connection', '{"connector": null}'],
    ['os-terminate_connection', '{"connector": "x"}'],
    ['os-terminate_connection', '{"connector": {"a": NaN, "b": [[[]]]}}'],
    ['os-migrate_volume_completion', `{"new_volume": "${ID}"}`],
    ['os-migrate_volume_completion', `{"new_volume": "${ID}", "error": "false"}`],
  ]
  test.each(rows)('%s %s', (action, argument) => {
    expect(violationOf(action, parseJson(Buffer.from(argument)))).toBeNull()
  })
})

test.each([
  ['as Cinder writes it', ID, true],
  ['without dashes', BARE, true],
  ['in braces', `{${ID}}`, true],
  ['in unbalanced braces', `}}${ID}{`, true],
  ['as a URN', `urn:uuid:${ID}`, true],
  ['with doubled prefixes', `urn:urn:${ID}`, true],
  ['with dashes anywhere', `-${BARE.slice(0, 3)}-${BARE.slice(3)}`, true],
  ['empty', '', false],
  ['one digit short', ID.slice(1), false],
  ['one digit long', `${ID}0`, false],
  ['with a space', `${ID} `, false],
  ['with a line break', `${ID}\n`, false],
  ['a number to Python by its 0x', `0x${BARE.slice(2)}`, false],
  ['a number to Python by its _', `1_${BARE.slice(2)}`, false],
  ['in digits of another script', BARE.replaceAll('0', '٠'), false],
  ['not hexadecimal', 'g'.repeat(32), false],
])('a uuid %s: %j is %s', (_what, text, expected) => {
  expect(isUuidLike(text)).toBe(expected)
})

test.each([
  ['os-detach', true],
  ['os-Detach', false],
  ['os-reset_status', false],
  ['__proto__', false],
  ['constructor', false],
  ['', false],
])('the action %j is guarded: %s', (name, expected) => {
  expect(isGuardedAction(name)).toBe(expected)
})

test('only a string is taken for an id', () => {
  const inner = new Map<string, null | string | bigint>([
    ['a', 'x'],
    ['b', null],
    ['c', 1n],
  ])
  expect(['a', 'b', 'c', 'd'].map((name) => stringAt(inner, name))).toEqual(['x', null, null, null])
  expect(stringAt(null, 'a')).toBeNull()
})

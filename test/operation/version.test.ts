import { describe, expect, test } from 'vitest'
import { compare, readVersion, type Version } from '../../src/operation/version.ts'
import { seen } from './refusal.ts'

const INVALID = (version: string) =>
  `version_header_invalid: 400 API Version String ${version} is of invalid format. Must be of format MajorNum.MinorNum.`
const UNUSABLE =
  'version_header_unusable: 400 The server could not comply with the request since it is either malformed or otherwise incorrect.'
const BROKEN =
  'version_header_broken: 500 The server has either erred or is incapable of performing the requested operation.'
const UNSUPPORTED = (version: string, maximum = '3.70') =>
  `version_unsupported: 406 Version ${version} is not supported by the API. Minimum is 3.0 and maximum is ${maximum}.`

describe('OpenStack-API-Version, before a Cinder that knows 3.70', () => {
  const rows: readonly (readonly [header: string | undefined, expected: Version | string])[] = [
    [undefined, [3, 0]],
    ['volume 3.0', [3, 0]],
    ['volume 3.27', [3, 27]],
    ['volume 3.70', [3, 70]],
    ['  volume \t 3.27 ', [3, 27]],
    ['volume latest', [3, 70]],
    ['compute 2.89, volume 3.27', [3, 27]],
    ['volume 3.27,volume 3.44', [3, 27]],
    // Cinder looks for the word inside the element, so these count, too.
    ['novolume 3.27', [3, 27]],
    ['volumev3 3.27', [3, 27]],
    ['', UNUSABLE],
    ['3.27', UNUSABLE],
    ['compute 2.89', UNUSABLE],
    ['Volume 3.27', UNUSABLE],
    ['volume', BROKEN],
    ['volume 3.27 x', BROKEN],
    ['volume,3.27', BROKEN],
    ['volume 3', INVALID('3')],
    ['volume 3.', INVALID('3.')],
    ['volume 3.027', INVALID('3.027')],
    ['volume 03.27', INVALID('03.27')],
    ['volume 3.27.1', INVALID('3.27.1')],
    ['volume v3.27', INVALID('v3.27')],
    ['volume -3.27', INVALID('-3.27')],
    ['volume LATEST', INVALID('LATEST')],
    ['volume 2.0', UNSUPPORTED('2.0')],
    ['volume 3.71', UNSUPPORTED('3.71')],
    ['volume 4.0', UNSUPPORTED('4.0')],
    ['volume 3.99999999999999999999', UNSUPPORTED('3.99999999999999999999')],
  ]
  test.each(rows)('%j', (header, expected) => {
    expect(seen(readVersion(header, [3, 70]))).toEqual(expected)
  })
})

describe('before a Cinder whose newest is not known', () => {
  const rows: readonly (readonly [header: string, expected: Version | string])[] = [
    ['volume 3.99', [3, 99]],
    ['volume latest', [3, Number.MAX_SAFE_INTEGER]],
    ['volume 2.9', UNSUPPORTED('2.9', '3.0')],
  ]
  test.each(rows)('%j', (header, expected) => {
    expect(seen(readVersion(header, null))).toEqual(expected)
  })
})

test.each([
  [[3, 9], [3, 27], -1],
  [[3, 27], [3, 27], 0],
  [[4, 0], [3, 70], 1],
  [[2, 100], [3, 0], -1],
] as const)('versions compare as numbers: %j, %j: %i', (a, b, expected) => {
  expect(Math.sign(compare(a, b))).toBe(expected)
})

import { describe, expect, test } from 'vitest'
import { networksOf } from '../../src/config/networks.ts'
import { clientAddressOf } from '../../src/http/forwarded.ts'

const PROXIES = ['10.0.0.0/24', 'fd00::/8', 'unix']
const forwarded = (...values: readonly string[]) => values.flatMap((value) => ['X-Forwarded-For', value])

describe('whose address it is', () => {
  const CASES: readonly (readonly [string, string, readonly string[], string])[] = [
    ['nobody is in front', '203.0.113.5', [], '203.0.113.5'],
    ['a client that claims to be another', '203.0.113.5', forwarded('198.51.100.1'), '203.0.113.5'],
    ['a proxy without the header', '10.0.0.1', [], '10.0.0.1'],
    ['a proxy tells', '10.0.0.1', forwarded('203.0.113.5'), '203.0.113.5'],
    [
      'the proxy appends to what the client made up',
      '10.0.0.1',
      forwarded('10.0.0.9, 203.0.113.5'),
      '203.0.113.5',
    ],
    [
      'in a header of its own, as HAProxy does',
      '10.0.0.1',
      forwarded('10.0.0.9', '203.0.113.5'),
      '203.0.113.5',
    ],
    ['two proxies', '10.0.0.2', forwarded('203.0.113.5, 10.0.0.1'), '203.0.113.5'],
    [
      'two proxies, the client made one up',
      '10.0.0.2',
      forwarded('1.2.3.4, 203.0.113.5, 10.0.0.1'),
      '203.0.113.5',
    ],
    ['one that is not trusted between', '10.0.0.2', forwarded('203.0.113.5, 198.51.100.1'), '198.51.100.1'],
    ['a proxy asks for itself', '10.0.0.2', forwarded('10.0.0.1'), '10.0.0.1'],
    ['with a port', '10.0.0.1', forwarded('203.0.113.5:51234'), '203.0.113.5'],
    ['IPv6', 'fd00::1', forwarded('2001:db8::5'), '2001:db8::5'],
    ['IPv6 with a port', 'fd00::1', forwarded('[2001:db8::5]:51234'), '2001:db8::5'],
    ['mapped addresses', '::ffff:10.0.0.1', forwarded('::ffff:203.0.113.5'), '203.0.113.5'],
    ['a mapped address that claims', '::ffff:203.0.113.5', forwarded('10.0.0.9'), '203.0.113.5'],
    ['a proxy on a unix socket', '', forwarded('203.0.113.5'), '203.0.113.5'],
    [
      'another header of the kind',
      '10.0.0.1',
      ['Forwarded', 'for=203.0.113.5', 'X-Real-IP', '203.0.113.5'],
      '10.0.0.1',
    ],
    ['a name with underscores', '10.0.0.1', ['X_Forwarded_For', '203.0.113.5'], '10.0.0.1'],
    [
      'named by Connection',
      '10.0.0.1',
      ['Connection', 'x-forwarded-for', ...forwarded('203.0.113.5')],
      '203.0.113.5',
    ],
    ...[
      '',
      'unknown',
      '_hidden',
      '203.0.113.5;',
      '203.0.113.5 10.0.0.9',
      '203.0.113',
      '[::1',
      '1.2.3.4:x',
    ].map(
      (odd) =>
        [
          `nothing that is no address: "${odd}"`,
          '10.0.0.1',
          forwarded(`203.0.113.5, ${odd}`),
          '10.0.0.1',
        ] as const,
    ),
  ]
  test.each(CASES)('%s', (_name, peer, rawHeaders, expected) => {
    expect(clientAddressOf(peer, rawHeaders, networksOf(PROXIES))).toBe(expected)
  })

  test('without trusted proxies the header says nothing, on a unix socket neither', () => {
    expect(clientAddressOf('10.0.0.1', forwarded('203.0.113.5'), networksOf([]))).toBe('10.0.0.1')
    expect(clientAddressOf('', forwarded('203.0.113.5'), networksOf([]))).toBe('')
  })
})

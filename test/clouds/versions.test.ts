import { describe, expect, test } from 'vitest'
import type { CloudResponse } from '../../src/clouds/client.ts'
import { type VersionDocument, versionKeeper } from '../../src/clouds/versions.ts'
import { answer, fakeSend } from './fake-send.ts'

const cinder = (version: string) =>
  answer(300, {
    versions: [
      { id: 'v2.0', version: '' },
      { id: 'v3.0', version, min_version: '3.0' },
    ],
  })

function setUp(
  reply: (count: number) => CloudResponse | Error,
  major: 'v3' | 'v2.1' = 'v3',
  more: Partial<VersionDocument> = {},
) {
  const clock = { now: 0 }
  const { send, sent } = fakeSend((_request, count) => reply(count))
  const document: VersionDocument = { service: 'cinder', send, url: async () => 'http://c/', major, ...more }
  const versions = versionKeeper(document, () => clock.now)
  const maximum = async () => (await versions.get()).maximum
  const renewed = async () => (await versions.renewed()).maximum
  return { clock, sent, versions, maximum, renewed }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the newest microversion', () => {
  test('is learnt without a token', async () => {
    const { sent, maximum } = setUp(() => cinder('3.70'))
    expect(await maximum()).toEqual([3, 70])
    expect(sent).toEqual([{ method: 'GET', url: 'http://c/', headers: { accept: 'application/json' } }])
  })

  const rows: readonly (readonly [
    what: string,
    reply: CloudResponse,
    major: 'v3' | 'v2.1',
    expected: unknown,
  ])[] = [
    [
      'of a list',
      answer(200, {
        versions: [
          { id: 'v2.0', version: '' },
          { id: 'v2.1', version: '2.96' },
        ],
      }),
      'v2.1',
      [2, 96],
    ],
    ['of one document', answer(200, { version: { id: 'v2.1', version: '2.88' } }), 'v2.1', [2, 88]],
    ['of an API without microversions', cinder(''), 'v3', [0, 0]],
    ['in a form nobody knows', cinder('3.x'), 'v3', [0, 0]],
  ]
  test.each(rows)('%s', async (_what, reply, major, expected) => {
    expect(await setUp(() => reply, major).maximum()).toEqual(expected)
  })

  test('is learnt with a token where strangers are not told', async () => {
    const token = async () => 'own'
    const { sent, versions } = setUp((count) => (count === 1 ? answer(401) : cinder('3.70')), 'v3', { token })
    expect(await versions.get('req-1')).toEqual({ maximum: [3, 70] })
    expect(sent.map(({ headers }) => headers)).toEqual([
      { accept: 'application/json', 'x-openstack-request-id': 'req-1' },
      { accept: 'application/json', 'x-openstack-request-id': 'req-1', 'x-auth-token': 'own' },
    ])
  })

  const odd: readonly (readonly [what: string, reply: CloudResponse | Error, message: string])[] = [
    [
      'another major version alone',
      answer(200, { versions: [{ id: 'v2.0' }] }),
      'cinder: status 200 without a version document for v3',
    ],
    ['an empty document', answer(404, {}), 'cinder: status 404 without a version document for v3'],
    ['no JSON', answer(503, 'busy'), 'cinder: status 503 with a body that is not JSON'],
    ['no answer', new Error('away'), 'away'],
  ]
  test.each(odd)('%s is a fault', async (_what, reply, message) => {
    await expect(setUp(() => reply).maximum()).rejects.toThrow(message)
  })
})

describe('it is', () => {
  test('remembered, and after five minutes asked anew while the old answer counts', async () => {
    const { clock, maximum } = setUp((count) => cinder(`3.${count}`))
    await maximum()
    clock.now = 299_999
    expect(await maximum()).toEqual([3, 1])
    clock.now = 300_000
    expect(await maximum()).toEqual([3, 1])
    await settled()
    expect(await maximum()).toEqual([3, 2])
  })

  test('remembered for as long as it cannot be asked anew, which is tried now and then', async () => {
    const { clock, sent, maximum } = setUp((count) => (count === 1 ? cinder('3.70') : new Error('away')))
    await maximum()
    for (const now of [300_000, 304_999, 305_000, 900_000]) {
      clock.now = now
      expect(await maximum()).toEqual([3, 70])
      await settled()
    }
    expect(sent).toHaveLength(4)
  })

  test('asked anew when that is wanted, but not again within seconds', async () => {
    const { clock, sent, renewed } = setUp((count) => cinder(`3.${count}`))
    expect(await renewed()).toEqual([3, 1])
    clock.now = 4999
    expect(await renewed()).toEqual([3, 1])
    clock.now = 5000
    expect(await renewed()).toEqual([3, 2])
    expect(sent).toHaveLength(2)
  })

  test('unknown before it was asked, and nobody is asked for that', () => {
    const { sent, versions } = setUp(() => cinder('3.70'))
    expect([versions.known(), sent]).toEqual([null, []])
  })

  test('asked once by all who wait', async () => {
    const { sent, maximum } = setUp(() => cinder('3.70'))
    await Promise.all([maximum(), maximum()])
    expect(sent).toHaveLength(1)
  })

  test('asked anew after a fault', async () => {
    const { maximum } = setUp((count) => (count === 1 ? new Error('away') : cinder('3.70')))
    await expect(maximum()).rejects.toThrow('away')
    expect(await maximum()).toEqual([3, 70])
  })
})

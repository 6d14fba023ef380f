import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { cachedValidator, type TokenCacheOptions } from '../../src/identity/cache.ts'
import type { Token } from '../../src/identity/identity.ts'
import { fakeValidator, tokenOf } from './identities.ts'

const SHORT = 0.05
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A cache over `tokens`, with a wall clock that the test sets; the age of entries is real time. */
function setUp(tokens: Parameters<typeof fakeValidator>[0], more: Partial<TokenCacheOptions> = {}) {
  const clock = { now: 0 }
  const results: string[] = []
  const inner = fakeValidator(tokens)
  const cache = cachedValidator(inner, {
    time: 60,
    negativeTime: 60,
    size: 10,
    now: () => clock.now,
    onLookup: (result) => results.push(result),
    ...more,
  })
  const ask = (text: string, allowExpired = false) => cache.validate(new Secret(text), allowExpired, 'req-1')
  return { ask, clock, inner, results }
}

describe('what is remembered', () => {
  test('a token is, whatever object it comes in', async () => {
    const { ask, inner, results } = setUp({ alice: tokenOf() })
    expect(await ask('alice')).toEqual(tokenOf())
    expect(await ask('alice')).toEqual(tokenOf())
    expect(inner.asked).toEqual(['alice'])
    expect(results).toEqual(['miss', 'hit'])
  })

  test('a refusal is, too', async () => {
    const { ask, inner } = setUp({})
    expect([await ask('forged'), await ask('forged')]).toEqual(['invalid', 'invalid'])
    expect(inner.asked).toEqual(['forged'])
  })

  test('another token is another entry', async () => {
    const { ask } = setUp({ alice: tokenOf(), bob: tokenOf({ userId: 'bob' }) })
    expect([await ask('alice'), await ask('bob'), await ask('alic')]).toEqual([
      tokenOf(),
      tokenOf({ userId: 'bob' }),
      'invalid',
    ])
  })

  test('a fault is not', async () => {
    let isAway = true
    const { ask, inner } = setUp({
      alice: async () => {
        if (isAway) throw new Error('away')
        return tokenOf()
      },
    })
    await expect(ask('alice')).rejects.toThrow('away')
    isAway = false
    expect(await ask('alice')).toEqual(tokenOf())
    expect(inner.asked).toHaveLength(2)
  })

  test.each([
    ['token', 0, 'alice'],
    ['token', -1, 'alice'],
    ['refusal', 0, 'forged'],
    ['refusal', -1, 'forged'],
  ])('a %s is not, with a time of %d', async (_what, time, text) => {
    const { ask, inner } = setUp({ alice: tokenOf() }, { time, negativeTime: time })
    await ask(text)
    await ask(text)
    expect(inner.asked).toHaveLength(2)
  })
})

describe('how many', () => {
  test('none with a size of 0', async () => {
    const { ask, inner } = setUp({ alice: tokenOf() }, { size: 0 })
    for (const text of ['alice', 'alice', 'forged', 'forged']) await ask(text)
    expect(inner.asked).toEqual(['alice', 'alice', 'forged', 'forged'])
  })

  test('refused tokens drive out no good one', async () => {
    const { ask, inner } = setUp({ alice: tokenOf() }, { size: 10 })
    await ask('alice')
    for (let at = 0; at < 100; at += 1) await ask(`forged ${at}`)
    await ask('alice')
    expect(inner.asked.filter((text) => text === 'alice')).toHaveLength(1)
  })
})

describe('for how long', () => {
  test('a token for its time', async () => {
    const { ask, inner } = setUp({ alice: tokenOf() }, { time: SHORT })
    await ask('alice')
    await pause(SHORT * 1000 + 20)
    await ask('alice')
    expect(inner.asked).toHaveLength(2)
  })

  test('a refusal for its own time', async () => {
    const { ask, inner } = setUp({}, { negativeTime: SHORT })
    await ask('forged')
    await pause(SHORT * 1000 + 20)
    await ask('forged')
    expect(inner.asked).toHaveLength(2)
  })

  test('never past the end of the token, whatever the time', async () => {
    const { ask, inner } = setUp({ alice: tokenOf({ expiresAt: 40 }) }, { time: 3600 })
    await ask('alice')
    await pause(60)
    await ask('alice')
    expect(inner.asked).toHaveLength(2)
  })

  test('a clock that jumps past the end of the token ends the entry at once', async () => {
    const { ask, clock, inner } = setUp({ alice: tokenOf({ expiresAt: 1_000 }) })
    await ask('alice')
    clock.now = 1_000
    await ask('alice')
    expect(inner.asked).toHaveLength(2)
  })

  test('a clock set back does not make an entry older or younger', async () => {
    const { ask, clock, inner } = setUp({ alice: tokenOf() }, { time: SHORT })
    await ask('alice')
    clock.now = -1_000_000
    await ask('alice')
    expect(inner.asked).toHaveLength(1)
    await pause(SHORT * 1000 + 20)
    await ask('alice')
    expect(inner.asked).toHaveLength(2)
  })

  test('a token over already is not remembered', async () => {
    const { ask, inner } = setUp({ alice: tokenOf({ expiresAt: -1 }) })
    await ask('alice')
    await ask('alice')
    expect(inner.asked).toHaveLength(2)
  })
})

describe('look-ups that allow expired tokens', () => {
  const expired = async (allowExpired: boolean) =>
    allowExpired ? tokenOf({ expiresAt: -1 }) : ('invalid' as const)

  test('are not answered from a refusal without, nor the other way round', async () => {
    const { ask } = setUp({ alice: expired })
    expect(await ask('alice')).toBe('invalid')
    expect(await ask('alice', true)).toEqual(tokenOf({ expiresAt: -1 }))
    expect(await ask('alice')).toBe('invalid')
  })

  test('are remembered past the end of the token', async () => {
    const { ask, inner } = setUp({ alice: expired })
    await ask('alice', true)
    await ask('alice', true)
    expect(inner.asked).toEqual(['alice expired'])
  })
})

describe('look-ups at the same time', () => {
  function slow() {
    let finish = (_: Token | Error) => {}
    const answer = new Promise<Token>((resolve, reject) => {
      finish = (value) => (value instanceof Error ? reject(value) : resolve(value))
    })
    return { answer: () => answer, finish: (value: Token | Error) => finish(value) }
  }

  test('of one token are one', async () => {
    const { answer, finish } = slow()
    const { ask, inner, results } = setUp({ alice: answer })
    const both = Promise.all([ask('alice'), ask('alice')])
    finish(tokenOf())
    expect(await both).toEqual([tokenOf(), tokenOf()])
    expect(inner.asked).toEqual(['alice'])
    expect(results).toEqual(['miss', 'joined'])
  })

  test('that allow expired tokens do not join those that do not', async () => {
    const { answer, finish } = slow()
    const { ask, inner } = setUp({ alice: answer })
    const both = Promise.all([ask('alice'), ask('alice', true)])
    finish(tokenOf())
    await both
    expect(inner.asked).toEqual(['alice', 'alice expired'])
  })

  test('share a fault, and the next one asks again', async () => {
    const { answer, finish } = slow()
    const { ask, inner } = setUp({ alice: answer })
    const both = Promise.allSettled([ask('alice'), ask('alice')])
    finish(new Error('away'))
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(ask('alice')).rejects.toThrow('away')
    expect(inner.asked).toHaveLength(2)
  })
})

test('no more than `size` entries are kept, the least recently used go first', async () => {
  const { ask, inner } = setUp({ a: tokenOf(), b: tokenOf(), c: tokenOf() }, { size: 2 })
  for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) await ask(text)
  expect(inner.asked).toEqual(['a', 'b', 'c', 'b'])
})

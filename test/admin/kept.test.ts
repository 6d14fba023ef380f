import { expect, test } from 'vitest'
import { kept } from '../../src/admin/kept.ts'

/** A question whose answers are given by hand, in the order in which it was asked. */
function questions() {
  const asked: { answer(value: string): void; fail(): void }[] = []
  const ask = () =>
    new Promise<string>((answer, fail) => {
      asked.push({ answer, fail: () => fail(new Error('failed')) })
    })
  return { asked, ask }
}

test('who asks first waits; others have the last answer at once, and one look is under way', async () => {
  const { asked, ask } = questions()
  const read = kept(ask, 0, 5000, 'unknown')
  const first = read()
  asked[0]?.answer('well')
  expect(await first).toBe('well')
  expect([await read(), await read()]).toEqual(['well', 'well'])
  expect(asked.length).toBe(2)
  asked[1]?.answer('ill')
  await expect.poll(read).toBe('ill')
})

test('no longer than patience lasts', async () => {
  const { ask } = questions()
  expect(await kept(ask, 0, 10, 'unknown')()).toBe('unknown')
})

test('what fails is asked again, and changes nothing', async () => {
  const { asked, ask } = questions()
  const read = kept(ask, 0, 10, 'unknown')
  const first = read()
  asked[0]?.fail()
  expect(await first).toBe('unknown')
  const second = read()
  asked[1]?.answer('well')
  expect(await second).toBe('well')
})

test('an answer is good for its age', async () => {
  const { asked, ask } = questions()
  const read = kept(ask, 60_000, 5000, 'unknown')
  const first = read()
  asked[0]?.answer('well')
  await first
  await read()
  expect(asked.length).toBe(1)
})

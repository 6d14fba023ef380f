import { describe, expect, test } from 'vitest'
import { Turns } from '../src/turns.ts'

describe('operations on one volume take turns', () => {
  test('the second waits for the first, and a third for the second', async () => {
    const turns = new Turns()
    const order: string[] = []
    const first = await turns.take('v')
    const second = turns.take('v').then((end) => {
      order.push('second')
      return end
    })
    const third = turns.take('v').then((end) => {
      order.push('third')
      return end
    })
    await Promise.resolve()
    expect(order).toEqual([])
    first()
    const end = await second
    expect(order).toEqual(['second'])
    end()
    ;(await third)()
    expect([order, turns.size]).toEqual([['second', 'third'], 0])
  })

  test.each([
    ['another volume', 'w', true],
    ['upper case', 'V', false],
    ['an accent that a database may ignore', 'v\u0301', false],
    ['spaces behind it', 'v ', false],
  ])('%s: free at once is %s', async (_name, id, free) => {
    const turns = new Turns()
    await turns.take('v')
    const taken = turns.take(id).then(() => true)
    expect(await Promise.race([taken, new Promise((resolve) => setTimeout(() => resolve(false), 20))])).toBe(
      free,
    )
  })

  test('ending a turn twice lets nobody in too early', async () => {
    const turns = new Turns()
    const first = await turns.take('v')
    const second = turns.take('v')
    first()
    first()
    await second
    let isIn = false
    void turns.take('v').then(() => {
      isIn = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isIn).toBe(false)
  })
})

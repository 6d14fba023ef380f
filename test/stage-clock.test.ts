import { expect, test } from 'vitest'
import { StageClock } from '../src/stage-clock.ts'

test('each stage is measured, also one that ends in a fault and one entered again', () => {
  const clock = new StageClock(1000)
  clock.enter('authenticate', 1500)
  clock.enter(null, 3500)
  clock.enter('forward', 9000)
  clock.enter(null, 9250)
  clock.enter('forward', 10_000)
  clock.enter(null, 10_250)
  expect({ ...clock }).toEqual({ read: 0.5, authenticate: 2, classify: 0, check: 0, forward: 0.5 })
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CORPUS } from '../fuzz/corpus.ts'
import { type Judging, startJudging } from '../fuzz/judged.ts'
import { sendBytes } from '../fuzz/send.ts'
import { Upstream } from '../support/upstream.ts'

/** Each payload is refused, or has the one meaning that the table says, whatever else its bytes could mean. */
const NAMES = { project: 'p', volume: 'v', attachment: 'a', newVolume: 'n', token: 'alice', admin: 'root' }
const short = ({ method, target }: { readonly method: string; readonly target: string }) =>
  `${method} ${target.split('?')[0]?.split('/').at(-1) ?? ''}`

describe.each(['http-proxy-3', 'undici'] as const)('%s', (engine) => {
  let upstream: Upstream
  let judging: Judging
  beforeAll(async () => {
    upstream = await Upstream.start()
    judging = await startJudging(upstream.url, engine)
  })
  beforeEach(() => {
    upstream.reset()
    judging.judged.clear()
  })
  afterAll(async () => {
    await judging.stop()
    await upstream.stop()
  })

  test.each(CORPUS)('$source: $name', async ({ bytes, passes = [], isCut }) => {
    await sendBytes(judging.url, bytes(NAMES), { quiet: passes.length > 0 ? 500 : 60, limit: 2000 })
    expect(upstream.problems).toEqual([])
    const received = upstream.requests.map(short)
    expect(isCut === true && received.length === 0 ? passes : received).toEqual(passes)
    // A request may be approved, and its client gone before it was sent.
    const judged = [...judging.judged.values()].flat().map(short)
    expect(isCut === true ? received : judged).toEqual(received)
  })
})

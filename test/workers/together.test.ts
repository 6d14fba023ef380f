import { expect, test } from 'vitest'
import { Report } from '../../src/rollout/report.ts'
import type { PolicyState } from '../../src/workers/messages.ts'
import { Together } from '../../src/workers/together.ts'

const OWN: PolicyState = { version: 5, digest: 'a'.repeat(64), problem: null }
const report = new Report('enforce', 0).read()

test.for<[string, readonly Partial<PolicyState>[], string | null]>([
  ['all the same', [{}, {}], null],
  ['a problem of one', [{}, { problem: 'policy.yaml:1:1: broken' }], 'policy.yaml:1:1: broken'],
  [
    'one that is behind',
    [{}, { version: 4, digest: 'b'.repeat(64) }],
    '1 worker(s) decide by another policy: 4 bbbbbbbbbbbb',
  ],
])('the policy of all workers: %s', ([, states, problem]) => {
  const together = new Together()
  for (const [worker, state] of states.entries())
    together.update(worker, { metrics: [], report, policy: { ...OWN, ...state } })
  expect(together.policy(OWN)).toEqual({ ...OWN, problem })
  for (const worker of states.keys()) together.end(worker)
  expect(together.policy(OWN).problem).toBeNull()
})

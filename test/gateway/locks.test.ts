import { expect, test } from 'vitest'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { startTestGateway } from '../support/gateway.ts'

/** What the organisation locks, through the whole gateway. */
const EXTEND = 'volume:extend'
const OVERRIDES = `${EXTEND}=observe`

test.for([
  ['locked: neither an exception nor `guarded` undoes it', true, 403],
  ['not locked: this gateway decides', false, 202],
] as const)('%s', async ([, locked, status]) => {
  const place = { file: 'bundle 1', line: 1, column: 1 }
  const rules = compileRules(new Map(), {
    bundle: new Map([[EXTEND, { check: 'role:nobody', place, locked }]]),
  })
  if ('problems' in rules) throw new Error('the rules do not load')
  const gateway = await startTestGateway(
    { 'policy.enforce': locked ? 'guarded' : 'overrides', 'cinderguard.mode_overrides': OVERRIDES },
    { policy: { current: () => rules } },
  )
  try {
    const answer = await fetch(`${gateway.url}/v3/${PROJECTS.demo}/volumes/${VOLUMES.available}/action`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-auth-token': gateway.cloud.token('alice') },
      body: '{"os-extend": {"new_size": 9}}',
    })
    expect(answer.status).toBe(status)
  } finally {
    await gateway.stop()
  }
})

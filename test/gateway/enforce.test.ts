import { afterEach, describe, expect, test } from 'vitest'
import type { PolicySource } from '../../src/checks/policy.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
afterEach(() => gateway.stop())

function policyWith(rules: Record<string, string>): PolicySource {
  const place = { file: 'policy.yaml', line: 1, column: 1 }
  const compiled = compileRules(
    new Map(Object.entries(rules).map(([name, check]) => [name, { check, place }])),
  )
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
  return { current: () => compiled }
}
type Ask = readonly [method: string, path: string, body?: unknown]
async function asked(who: 'alice' | 'admin', [method, path, body]: Ask): Promise<readonly [number, string]> {
  const answer = await fetch(`${gateway.url}/v3/${PROJECTS.demo}${path}`, {
    method,
    headers: {
      'x-auth-token': gateway.cloud.token(who),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return [answer.status, await answer.text()]
}
const denied = (rule: string) => [
  403,
  `{"forbidden": {"code": 403, "message": "Policy doesn't allow ${rule} to be performed."}}`,
]
const volume = `/volumes/${VOLUMES.available}`
const EXTEND: Ask = ['POST', `${volume}/action`, { 'os-extend': { new_size: 9 } }]

describe('[policy] enforce', () => {
  const RULES = {
    'volume:get_all': '!',
    'volume:extend': 'role:admin',
    'volume:delete': 'project_id:%(project_id)s',
  }
  test('overrides: what somebody wrote is enforced, Cinder’s own defaults are left to Cinder', async () => {
    gateway = await startTestGateway({}, { policy: policyWith(RULES) })
    expect(await asked('alice', ['GET', '/volumes'])).toEqual(denied('volume:get_all'))
    expect(await asked('alice', EXTEND)).toEqual(denied('volume:extend'))
    expect((await asked('alice', ['GET', volume]))[0]).toBe(200)
    expect(gateway.cloud.cinder.requests.map(({ method }) => method)).not.toContain('POST')
  })

  test('guarded: nothing but the guarded operations', async () => {
    gateway = await startTestGateway({ 'policy.enforce': 'guarded' }, { policy: policyWith(RULES) })
    expect((await asked('alice', ['GET', '/volumes']))[0]).toBe(200)
  })

  test('all: Cinder’s own defaults, too', async () => {
    gateway = await startTestGateway({ 'policy.enforce': 'all' }, { policy: policyWith({}) })
    expect(await asked('alice', ['GET', '/os-services'])).toEqual(denied('volume_extension:services:index'))
    expect((await asked('alice', ['GET', volume]))[0]).toBe(200)
  })

  test('a rule of the volume is judged against it; another project’s is not there', async () => {
    gateway = await startTestGateway({}, { policy: policyWith({ 'volume:update': 'user_id:%(user_id)s' }) })
    const own = await asked('alice', ['PUT', volume, { volume: { name: 'x' } }])
    expect(own[1]).not.toContain('volume:update')
    expect((await asked('alice', ['PUT', `/volumes/${VOLUMES.victim}`, { volume: {} }]))[0]).toBe(404)
  })

  test('counted and recorded as any refusal, with the rule', async () => {
    gateway = await startTestGateway({}, { policy: policyWith(RULES) })
    await asked('alice', ['GET', '/volumes'])
    expect(gateway.logged).toContainEqual(
      expect.objectContaining({ reason: 'policy', rule: 'volume:get_all', operation: 'other' }),
    )
    expect(await gateway.gateway.metrics.registry.metrics()).toContain(
      'cinderguard_refusals_total{operation="other",reason="policy",status="403"} 1',
    )
  })
})

describe('[policy] unknown_operations', () => {
  test('forward: Cinder judges what no rule is known for', async () => {
    gateway = await startTestGateway({}, { policy: policyWith({}) })
    expect((await asked('alice', ['GET', '/nonsense']))[0]).toBe(404)
  })
  test('refuse: only admins may', async () => {
    gateway = await startTestGateway({ 'policy.unknown_operations': 'refuse' }, { policy: policyWith({}) })
    expect(await asked('alice', ['GET', '/nonsense'])).toEqual(denied('admin_api'))
    expect((await asked('admin', ['GET', '/nonsense']))[0]).toBe(404)
    expect((await asked('alice', ['GET', '/volumes']))[0]).toBe(200)
  })
})

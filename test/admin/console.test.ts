import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { triedOut } from '../../src/admin/try-out.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { REASONS } from '../../src/http/rejection.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
  for (const token of ['alice', 'nobody'])
    await fetch(`${gateway.url}/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-auth-token': token === 'nobody' ? 'x' : gateway.cloud.token('alice'),
      },
      body: '{"os-detach": {}}',
    })
})
afterAll(() => gateway.stop())

describe('the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', '<title>Cinderguard</title>'],
    ['/console/console.js', 'text/javascript; charset=utf-8', "from './api.js'"],
    ['/console/api.js', 'text/javascript; charset=utf-8', 'api/v1'],
    ['/console/console.css', 'text/css; charset=utf-8', ':focus-visible'],
  ])('%s', async (path, type, text) => {
    const answer = await fetch(gateway.adminUrl + path)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type])
    expect(await answer.text()).toContain(text)
  })

  test('every module that one imports is there', async () => {
    const folder = new URL('../../src/admin/console/', import.meta.url)
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.js')))
      expect((await fetch(`${gateway.adminUrl}/console/${file}`)).status, file).toBe(200)
  })

  test('takes nothing from elsewhere, runs nothing inline, and sits in nobody’s frame', async () => {
    const answer = await fetch(`${gateway.adminUrl}/`)
    const policy = answer.headers.get('content-security-policy')
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(part)
    expect(policy).not.toContain('unsafe')
    expect(await answer.text()).not.toMatch(/<script>|<style>|onclick|https?:/)
  })
})

test('what each reason means', async () => {
  const { reasons } = (await (await fetch(`${gateway.adminUrl}/api/v1/reasons`)).json()) as {
    reasons: Record<string, { status: number; help: string }>
  }
  expect(reasons.attachment_in_use).toEqual({ status: 409, help: REASONS.attachment_in_use.help })
})

test('now: what the metrics say, in few numbers', async () => {
  const answer = await fetch(`${gateway.adminUrl}/api/v1/now`)
  expect(await answer.json()).toMatchObject({
    mode: 'enforce',
    inFlight: 0,
    requests: { refused: 2 },
    refusals: expect.arrayContaining([
      { operation: 'volume-detach', reason: 'attachment_in_use', count: 1 },
      { operation: expect.any(String), reason: 'invalid_user_token', count: 1 },
    ]),
    services: { keystone: 'ok', cinder: 'ok', nova: 'ok' },
    calls: { nova: { count: expect.any(Number), errors: 0, seconds: expect.any(Number) } },
    decided: { count: 2, seconds: expect.any(Number) },
    policy: { version: null, digest: 'unknown', problem: null },
  })
})

describe('a rule tried out', () => {
  const FORCE = 'volume_extension:volume_admin_actions:force_detach'
  test.each([
    [FORCE, 'member,reader', 'own', 'project', 200, false],
    [FORCE, 'admin', 'own', 'project', 200, true],
    ['volume_extension:volume_actions:detach', 'member', 'own', 'project', 200, true],
    ['volume_extension:volume_actions:detach', 'member', 'other', 'project', 200, false],
    ['no:such:rule', 'admin', 'own', 'project', 404, undefined],
  ])(
    '%s with roles %s on the %s project, %s scope: %i, %s',
    async (rule, roles, target, scope, status, allowed) => {
      const asked = new URLSearchParams({ rule, roles, target, scope })
      const answer = await fetch(`${gateway.adminUrl}/api/v1/try-out?${asked}`)
      expect(answer.status).toBe(status)
      expect(((await answer.json()) as { allowed?: boolean }).allowed).toBe(allowed)
    },
  )

  test('names to choose from', async () => {
    const { rules } = (await (await fetch(`${gateway.adminUrl}/api/v1/rules`)).json()) as { rules: string[] }
    expect(rules).toContain(FORCE)
    expect(rules.length).toBe(166)
  })
})

describe('a rule tried out check by check', () => {
  const rules = compileRules(
    new Map([
      [
        'volume:extend',
        {
          check: 'role:extender and not cinderguard.address:127.0.0.0/8',
          place: { file: 'policy.yaml', line: 3, column: 18 },
          verbatim: true,
        },
      ],
    ]),
  )
  const policy = 'problems' in rules ? expect.unreachable(rules.problems[0]?.message) : rules
  const tried = (query: string) => triedOut(new URLSearchParams(query), policy)

  test('Cinder’s own', () => {
    expect(tried('rule=volume:get&roles=reader&target=other')).toMatchObject({
      status: 200,
      body: { allowed: false, from: 'default', trace: { check: 'rule:volume:get', result: false } },
    })
  })
  test('of a file, with a check of the request itself, asked from this machine', () => {
    expect(tried('rule=volume:extend&roles=extender')).toMatchObject({
      status: 200,
      body: {
        allowed: false,
        check: 'role:extender and not cinderguard.address:127.0.0.0/8',
        layer: 'local',
        place: { file: 'policy.yaml', line: 3 },
        trace: { parts: [{ check: 'and', parts: [{ result: true }, { result: false }] }] },
      },
    })
  })
})

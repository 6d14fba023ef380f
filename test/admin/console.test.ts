import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
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
    ['/console.js', 'text/javascript; charset=utf-8', 'api/v1'],
    ['/console.css', 'text/css; charset=utf-8', ':focus-visible'],
  ])('%s', async (path, type, text) => {
    const answer = await fetch(gateway.adminUrl + path)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type])
    expect(await answer.text()).toContain(text)
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
    expect(rules.length).toBe(167)
  })
})

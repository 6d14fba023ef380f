import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { policy } from '../../src/commands/policy/policy.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** The tools that ask Keystone, Cinder and the running gateway. */
const DETACH = 'volume_extension:volume_actions:detach'
const RULE = 'role:admin or (role:nobody and project_id:%(project_id)s)'
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-policy-live-'))
let gateway: TestGateway
let config: readonly string[]

beforeAll(async () => {
  const place = { file: 'policy.yaml', line: 1, column: 1 }
  const rules = compileRules(new Map([[DETACH, { check: RULE, place }]]))
  if ('problems' in rules) throw new Error('the rules do not load')
  gateway = await startTestGateway({}, { policy: { current: () => rules } })
  writeFileSync(join(folder, 'policy.yaml'), `"${DETACH}": "${RULE}"\n`)
  writeFileSync(join(folder, 'alice'), gateway.cloud.token('alice'))
  const conf = join(folder, 'cinderguard.conf')
  writeFileSync(
    conf,
    `[cinderguard]
upstream = ${gateway.cloud.urls.cinder}
admin_bind = ${new URL(gateway.adminUrl).host}
[keystone_authtoken]
auth_url = ${gateway.cloud.urls.keystone}/v3
username = cinderguard
password = cinderguard-secret
user_domain_name = Default
project_name = service
project_domain_name = Default
`,
  )
  config = ['--config-file', conf]
})
afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true })
})

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const spies = (['out', 'err'] as const).map((name) =>
    vi.spyOn(process[`std${name}`], 'write').mockImplementation((text) => {
      said[name] += String(text)
      return true
    }),
  )
  try {
    return { code: await policy(args), ...said }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

test('check: the holder of a live token', async () => {
  const args = ['check', ...config, '--token-file', join(folder, 'alice')]
  expect(await run(...args, '--rule', 'volume:get')).toMatchObject({
    code: 0,
    out: 'passed  volume:get  (default)\n',
  })
  expect((await run(...args, '--rule', DETACH)).out).toBe(
    `failed  ${DETACH}  (local, ${folder}/policy.yaml:1)\n`,
  )
  writeFileSync(join(folder, 'wrong'), 'no-such-token')
  const wrong = await run('check', ...config, '--token-file', join(folder, 'wrong'))
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('Keystone knows no such token') })
  expect(wrong.err).not.toContain('no-such-token')
})

const TREE = [
  `failed  rule:${DETACH}   (local, ${folder}/policy.yaml:1)`,
  'failed    or',
  'failed      role:admin   [roles = ["member","reader"]]',
  'failed      and',
  'failed        role:nobody   [roles = ["member","reader"]]',
  `passed        project_id:%(project_id)s   [project_id = "${PROJECTS.demo}", target's project_id = "${PROJECTS.demo}"]`,
].join('\n')
const path = `/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`
const body = '{"os-detach": {}}'

test('explain: a request, judged now', async () => {
  const args = ['--request', `POST ${path}`, '--body', body, '--token-file', join(folder, 'alice')]
  const { code, out } = await run('explain', ...config, ...args)
  expect(code).toBe(1)
  expect(out).toContain('ok       Policy rule volume:get\n')
  expect(out).toContain(`REFUSED  Policy rule ${DETACH}\n`)
  expect(out).toMatch(/^ +false {5}role:nobody {3}\[roles = \["member","reader"\]\]$/m)
})

test('explain: a decision of the running gateway, by its request id and by its record', async () => {
  const answer = await fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': gateway.cloud.token('alice') },
    body,
  })
  expect(answer.status).toBe(403)
  const requestId =
    answer.headers.get('x-openstack-request-id') ?? answer.headers.get('x-compute-request-id') ?? ''
  const found = await run('explain', ...config, requestId)
  expect([found.code, found.out, found.err]).toEqual([1, `${TREE}\n`, ''])
  const record = await (await fetch(`${gateway.adminUrl}/api/v1/decisions/${requestId}`)).text()
  writeFileSync(join(folder, 'record.json'), record)
  const policyFile = ['--policy-file', join(folder, 'policy.yaml')]
  expect((await run('explain', '--record', join(folder, 'record.json'), ...policyFile)).out).toBe(`${TREE}\n`)
  writeFileSync(join(folder, 'other.json'), '{}')
  expect(await run('explain', '--record', join(folder, 'other.json'), ...policyFile)).toMatchObject({
    code: 2,
    err: expect.stringContaining('no decision record'),
  })
})

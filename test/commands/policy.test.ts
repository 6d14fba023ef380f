import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importSPKI } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { openBundle } from '../../src/organisation/bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'cinderguard-policy-tools-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
function policy(...args: readonly string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync('bin/cinderguard.js', ['policy', ...args], {
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}
const DETACH = 'volume_extension:volume_actions:detach'
const MEMBER = file('member.json', '{"roles": ["member"], "project_id": "p", "user_id": "u"}')
const OTHER = file('other.json', '{"project_id": "another"}')
const TOKEN = file(
  'token.json',
  JSON.stringify({
    token: {
      user: { id: 'u', domain: { id: 'd' } },
      project: { id: 'p', domain: { id: 'd' } },
      roles: [{ id: '1', name: 'admin' }],
    },
  }),
)
const OSSN = ['--policy-file', 'policies/ossn-0092.yaml']

test('list: the effective policy, with layer and place', () => {
  const { code, out } = policy('list', ...OSSN, '--format', 'json')
  const rows = JSON.parse(out) as { rule: string; layer: string; where: string | null }[]
  expect(code).toBe(0)
  expect(rows.length).toBe(168)
  expect(rows.find(({ rule }) => rule === DETACH)).toMatchObject({
    layer: 'local',
    where: 'policies/ossn-0092.yaml:11',
  })
  expect(rows.find(({ rule }) => rule === 'volume:get')).toMatchObject({ layer: 'default', where: null })
})

test('sample: a file that loads, and changes nothing', () => {
  const { out } = policy('sample')
  expect(out).toContain(`#"${DETACH}": "rule:xena_system_admin_or_project_member"`)
  const uncommented = file('sample.yaml', out.replace(/^#"/gm, '"'))
  expect(policy('list', '--policy-file', uncommented).code).toBe(0)
})

describe('check', () => {
  test.each([
    ['own project', [MEMBER], 0, 'passed'],
    ["another's", [MEMBER, '--target', OTHER], 1, 'failed'],
    ['an admin, by token', [TOKEN, '--target', OTHER], 0, 'passed'],
  ])('%s', (_name, [access = '', ...more], code, word) => {
    const none = file('none.yaml', '{}')
    const found = policy('check', '--policy-file', none, '--rule', DETACH, '--access', access, ...more)
    expect([found.code, found.out]).toEqual([code, `${word}  ${DETACH}\n`])
  })
  test('all rules', () => {
    const { code, out } = policy('check', ...OSSN, '--access', MEMBER)
    expect(code).toBe(0)
    expect(out).toContain(`failed  ${DETACH}`)
    expect(out).toContain('passed  volume:get\n')
  })
})

test('explain: check by check, with what each read', () => {
  const { code, out } = policy('explain', ...OSSN, '--rule', DETACH, '--access', MEMBER)
  expect(code).toBe(1)
  expect(out).toContain('failed          service_roles:service   [service_roles = []]')
  expect(out).toContain(
    `passed        project_id:%(project_id)s   [project_id = "p", target's project_id = "p"]`,
  )
})

test('check: a rule that looks at the request, and the request that --asked tells of', () => {
  const ask = (asked: string) =>
    policy(
      ...[
        'check',
        '--policy-file',
        'policies/guard-rails.yaml',
        '--rule',
        'volume:extend',
        '--access',
        MEMBER,
      ],
      ...['--asked', file('asked.json', asked)],
    )
  expect(ask('{"body": {"os-extend": {"new_size": 1000}}}').code).toBe(0)
  expect(ask('{"body": {"os-extend": {"new_size": 1001}}}').code).toBe(1)
  expect(ask('{"body": {"os-extend": {"new_size": "1_0"}}}').out).toBe('error   volume:extend\n')
  expect(ask('{"adress": "x"}')).toMatchObject({
    code: 2,
    err: expect.stringContaining('"adress" is none of'),
  })
  expect(ask('{"time": "noon"}')).toMatchObject({ code: 2, err: expect.stringContaining('no time such as') })
})

describe('test', () => {
  test.each(readdirSync('policies/cases'))('the shipped %s', (name) => {
    const { code, out } = policy('test', `policies/cases/${name}`, '--policy-file', `policies/${name}`)
    expect([code, out]).toEqual([0, expect.stringContaining(', 0 failed')])
  })
  test('an expectation that is not met', () => {
    const cases = file(
      'cases.yaml',
      `cases: [{ rule: "${DETACH}", credentials: { roles: [member], project_id: p }, expect: allow }]`,
    )
    const { code, out } = policy('test', cases, ...OSSN)
    expect([code, out]).toEqual([1, `FAILED  ${DETACH}: expected allow, found refuse\n0 passed, 1 failed\n`])
  })
  test.each([
    ['no list', 'x: 1', 'has a list "cases"'],
    ['an unknown field', 'cases: [{ rule: x, expects: allow }]', '"expects" is none of'],
    ['neither rule nor request', 'cases: [{ expect: allow }]', 'either a rule or a request'],
    ['broken YAML', 'cases: [', ':1:'],
  ])('%s: what is wrong, and where', (_name, text, problem) => {
    const { code, err } = policy('test', file('wrong.yaml', text), ...OSSN)
    expect([code, err]).toEqual([2, expect.stringContaining(problem)])
  })
})

test('diff: who gains, who loses', () => {
  const before = file('before.yaml', '{}')
  const after = file('after.yaml', `"${DETACH}": "role:admin"\n"volume:get": "@"\n`)
  const { code, out } = policy('diff', before, after)
  expect(code).toBe(1)
  expect(out).toContain(`- ${DETACH}: member loses it (own project)`)
  expect(out).toContain('+ volume:get: member gains it (another project)')
  expect(policy('diff', before, before)).toMatchObject({ code: 0, out: 'Nobody gains or loses.\n' })
})

test('sign: a bundle that its key opens', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = file('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const { code, out } = policy(
    'sign',
    '--key',
    key,
    '--version',
    '7',
    '--locked',
    DETACH,
    'policies/ossn-0092.yaml',
  )
  expect(code).toBe(0)
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const bundle = await openBundle(out, [{ algorithm: 'ES256', key: await importSPKI(pem, 'ES256') }])
  expect(bundle).toMatchObject({ version: 7, locked: [DETACH] })
  expect(Object.keys(bundle.rules)).toContain('by_a_service')
})

describe('a wrong command line', () => {
  test.each([
    ['no word', [], 'cinderguard policy:'],
    ['an unknown word', ['lists'], 'cinderguard policy:'],
    ['a file that is not there', ['list', '--policy-file', '/nowhere.yaml'], '/nowhere.yaml: ENOENT'],
    ['no configuration', ['list'], 'name a --policy-file'],
    ['nobody who asks', ['check', ...OSSN], '--access FILE'],
    ['an unknown rule', ['explain', ...OSSN, '--rule', 'x', '--access', MEMBER], 'there is no rule "x"'],
    ['a broken policy', ['diff', file('broken.yaml', '"a": "role:x and"'), MEMBER], 'broken.yaml:1:'],
    ['no key', ['sign', '--version', '1', 'policies/ossn-0092.yaml'], 'policy sign --key'],
    [
      'locked that is not there',
      ['sign', '--key', MEMBER, '--version', '1', '--locked', 'x', 'policies/ossn-0092.yaml'],
      '--locked names "x"',
    ],
  ])('%s: exit code 2, and what to do', (_name, args, problem) => {
    const { code, err } = policy(...args)
    expect([code, err]).toEqual([2, expect.stringContaining(problem)])
  })
})

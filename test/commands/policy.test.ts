import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importSPKI } from 'jose'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { policy as policyCommand } from '../../src/commands/policy/policy.ts'
import { openBundle } from '../../src/organisation/bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'cinderguard-policy-tools-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
/** In this process: a new one for each of these takes its time. */
async function policy(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const spies = (['out', 'err'] as const).map((name) =>
    vi.spyOn(process[`std${name}`], 'write').mockImplementation((text) => {
      said[name] += String(text)
      return true
    }),
  )
  try {
    return { code: await policyCommand(args), ...said }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
const ACTIONS = 'volume_extension:volume_actions'
const DETACH = `${ACTIONS}:detach`
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
const RSA = file(
  'rsa.pem',
  generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString(),
)
const OSSN = ['--policy-file', 'policies/ossn-0092.yaml']

test('list: the effective policy, with layer and place', async () => {
  const { code, out } = await policy('list', ...OSSN, '--format', 'json')
  const rows = JSON.parse(out) as { rule: string; layer: string; where: string | null }[]
  expect(code).toBe(0)
  expect(rows.length).toBe(168)
  expect(rows.find(({ rule }) => rule === DETACH)).toMatchObject({
    layer: 'local',
    where: 'policies/ossn-0092.yaml:12',
  })
  expect(rows.find(({ rule }) => rule === 'volume:get')).toMatchObject({ layer: 'default', where: null })
})

test('sample: a file that loads, and changes nothing', async () => {
  const { out } = await policy('sample')
  expect(out).toContain(`#"${DETACH}": "rule:xena_system_admin_or_project_member"`)
  const uncommented = file('sample.yaml', out.replace(/^#"/gm, '"'))
  expect((await policy('list', '--policy-file', uncommented)).code).toBe(0)
})

describe('check', () => {
  test.each([
    ['own project', [MEMBER], 0, 'passed'],
    ["another's", [MEMBER, '--target', OTHER], 1, 'failed'],
    ['an admin, by token', [TOKEN, '--target', OTHER], 0, 'passed'],
  ])('%s', async (_name, [access = '', ...more], code, word) => {
    const none = file('none.yaml', '{}')
    const found = await policy('check', '--policy-file', none, '--rule', DETACH, '--access', access, ...more)
    expect([found.code, found.out]).toEqual([code, `${word}  ${DETACH}  (default)\n`])
  })
  test('all rules', async () => {
    const { code, out } = await policy('check', ...OSSN, '--access', MEMBER)
    expect(code).toBe(0)
    expect(out).toContain(`failed  ${DETACH}`)
    expect(out).toContain('passed  volume:get  (default)\n')
  })
})

test('explain: check by check, with what each read', async () => {
  const { code, out } = await policy('explain', ...OSSN, '--rule', DETACH, '--access', MEMBER)
  expect(code).toBe(1)
  expect(out).toContain('failed          service_roles:service   [service_roles = []]')
  expect(out).toContain(
    `passed        project_id:%(project_id)s   [project_id = "p", target's project_id = "p"]`,
  )
})

test('check: a rule that looks at the request, and the request that --asked tells of', async () => {
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
  expect((await ask('{"body": {"os-extend": {"new_size": 1000}}}')).code).toBe(0)
  expect((await ask('{"body": {"os-extend": {"new_size": 1001}}}')).code).toBe(1)
  expect((await ask('{"body": {"os-extend": {"new_size": "1_0"}}}')).out).toBe(
    'error   volume:extend  (local, policies/guard-rails.yaml:5)\n',
  )
  expect(await ask('{"adress": "x"}')).toMatchObject({
    code: 2,
    err: expect.stringContaining('"adress" is none of'),
  })
  expect(await ask('{"time": "noon"}')).toMatchObject({
    code: 2,
    err: expect.stringContaining('no time such as'),
  })
})

describe('test', () => {
  test.each(readdirSync('policies/cases'))('the shipped %s', async (name) => {
    const { code, out } = await policy('test', `policies/cases/${name}`, '--policy-file', `policies/${name}`)
    expect([code, out]).toEqual([0, expect.stringContaining(', 0 failed')])
  })
  /** What the gateway's own checks say, with Cinder's defaults but for what stands here. */
  test.each<[string, string, Record<string, string>, string, string, string]>([
    [
      'terminate_connection, which force-detach asks, too',
      'POST /volumes/v/action os-force_detach',
      { [`${ACTIONS}:terminate_connection`]: '!' },
      '[admin]',
      '',
      `refuse, by ${ACTIONS}:terminate_connection (local, FILE:1)`,
    ],
    [
      'volume:get, before a detach',
      'POST /volumes/v/action os-detach',
      { 'volume:get': '!' },
      '[member]',
      '',
      'refuse, by volume:get (local, FILE:1)',
    ],
    [
      'create_from_image, without an image',
      'POST /volumes',
      { 'volume:create_from_image': '!' },
      '[member]',
      '',
      'allow',
    ],
    [
      'create_from_image, with one',
      'POST /volumes',
      { 'volume:create_from_image': '!' },
      '[member]',
      'asked: { body: { volume: { imageRef: i } } }',
      'refuse, by volume:create_from_image (local, FILE:1)',
    ],
    [
      'upload_public, of a private image',
      'POST /volumes/v/action os-volume_upload_image',
      { [`${ACTIONS}:upload_public`]: '!' },
      '[member]',
      'asked: { body: { os-volume_upload_image: { visibility: private } } }',
      'allow',
    ],
    [
      'extend_attached_volume, of one that is free',
      'POST /volumes/v/action os-extend',
      { 'volume:extend_attached_volume': '!' },
      '[member]',
      '',
      'allow',
    ],
    [
      'extend_attached_volume, of one in use',
      'POST /volumes/v/action os-extend',
      { 'volume:extend_attached_volume': '!' },
      '[member]',
      'target: { project_id: p, status: in-use }',
      'refuse, by volume:extend_attached_volume (local, FILE:1)',
    ],
    ['deleting an attachment', 'DELETE /attachments/a', {}, '[member]', '', 'allow'],
    [
      "another's attachment",
      'DELETE /attachments/a',
      {},
      '[member]',
      'target: { project_id: q }',
      'refuse, by volume:attachment_delete (default)',
    ],
    [
      'what Cinder does not have',
      'POST /volumes/v/action os-nothing',
      {},
      '[member]',
      '',
      'no such operation',
    ],
    [
      'what does not come to the policy',
      'POST /volumes/v/action os-detach',
      {},
      '[member]',
      'asked: { body: { os-detach: 5 } }',
      'not judged: schema_violation',
    ],
  ])('a request is judged as the gateway does: %s', async (_name, request, rules, roles, more, found) => {
    const rulesFile = file('rules.yaml', JSON.stringify(rules))
    const cases = file(
      'request.yaml',
      `cases:\n  - request: ${request}\n    credentials: { roles: ${roles}, project_id: p }\n    expect: allow\n    ${more}\n`,
    )
    const { out } = await policy('test', cases, '--policy-file', rulesFile)
    const expected =
      found === 'allow' ? `ok      ${request}\n` : `FAILED  ${request}: expected allow, found ${found}\n`
    expect(out.replace(rulesFile, 'FILE').split('\n')[0]).toBe(expected.trimEnd())
  })
  test('an expectation that is not met', async () => {
    const cases = file(
      'cases.yaml',
      `cases: [{ rule: "${DETACH}", credentials: { roles: [member], project_id: p }, expect: allow }]`,
    )
    const { code, out } = await policy('test', cases, ...OSSN)
    expect([code, out]).toEqual([
      1,
      `FAILED  ${DETACH}: expected allow, found refuse, by ${DETACH} (local, policies/ossn-0092.yaml:12)\n0 passed, 1 failed\n`,
    ])
  })
  test.each([
    ['no list', 'x: 1', 'has a list "cases"'],
    ['an unknown field', 'cases: [{ rule: x, expects: allow }]', '"expects" is none of'],
    ['neither rule nor request', 'cases: [{ expect: allow }]', 'either a rule or a request'],
    ['broken YAML', 'cases: [', ':1:'],
  ])('%s: what is wrong, and where', async (_name, text, problem) => {
    const { code, err } = await policy('test', file('wrong.yaml', text), ...OSSN)
    expect([code, err]).toEqual([2, expect.stringContaining(problem)])
  })
})

test('diff: who gains, who loses', async () => {
  const before = file('before.yaml', '{}')
  const after = file('after.yaml', `"${DETACH}": "role:admin"\n"volume:get": "@"\n`)
  const { code, out } = await policy('diff', before, after)
  expect(code).toBe(1)
  expect(out).toContain(`- ${DETACH} (own project; own project, another's): manager, member, `)
  expect(out).toContain('+ volume:get (another project): manager, member, ')
  expect(await policy('diff', before, before)).toMatchObject({ code: 0, out: 'Nobody gains or loses.\n' })
})

describe('diff, beyond the usual callers', () => {
  const of = (before: string, after: string, ...more: readonly string[]) =>
    policy('diff', file('a.yaml', before), file('b.yaml', after), ...more)
  const BASE = '"volume:delete": "rule:admin_api"'
  test.each([
    [
      'a role that one of them names',
      BASE,
      '"volume:delete": "rule:admin_api or role:auditor"',
      '+ volume:delete (of any project): auditor, member with auditor\n',
    ],
    [
      'in a rule that it refers to',
      BASE,
      '"admin_api": "role:auditor"\n"volume:delete": "rule:admin_api"',
      'auditor',
    ],
    [
      'beside an admin',
      BASE,
      '"volume:delete": "rule:admin_api and not role:junior"',
      '- volume:delete (of any project): admin with junior\n',
    ],
    ['of a service', BASE, '"volume:delete": "service_roles:backup"', 'member through a backup'],
    [
      'a time',
      '"volume:delete": "cinderguard.time:08:00-18:00"',
      '"volume:delete": "cinderguard.time:08:00-20:00"',
      '~ volume:delete: reworded',
    ],
    ['a user', '"volume:delete": "user_id:a"', '"volume:delete": "user_id:b"', '    after:  user_id:b'],
  ])('%s', async (_name, before, after, line) => {
    expect(await of(before, after)).toMatchObject({ code: 1, out: expect.stringContaining(line) })
  })
  test('another default', async () => {
    const { code, out } = await of(BASE, BASE, '--enforce-new-defaults', 'after')
    expect([code, out]).toEqual([1, expect.stringMatching(/^- volume:update \(own project.*reader/m)])
    expect((await of(BASE, BASE, '--enforce-new-defaults', 'true')).code).toBe(0)
  })
})

test('a signed bundle is a policy like any other, and its locks are shown', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = file('bundle-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const rules = file('bundle.yaml', `"${DETACH}": "role:detacher"\n"volume:get": "role:reader"\n`)
  const signed = await policy('sign', '--key', key, '--version', '3', '--locked', DETACH, rules)
  const bundle = file('bundle.jws', signed.out)
  const local = file('local.yaml', `"${DETACH}": "@"\n`)
  const { out, err } = await policy(
    'list',
    '--policy-file',
    `${bundle},${local}`,
    '--rule',
    'volume_actions:detach',
  )
  expect(err).toContain('is version 3; its signature is not verified here')
  expect(out).toBe(
    `${DETACH}  (local, ${local}:1, within a lock)\n    @, and (locked by the bundle) role:detacher\n`,
  )
  expect((await policy('list', '--policy-file', bundle, '--rule', 'volume:get')).out).toContain(
    'volume:get  (bundle)\n',
  )
  expect((await policy('list', '--policy-file', bundle, '--rule', DETACH)).out).toContain(
    `${DETACH}  (bundle, locked)\n`,
  )
  const found = await policy(
    'check',
    '--policy-file',
    `${bundle},${local}`,
    '--rule',
    DETACH,
    '--access',
    MEMBER,
  )
  expect([found.code, found.out]).toEqual([1, `failed  ${DETACH}  (local, ${local}:1, within a lock)\n`])
  const tree = await policy(
    'explain',
    '--policy-file',
    `${bundle},${local}`,
    '--rule',
    DETACH,
    '--access',
    MEMBER,
  )
  expect(tree.out).toBe(
    [
      `failed  rule:${DETACH}   (local, ${local}:1, within a lock)`,
      'failed    and',
      'failed      locked by the bundle',
      'failed        role:detacher   [roles = ["member"]]',
      'passed      @\n',
    ].join('\n'),
  )
  expect((await policy('diff', bundle, rules)).out).toContain('before: role:detacher (locked)')
})

test('explain: what a check of the request read', async () => {
  const asked = file('asked-of.json', '{"body": {"os-extend": {"new_size": 2000}}}')
  const args = ['--policy-file', 'policies/guard-rails.yaml', '--rule', 'volume:extend', '--access', MEMBER]
  const { out } = await policy('explain', ...args, '--asked', asked)
  expect(out).toContain('cinderguard.body:os-extend.new_size<=1000   [body = 2000]')
})

test('sign: a bundle that its key opens', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = file('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const { code, out } = await policy(
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
    ['words beyond', ['list', 'volume:get', ...OSSN], '"volume:get" is not expected here'],
    ['an unknown format', ['list', '--format', 'yaml', ...OSSN], '--format is text or json'],
    [
      'roles that are no list',
      ['check', ...OSSN, '--access', file('r.json', '{"roles": "member"}')],
      'roles is a list',
    ],
    [
      'an unknown credential',
      ['check', ...OSSN, '--access', file('c.json', '{"tenant": "p"}')],
      '"tenant" is not a credential',
    ],
    ['an RSA key', ['sign', '--key', RSA, '--version', '1', 'policies/ossn-0092.yaml'], 'no PEM private key'],
    [
      'a version too large',
      ['sign', '--key', RSA, '--version', '9007199254740993', 'policies/ossn-0092.yaml'],
      '--version is at most',
    ],
    [
      'days without end',
      ['sign', '--key', RSA, '--version', '1', '--days', '1e9', 'policies/ossn-0092.yaml'],
      'up to 3650',
    ],
    ['nothing to sign', ['sign', '--key', RSA, '--version', '1', file('empty.yaml', '{}')], 'has no rule'],
    ['no key', ['sign', '--version', '1', 'policies/ossn-0092.yaml'], 'policy sign --key'],
    [
      'locked that is not there',
      ['sign', '--key', MEMBER, '--version', '1', '--locked', 'x', 'policies/ossn-0092.yaml'],
      '--locked names "x"',
    ],
  ])('%s: exit code 2, and what to do', async (_name, args, problem) => {
    const { code, err } = await policy(...args)
    expect([code, err]).toEqual([2, expect.stringContaining(problem)])
  })
})

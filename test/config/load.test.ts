import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { type ConfigInput, findFile, loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/options.ts'
import { describeProblem } from '../../src/config/problem.ts'

const root = mkdtempSync(join(tmpdir(), 'cinderguard-config-'))
afterAll(() => rmSync(root, { recursive: true }))

const MINIMAL = `[cinderguard]
upstream = http://127.0.0.1:18776
[keystone_authtoken]
auth_url = http://keystone:5000
username = cinder
password = hunter2
user_domain_name = Default
project_name = service
project_domain_name = Default
`

let count = 0
/** Writes files into a folder of their own. */
function folder(files: Readonly<Record<string, string>>): string {
  const dir = join(root, String(count++))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}

function load(text: string, more: ConfigInput = {}) {
  const dir = folder({ 'a.conf': text })
  const loaded = loadConfig({ files: [join(dir, 'a.conf')], ...more })
  const lines = (problems: readonly { code: string; where: string; message: string }[]) =>
    problems.map(({ code, where, message }) => `${code} ${where.replace(`${dir}/`, '')}: ${message}`)
  return 'config' in loaded
    ? { config: loaded.config, notices: lines(loaded.notices) }
    : { problems: lines(loaded.problems) }
}

function good(text: string, more: ConfigInput = {}): Config {
  const loaded = load(text, more)
  if (!('config' in loaded)) throw new Error(loaded.problems.join('\n'))
  return loaded.config
}

describe('loadConfig takes', () => {
  const rows: readonly (readonly [string, string, ConfigInput, (config: Config) => unknown, unknown])[] = [
    ['a default', '', {}, (c) => c.cinderguard.decision_timeout, 10],
    ['undefined where there is none', '', {}, (c) => c.nova.region_name, undefined],
    ['a value of a file', '[nova]\nregion_name = R', {}, (c) => c.nova.region_name, 'R'],
    [
      'the last of a repeated key',
      '[nova]\nregion_name = R\nregion_name = S',
      {},
      (c) => c.nova.region_name,
      'S',
    ],
    [
      'all of a repeated multi',
      '[oslo_policy]\npolicy_dirs = a\npolicy_dirs = b',
      {},
      (c) => c.oslo_policy.policy_dirs,
      ['a', 'b'],
    ],
    [
      'the environment before a file',
      '[nova]\nregion_name = R',
      { env: { OS_NOVA__REGION_NAME: 'E' } },
      (c) => c.nova.region_name,
      'E',
    ],
    [
      'a flag before the environment',
      '',
      { env: { OS_NOVA__REGION_NAME: 'E' }, overrides: { 'nova.region_name': 'F' } },
      (c) => c.nova.region_name,
      'F',
    ],
    [
      '[DEFAULT] of the environment',
      '',
      { env: { OS_DEFAULT__OSAPI_MAX_LIMIT: '7' } },
      (c) => c.DEFAULT.osapi_max_limit,
      7,
    ],
    [
      'an old name',
      '[keystone_authtoken]\nauth_uri = http://k/',
      {},
      (c) => c.keystone_authtoken.www_authenticate_uri,
      'http://k/',
    ],
    [
      'an old name in another section',
      '[DEFAULT]\nosapi_max_request_body_size = 5',
      {},
      (c) => c.oslo_middleware.max_request_body_size,
      5,
    ],
    [
      'the new name before the old',
      '[DEFAULT]\nosapi_max_request_body_size = 5\n[oslo_middleware]\nmax_request_body_size = 6',
      {},
      (c) => c.oslo_middleware.max_request_body_size,
      6,
    ],
    [
      'an option by its other name',
      '[nova]\nendpoint_override = http://n/v2.1',
      {},
      (c) => c.cinderguard.nova_endpoint_override,
      'http://n/v2.1',
    ],
    [
      'a synonym',
      '[keystone_authtoken]\ninterface = internalURL',
      {},
      (c) => c.keystone_authtoken.interface,
      'internal',
    ],
    ['an empty value as none', '[nova]\nregion_name =', {}, (c) => c.nova.region_name, undefined],
    [
      'an empty list',
      '[keystone_authtoken]\nservice_token_roles =',
      {},
      (c) => c.keystone_authtoken.service_token_roles,
      [],
    ],
    [
      'unknown options of other sections',
      '[keystone_authtoken]\nwhatever = 1\n[else]\nx = $y',
      {},
      (c) => c.cinderguard.mode,
      'enforce',
    ],
    [
      'a reference to its section',
      '[nova]\nregion_name = $interface',
      {},
      (c) => c.nova.region_name,
      'public',
    ],
    [
      'a reference to [DEFAULT], unknown to us',
      '[DEFAULT]\nmy_ip = 192.0.2.1\n[nova]\nendpoint_override = http://$my_ip:8774',
      {},
      (c) => c.nova.endpoint_override,
      'http://192.0.2.1:8774',
    ],
    [
      'a reference over two steps, to another section',
      `[x]\na = \${y.b}1\n[y]\nb = B\n[nova]\nregion_name = \${X.a}`,
      {},
      (c) => c.nova.region_name,
      'B1',
    ],
    [
      'a reference set by the environment',
      '[nova]\nregion_name = $site',
      { env: { OS_DEFAULT__SITE: 'E' } },
      (c) => c.nova.region_name,
      'E',
    ],
    [
      'two dollars of a password as one',
      '[keystone_authtoken]\npassword = a$$b',
      {},
      (c) => c.keystone_authtoken.password?.reveal(),
      'a$b',
    ],
    [
      'a secret in a secret',
      `[DEFAULT]\npw = p\n[keystone_authtoken]\npassword = \${service_user.password}\n[service_user]\npassword = $pw`,
      {},
      (c) => c.keystone_authtoken.password?.reveal(),
      'p',
    ],
    [
      'the account of another section',
      '[keystone_authtoken]\nauth_section = acc\n[acc]\nauth_url = http://k2\nuser_id = u\npassword = p\nproject_id = q',
      {},
      (c) => c.keystone_authtoken.auth_url,
      'http://k2',
    ],
  ]
  test.each(rows)('%s', (_name, text, more, pick, expected) => {
    expect(pick(good(`${MINIMAL}${text}\n`, more))).toEqual(expected)
  })

  test('later files before earlier ones, directories by name after files, and all of a multi in order', () => {
    const dir = folder({
      '1.conf': `${MINIMAL}[nova]\nregion_name = one\n[oslo_policy]\npolicy_dirs = p1\n[cors]\nallowed_origin = o1`,
      '2.conf': '[nova]\nregion_name = two\ninterface = admin\n[oslo_policy]\npolicy_dirs = p2',
      'd/20.conf': '[DEFAULT]\nosapi_max_limit = 20\n[oslo_policy]\npolicy_dirs = p4',
      'd/10.conf':
        '[nova]\nregion_name = ten\n[DEFAULT]\nosapi_max_limit = 10\n[oslo_policy]\npolicy_dirs = p3',
      'd/.hidden.conf': 'nonsense',
      'd/30.conf.bak': 'nonsense',
    })
    const config = (() => {
      const loaded = loadConfig({ files: [`${dir}/1.conf`, `${dir}/2.conf`], dirs: [`${dir}/d`] })
      if ('problems' in loaded) throw new Error(loaded.problems.map(describeProblem).join('\n'))
      return loaded.config
    })()
    expect([config.nova.region_name, config.nova.interface, config.DEFAULT.osapi_max_limit]).toEqual([
      'ten',
      'admin',
      20,
    ])
    expect([config.oslo_policy.policy_dirs, config.cors.allowed_origin]).toEqual([
      ['p1', 'p2', 'p3', 'p4'],
      ['o1'],
    ])
    expect(config.sources).toEqual({
      files: ['1.conf', '2.conf', 'd/10.conf', 'd/20.conf'].map((name) => join(dir, name)),
      dirs: [`${dir}/d`],
    })
  })
})

describe('loadConfig reports', () => {
  const at = MINIMAL.split('\n').length
  const rows: readonly (readonly [string, string, ConfigInput, readonly string[]])[] = [
    [
      'a wrong type',
      '[cinderguard]\nnova_timeout = soon',
      {},
      [`wrong_type a.conf:${at + 1}: [cinderguard] nova_timeout: "soon" is not a number of seconds`],
    ],
    [
      'a range',
      '[cinderguard]\nmax_headers = 5',
      {},
      [`out_of_range a.conf:${at + 1}: [cinderguard] max_headers: 5 is below the minimum, 10`],
    ],
    [
      'a slip',
      '[cinderguard]\nupstraem_timeout = 5',
      {},
      [
        `unknown_option a.conf:${at + 1}: [cinderguard] has no option upstraem_timeout; did you mean upstream_timeout?`,
      ],
    ],
    [
      'the wrong section',
      '[cinderguard]\nservice_token_roles = x',
      {},
      [
        `unknown_option a.conf:${at + 1}: [cinderguard] has no option service_token_roles; it belongs in [keystone_authtoken]`,
      ],
    ],
    [
      'a slip in [policy], which is ours, too',
      '[policy]\nunknown_operation = refuse',
      {},
      [
        `unknown_option a.conf:${at + 1}: [policy] has no option unknown_operation; did you mean unknown_operations?`,
      ],
    ],
    [
      'nothing where something would be checked',
      '[cinderguard]\ntls_client_ca_file =\n[policy]\nbundle_url =',
      {},
      [
        `wrong_type a.conf:${at + 1}: [cinderguard] tls_client_ca_file: is empty; leave the line out to get none`,
        `wrong_type a.conf:${at + 3}: [policy] bundle_url: is empty; leave the line out to get none`,
      ],
    ],
    [
      'keys of a policy that nobody fetches',
      '[policy]\nbundle_public_keys = key.pem',
      {},
      ['conflict [policy]: bundle_public_keys without bundle_url: no policy is fetched'],
    ],
    [
      'a name of the language',
      '[cinderguard]\nconstructor = x',
      {},
      [`unknown_option a.conf:${at + 1}: [cinderguard] has no option constructor`],
    ],
    [
      'the environment',
      '',
      { env: { OS_CINDERGUARD__BNID: 'x', OS_CINDERGUARD__MODE: 'off', OS_OTHER: 'x' } },
      [
        'unknown_option environment OS_CINDERGUARD__BNID: [cinderguard] has no option bnid; did you mean bind?',
        'wrong_type environment OS_CINDERGUARD__MODE: [cinderguard] mode: "off" is not one of enforce, observe',
      ],
    ],
    [
      'flags',
      '',
      { overrides: { 'cinderguard.mode': 'off', 'nova.nope': 'x', 'cinderguard.bnid': 'x' } },
      [
        'unknown_option command line --nova.nope: there is no option nope in [nova]',
        'unknown_option command line --bnid: [cinderguard] has no option bnid; did you mean bind?',
        'wrong_type command line --mode: [cinderguard] mode: "off" is not one of enforce, observe',
      ],
    ],
    [
      'an unknown reference',
      '[nova]\nregion_name = $site',
      {},
      [
        `unknown_reference a.conf:${at + 1}: [nova] region_name: refers to $site, which is not set; write $$ where a dollar sign is meant`,
      ],
    ],
    [
      'an unknown reference in a secret, without its text',
      '[keystone_authtoken]\npassword = top$ecret',
      {},
      [
        `unknown_reference a.conf:${at + 1}: [keystone_authtoken] password: refers to a name after a dollar sign, which is not set; write $$ where a dollar sign is meant`,
      ],
    ],
    [
      'a circle',
      '[nova]\nregion_name = $a\na = $b\nb = $a',
      {},
      [`circular_reference a.conf:${at + 1}: [nova] region_name: refers to itself through $a`],
    ],
    [
      'a secret in an option that is printed',
      `[nova]\nregion_name = \${keystone_authtoken.password}`,
      {},
      [
        `secret_reference a.conf:${at + 1}: [nova] region_name: refers to the secret $keystone_authtoken.password; only a secret may do so`,
      ],
    ],
    [
      'a secret of a section we do not know',
      '[acc]\nadmin_password = x\n[nova]\nregion_name = $acc.admin_password',
      {},
      [
        `secret_reference a.conf:${at + 3}: [nova] region_name: refers to the secret $acc.admin_password; only a secret may do so`,
      ],
    ],
    [
      'an empty value where that would mean the default',
      '[nova]\ninterface =',
      {},
      [`wrong_type a.conf:${at + 1}: [nova] interface: is empty; leave the line out to get public`],
    ],
    [
      'an empty upstream',
      '[cinderguard]\nupstream =',
      {},
      [`wrong_type a.conf:${at + 1}: [cinderguard] upstream: is empty`],
    ],
    [
      'delay_auth_decision',
      '[keystone_authtoken]\ndelay_auth_decision = yes',
      {},
      [
        `not_allowed a.conf:${at + 1}: [keystone_authtoken] delay_auth_decision: must be false: the gateway refuses requests that it cannot authenticate, and does not leave that to others`,
      ],
    ],
    [
      'one address for two',
      '[cinderguard]\nbind = h:1\nadmin_bind = h:1',
      {},
      ['conflict [cinderguard]: bind and admin_bind are the same address'],
    ],
    [
      'one socket for two',
      '[cinderguard]\nbind = unix:/x\nadmin_bind = unix:/x',
      {},
      ['conflict [cinderguard]: bind and admin_bind are the same address'],
    ],
    [
      'a loop',
      '[cinderguard]\nbind = 127.0.0.1:18776',
      {},
      ['conflict [cinderguard]: upstream is bind: the gateway would forward to itself'],
    ],
    [
      'a path that would be dropped',
      '[cinderguard]\nupstream = http://cinder:8776/volume',
      {},
      [
        'conflict [cinderguard]: upstream has the path /volume, which would be dropped; write it in public_prefix: the gateway sends the paths that it receives',
      ],
    ],
    [
      'half an account that is used',
      '[service_user]\nsend_service_user_token = true\nusername = x\nuser_domain_id = d',
      {},
      [
        'missing [service_user]: auth_url is needed',
        'missing [service_user]: password is needed',
        'missing [service_user]: project_name or project_id is needed',
      ],
    ],
    [
      'an account missing where auth_section points',
      '[keystone_authtoken]\nauth_section = nowhere',
      {},
      [
        'missing [nowhere]: auth_url is needed',
        'missing [nowhere]: username or user_id is needed',
        'missing [nowhere]: password is needed',
        'missing [nowhere]: project_name or project_id is needed',
      ],
    ],
    [
      'a syntax error, and goes on',
      'nonsense\n[cinderguard]\nmode = off',
      {},
      [
        `syntax a.conf:${at}: neither [section], key = value, nor a comment`,
        `wrong_type a.conf:${at + 2}: [cinderguard] mode: "off" is not one of enforce, observe`,
      ],
    ],
  ]
  test.each(rows)('%s', (_name, text, more, expected) => {
    expect(load(`${MINIMAL}${text}\n`, more)).toEqual({ problems: expected })
  })

  test('everything that is missing from nothing', () => {
    expect(load('')).toEqual({
      problems: [
        'missing [cinderguard] upstream: must be set',
        'missing [keystone_authtoken]: auth_url is needed',
        'missing [keystone_authtoken]: username or user_id is needed',
        'missing [keystone_authtoken]: password is needed',
        'missing [keystone_authtoken]: project_name or project_id is needed',
      ],
    })
  })

  test('files and directories that are not there', () => {
    const loaded = loadConfig({ files: [join(root, 'none.conf')], dirs: [join(root, 'none.d')] })
    expect('problems' in loaded && loaded.problems.slice(0, 2)).toEqual([
      { code: 'unreadable', where: join(root, 'none.d'), message: 'cannot be read (ENOENT)' },
      { code: 'unreadable', where: join(root, 'none.conf'), message: 'cannot be read (ENOENT)' },
    ])
  })
})

test('a file that is not UTF-8', () => {
  const dir = folder({})
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'latin.conf'), Buffer.from('[a]\nk = \xe9\n', 'latin1'))
  const loaded = loadConfig({ files: [join(dir, 'latin.conf')] })
  expect('problems' in loaded && loaded.problems[0]).toEqual({
    code: 'unreadable',
    where: join(dir, 'latin.conf'),
    message: 'cannot be read (ERR_ENCODING_INVALID_ENCODED_DATA)',
  })
})

test('notices', () => {
  const at = MINIMAL.split('\n').length
  const text = `[keystone_authtoken]\nmemcached_servers = a:1, b:1\nauth_uri = http://k\n[nova]\ninsecure = true\n`
  const loaded = load(MINIMAL + text)
  expect('notices' in loaded && loaded.notices).toEqual([
    `deprecated a.conf:${at + 2}: [keystone_authtoken] www_authenticate_uri: is set by its old name auth_uri`,
    `unsafe a.conf:${at + 4}: [nova] insecure: certificates are not checked: whoever is in between can read the password`,
  ])
})

test('no secret is printed, whole or in problems', () => {
  const config = good(MINIMAL)
  expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('hunter2')
  const broken = load(`${MINIMAL}[cinderguard]\nmode = x\n[service_user]\npassword = $hunter2\n`)
  expect(JSON.stringify(broken)).not.toContain('hunter2')
})

describe('findFile', () => {
  const dir = folder({
    'a/x.conf': '',
    'b/y.conf': '',
    'c/z': '',
    'a/only-a': '',
    'a/both': '',
    'b/both': '',
    'c/all': '',
    'b/all': '',
  })
  const sources = { files: [`${dir}/a/x.conf`, `${dir}/b/y.conf`], dirs: [`${dir}/c`] }
  test.each([
    ['only-a', 'a/only-a'],
    ['both', 'b/both'],
    ['all', 'c/all'],
    [`${dir}/c/z`, 'c/z'],
    ['none', undefined],
    [`${dir}/none`, undefined],
  ])('%s', (path, expected) => {
    expect(findFile(path, sources)).toBe(expected && join(dir, expected))
  })
})

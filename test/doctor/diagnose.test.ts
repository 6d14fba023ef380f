import { describe, expect, test } from 'vitest'
import { findingsText } from '../../src/commands/doctor.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/options.ts'
import { diagnose } from '../../src/doctor/diagnose.ts'
import type { Level } from '../../src/doctor/finding.ts'
import type { Survey } from '../../src/doctor/survey.ts'
import type { ReadinessReport, ReportRow } from '../../src/rollout/report.ts'

function config(overrides: Readonly<Record<string, string>> = {}): Config {
  const loaded = loadConfig({
    env: {},
    overrides: {
      'cinderguard.upstream': 'http://127.0.0.1:18776',
      'keystone_authtoken.auth_url': 'http://keystone:5000',
      'keystone_authtoken.username': 'cinderguard',
      'keystone_authtoken.password': 'secret',
      'keystone_authtoken.user_domain_name': 'Default',
      'keystone_authtoken.project_name': 'service',
      'keystone_authtoken.project_domain_name': 'Default',
      'service_user.send_service_user_token': 'true',
      ...overrides,
    },
  })
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}

const seen = (userName: string) => ({
  userId: `id of ${userName}`,
  userName,
  roles: ['service'],
  count: 3,
  guarded: 1,
  last: 'today',
  from: [],
})
const TRAFFIC: ReadinessReport = {
  mode: 'observe',
  since: '',
  guarded: 4,
  ready: true,
  advice: '',
  rows: [],
  services: [seen('nova')],
  trusted: [],
  others: 0,
  unlisted: null,
}
const NOW = Date.parse('2026-11-23T00:00:00Z')
const ACCOUNT = { userId: 'u-cg', userName: 'cinderguard', projectId: 'p-service', roles: ['service'] }
const OWN = {
  ...ACCOUNT,
  catalog: [
    { type: 'volumev3', endpoints: [{ interface: 'public', region: 'R', url: 'http://gw:8776/v3' }] },
  ],
}
const PROOF = { interface: 'public', url: 'http://gw:8776/v3' }
const WELL: Survey = {
  config: config(),
  own: OWN,
  service: null,
  validated: { userName: 'alice' },
  cinder: { maximum: [3, 59] },
  nova: { endpoint: 'http://nova/v2.1', maximum: [2, 90] },
  clockAhead: 0.2,
  reach: { kind: 'loopback', openAt: [] },
  proofs: [{ ...PROOF, result: 'seen' }],
  certificates: [],
  traffic: TRAFFIC,
  policyFiles: ['/etc/cinder/policy.yaml'],
  policyJson: null,
  now: NOW,
}
const row = (reason: ReportRow['reason'], more: Partial<ReportRow> = {}): ReportRow => ({
  verdict: 'observed',
  kind: 'problem',
  caller: 'service-without-token',
  operation: 'volume-detach',
  reason,
  rule: null,
  userId: 'u',
  userName: 'alice',
  projectId: 'p',
  serviceUserId: null,
  serviceUser: null,
  address: '192.0.2.9',
  userAgent: 'python-cinderclient',
  count: 2,
  first: '',
  last: '',
  hint: null,
  passed: null,
  resolved: null,
  blocks: true,
  ...more,
})
const withRow = (reason: ReportRow['reason'], more: Partial<ReportRow> = {}): Partial<Survey> => ({
  traffic: { ...TRAFFIC, rows: [row(reason, more)] },
})
const certificate = (days: number): Partial<Survey> => ({
  certificates: [
    { of: 'the certificate of Keystone', where: 'keystone:5000', validTo: NOW + days * 86_400_000 },
  ],
})
const unusable = (of: string): Partial<Survey> => ({
  certificates: [{ of, where: '/etc/x.pem', validTo: { problem: 'it cannot be read (EACCES)' } }],
})
const catalogAt = (url: string): Partial<Survey> => ({
  own: { ...OWN, catalog: [{ type: 'volumev3', endpoints: [{ interface: 'public', region: 'R', url }] }] },
})
const roles = (...names: string[]): Partial<Survey> => ({
  own: { ...OWN, roles: names },
  validated: null,
  traffic: { ...TRAFFIC, services: [] },
})

test('where all is well there is nothing to do', () => {
  const findings = diagnose(WELL)
  expect(findings.filter(({ level }) => level === 'warning' || level === 'error')).toEqual([])
  expect(findingsText(findings)).toMatch(/\n\nNothing to do\.\n$/)
})

describe('each finding has its reason and its remedy', () => {
  const CASES: readonly (readonly [string, Partial<Survey>, string, Level, RegExp])[] = [
    [
      'Keystone is down',
      { own: { problem: 'ECONNREFUSED' } },
      'keystone',
      'error',
      /auth_url = http:\/\/keystone:5000/,
    ],
    [
      'the account has no service role',
      { own: { ...OWN, roles: ['member'] } },
      'service-role',
      'error',
      /role add --user u-cg --project p-service service/,
    ],
    [
      "nor has that in [service_user], though the gateway's other has",
      { service: { ...ACCOUNT, userId: 'u-other', roles: ['member'] } },
      'service-role',
      'error',
      /in \[service_user\][\s\S]*role add --user u-other/,
    ],
    [
      'the account in [service_user] cannot log in',
      { service: { problem: 'answered 401' } },
      'service-account',
      'error',
      /\[service_user\]/,
    ],
    [
      "Keystone does not let the account ask about others' tokens",
      { validated: { problem: 'a token lookup was answered 403' } },
      'token-validation',
      'error',
      /answered 403[\s\S]*role add --user u-cg --project p-service service/,
    ],
    ['nor would it by its roles', roles('member'), 'token-validation', 'warning', /OS_TOKEN=/],
    ['Cinder is away', { cinder: { problem: 'down' } }, 'cinder', 'error', /upstream = http:\/\/127/],
    ['Cinder is old', { cinder: { maximum: [3, 0] } }, 'cinder-microversion', 'warning', /safe fallback/],
    ['Nova is away', { nova: { problem: 'no endpoint' } }, 'nova', 'error', /nova_endpoint_override/],
    [
      'Nova is old',
      { nova: { endpoint: 'n', maximum: [2, 87] } },
      'nova-microversion',
      'info',
      /safe fallback/,
    ],
    ['the clock is wrong', { clockAhead: -70 }, 'clock', 'warning', /70 seconds behind/],
    ['a certificate ends soon', certificate(9), 'certificate', 'warning', /expires in 9 days/],
    ['a certificate has ended', certificate(-1), 'certificate', 'error', /has expired/],
    [
      'a certificate cannot be read',
      unusable("the gateway's own certificate"),
      'certificate',
      'error',
      /EACCES/,
    ],
    ['nor the policy bundle', unusable('the policy bundle'), 'certificate', 'error', /bundle_url/],
    [
      'Cinder is open to others',
      { reach: { kind: 'loopback', openAt: ['192.0.2.5:18776'] } },
      'upstream-reachable',
      'error',
      /192\.0\.2\.5:18776/,
    ],
    [
      'Cinder is elsewhere: nothing can be said of it',
      {
        config: config({ 'cinderguard.upstream': 'http://10.0.0.5:18776' }),
        reach: { kind: 'network', answersAnybody: null },
      },
      'upstream-reachable',
      'warning',
      /dport 18776 [\s\S]*upstream_certfile[\s\S]*curl -k -m 5 http:\/\/10\.0\.0\.5:18776\//,
    ],
    [
      'and takes everybody, certificate or not',
      { reach: { kind: 'network', answersAnybody: true } },
      'upstream-reachable',
      'warning',
      /answers without the client certificate/,
    ],
    [
      'and answers nobody, certificate or not',
      { reach: { kind: 'network', answersAnybody: false }, cinder: { problem: 'down' } },
      'upstream-reachable',
      'warning',
      /cannot be seen from here/,
    ],
    [
      "Cinder's socket is open to all",
      { reach: { kind: 'socket', path: '/run/cinder.sock', isOpen: true } },
      'upstream-reachable',
      'warning',
      /chmod o-w \/run\/cinder\.sock/,
    ],
    [
      'the catalogue leads elsewhere',
      { proofs: [{ ...PROOF, result: 'not-seen' }] },
      'catalogue',
      'error',
      /saw none of the requests/,
    ],
    [
      'its endpoint cannot be reached from here',
      { proofs: [{ ...PROOF, result: { problem: 'ECONNREFUSED' } }] },
      'catalogue',
      'warning',
      /ECONNREFUSED/,
    ],
    ['where it leads is not proven', { proofs: [] }, 'catalogue', 'info', /--admin/],
    ['it has no such endpoint', { own: { ...OWN, catalog: [] } }, 'catalogue', 'info', /endpoint list/],
    [
      'the catalogue leads round',
      catalogAt('http://127.0.0.1:18776/v3/p'),
      'catalogue',
      'error',
      /endpoint set/,
    ],
    [
      'Nova sends no service token',
      withRow('service_token_missing'),
      'service-token-missing',
      'error',
      /on 192\.0\.2\.9[\s\S]*nova\.conf[\s\S]*send_service_user_token = true/,
    ],
    ...(['service_role_missing', 'service_role_required'] as const).map(
      (reason): readonly [string, Partial<Survey>, string, Level, RegExp] => [
        `a service has no service role: ${reason}`,
        withRow(reason, {
          serviceUser: 'nova',
          hint: 'Do this: openstack role add --user n --project p service',
        }),
        'service-role-missing',
        'error',
        /a service token of nova[\s\S]* {13}openstack role add --user n --project p service\n/,
      ],
    ),
    [
      'Cinder does what policy refuses',
      withRow('policy', { rule: 'volume:get' }),
      'would-be-refused',
      'warning',
      /volume:get/,
    ],
    [
      'Nova was away',
      withRow('nova_unavailable', { kind: 'outage', blocks: false }),
      'outages',
      'info',
      /readyz/,
    ],
    [
      'a service token is bad',
      withRow('invalid_service_token'),
      'invalid-service-token',
      'error',
      /its password/,
    ],
    [
      'Nova was not seen yet',
      { traffic: { ...TRAFFIC, services: [] } },
      'service-nova',
      'warning',
      /remove volume[\s\S]*send_service_user_token = true[\s\S]*role add --user nova/,
    ],
    ['Ironic was not seen', {}, 'service-ironic', 'info', /ironic\.conf[\s\S]*\[cinder\]/],
    [
      'a proxy is in front that nobody named',
      { config: config({ 'oslo_middleware.enable_proxy_headers_parsing': 'true' }) },
      'trusted-proxies',
      'warning',
      /trusted_proxies = /,
    ],
    [
      'users are trusted, and it is used',
      {
        config: config({ 'cinderguard.trusted_service_users': 'a,b' }),
        traffic: { ...TRAFFIC, trusted: [{ userId: 'a', userName: 'old-nova', count: 7, last: 'today' }] },
      },
      'trusted-service-users',
      'warning',
      /old-nova 7 times, last today/,
    ],
    ['nothing was seen', { traffic: { problem: 'no gateway' } }, 'traffic', 'warning', /--audit-log/],
    [
      'users are trusted',
      { config: config({ 'cinderguard.trusted_service_users': 'a,b' }) },
      'trusted-service-users',
      'warning',
      /a temporary exception/,
    ],
    [
      'it only observes',
      { config: config({ 'cinderguard.mode': 'observe' }) },
      'mode',
      'warning',
      /mode = enforce/,
    ],
    [
      'one operation is only observed',
      { config: config({ 'cinderguard.mode_overrides': 'volume-detach=observe' }) },
      'mode-override',
      'info',
      /volume-detach=observe/,
    ],
    [
      'certificates are not checked',
      { config: config({ 'nova.insecure': 'true' }) },
      'insecure',
      'warning',
      /\[nova\]/,
    ],
    [
      'metrics are open',
      { config: config({ 'cinderguard.admin_bind': '0.0.0.0:9776' }) },
      'admin-listener',
      'info',
      /console_role/,
    ],
    ['there is no policy file', { policyFiles: [] }, 'policy', 'info', /policy_file = /],
    [
      'Cinder has a policy.json, which is not read',
      { policyFiles: [], policyJson: '/etc/cinder/policy.json' },
      'policy',
      'warning',
      /\[oslo_policy\]\s+policy_file = \/etc\/cinder\/policy\.json/,
    ],
  ]
  test.each(CASES)('%s', (_name, change, id, level, text) => {
    const found = diagnose({ ...WELL, ...change }).find(
      (finding) => finding.id === id && finding.level !== 'ok',
    )
    expect(found?.level).toBe(level)
    expect(found?.why).not.toBe('')
    expect(found?.fix.join('')).not.toBe('')
    expect(findingsText(found === undefined ? [] : [found])).toMatch(text)
  })
})

test('services that need no service token here are one line, without those that were seen', () => {
  const found = diagnose({ ...WELL, traffic: { ...TRAFFIC, services: [seen('nova'), seen('manila')] } })
  const optional = found.filter(({ id }) => id === 'services-optional')
  expect(optional.map(({ level, what }) => [level, what])).toEqual([
    ['ok', 'Sent no service token so far, and need none here: Glance, Cinder, Masakari.'],
  ])
})

describe('a service is known by the name of its user', () => {
  const CASES: readonly (readonly [string, string, boolean])[] = [
    ['service-nova', 'nova', true],
    ['service-nova', 'svc-nova', true],
    ['service-nova', 'nova_service', true],
    ['service-nova', 'novakova', false],
    ['service-cinder-backup', 'cinder', true],
    ['service-cinder-backup', 'cinderguard', false],
  ]
  test.each(CASES)('%s, %s: %s', (id, userName, expected) => {
    const found = diagnose({ ...WELL, traffic: { ...TRAFFIC, services: [seen(userName)] } })
    expect(found.find((finding) => finding.id === id)?.level === 'ok').toBe(expected)
  })
  test('but never the gateway itself', () => {
    const traffic = { ...TRAFFIC, services: [{ ...seen('nova'), userId: ACCOUNT.userId }] }
    expect(diagnose({ ...WELL, traffic }).find(({ id }) => id === 'service-nova')?.level).toBe('warning')
  })
})

describe('what was fixed', () => {
  test('is no finding', () => {
    const { level } = diagnose({ ...WELL, ...withRow('service_token_missing', { blocks: false }) }).find(
      ({ id }) => id === 'service-token-missing',
    ) ?? { level: 'ok' }
    expect(level).toBe('ok')
  })
})

describe("others' tokens may be checked", () => {
  const CASES: readonly (readonly [string, Partial<Survey>, RegExp])[] = [
    ['as was tried', {}, /that of alice/],
    ['as the gateway does', { validated: null }, /the gateway did/],
    ["by Keystone's defaults", roles('Admin'), /By Keystone's defaults/],
  ]
  test.each(CASES)('%s', (_name, change, text) => {
    const found = diagnose({ ...WELL, ...change }).find(({ id }) => id === 'token-validation')
    expect([found?.level, found?.what]).toEqual(['ok', expect.stringMatching(text)])
  })
})

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

const NOVA = { userId: 'n', userName: 'nova', roles: ['service'], count: 3, last: 'today', addresses: [] }
const TRAFFIC: ReadinessReport = {
  mode: 'observe',
  since: '',
  guarded: 4,
  ready: true,
  advice: '',
  rows: [],
  services: [NOVA],
  others: 0,
}
const NOW = Date.parse('2026-11-23T00:00:00Z')
const WELL: Survey = {
  config: config(),
  own: {
    userName: 'cinderguard',
    roles: ['service'],
    catalog: [
      { type: 'volumev3', endpoints: [{ interface: 'public', region: 'R', url: 'http://gw:8776/v3' }] },
    ],
  },
  cinder: { maximum: [3, 59] },
  nova: { endpoint: 'http://nova/v2.1', maximum: [2, 90] },
  clockAhead: 0.2,
  upstreamSeenAt: [],
  certificates: [],
  traffic: TRAFFIC,
  policyFiles: ['/etc/cinder/policy.yaml'],
  now: NOW,
}
const row = (reason: ReportRow['reason']): ReportRow => ({
  verdict: 'observed',
  caller: 'service-without-token',
  operation: 'volume-detach',
  reason,
  rule: null,
  userId: 'u',
  userName: 'alice',
  projectId: 'p',
  address: '192.0.2.9',
  userAgent: 'python-cinderclient',
  count: 2,
  first: '',
  last: '',
  hint: null,
  blocks: true,
})
const withRow = (reason: ReportRow['reason']): Partial<Survey> => ({
  traffic: { ...TRAFFIC, rows: [row(reason)] },
})
const certificate = (days: number): Partial<Survey> => ({
  certificates: [{ of: 'Keystone', host: 'keystone', validTo: NOW + days * 86_400_000 }],
})
const catalogAt = (url: string): Partial<Survey> => ({
  own: {
    userName: 'cinderguard',
    roles: ['service'],
    catalog: [{ type: 'volumev3', endpoints: [{ interface: 'public', region: 'R', url }] }],
  },
})

test('where all is well there is nothing to do', () => {
  const findings = diagnose(WELL)
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
  expect(findingsText(findings)).toMatch(/\n\nNothing to do\.\n$/)
})

describe('each finding has its reason and its remedy', () => {
  const CASES: readonly (readonly [string, Partial<Survey>, string, Level, RegExp])[] = [
    [
      'Keystone is away',
      { own: { problem: 'ECONNREFUSED' } },
      'keystone',
      'error',
      /auth_url = http:\/\/keystone:5000/,
    ],
    [
      'the account has no service role',
      { own: { userName: 'cg', roles: ['member'], catalog: [] } },
      'service-role',
      'error',
      /openstack role add --project service --user cg service/,
    ],
    [
      'no service token is sent to Nova',
      { config: config({ 'service_user.send_service_user_token': 'false' }) },
      'service-user',
      'warning',
      /send_service_user_token = true/,
    ],
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
      'Cinder is open to others',
      { upstreamSeenAt: ['192.0.2.5'] },
      'upstream-reachable',
      'error',
      /192\.0\.2\.5:18776/,
    ],
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
      /nova\.conf on 192\.0\.2\.9[\s\S]*send_service_user_token = true/,
    ],
    [
      'a service has no service role',
      withRow('service_role_required'),
      'service-role-required',
      'error',
      /role add/,
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
      /remove volume/,
    ],
    ['nothing was seen', { traffic: { problem: 'no gateway' } }, 'traffic', 'warning', /--audit-log/],
    [
      'users are trusted',
      { config: config({ 'cinderguard.trusted_service_users': 'a,b' }) },
      'trusted-service-users',
      'warning',
      /a debt/,
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
  ]
  test.each(CASES)('%s', (_name, change, id, level, text) => {
    const found = diagnose({ ...WELL, ...change }).find(
      (finding) => finding.id === id && finding.level !== 'ok',
    )
    expect(found?.level).toBe(level)
    expect(found?.why).not.toBe('')
    expect(findingsText(found === undefined ? [] : [found])).toMatch(text)
  })
})

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, USERS, VOLUMES } from '../../src/demo/fixture.ts'
import { METRICS } from '../../src/record/metrics-table.ts'
import { PROCESS_METRICS } from '../../src/record/process-metrics.ts'
import { GatewayProcess } from '../support/process.ts'
import { type Alert, Prometheus } from '../support/prometheus.ts'
import { ensure } from './lab/install.ts'

const DEPLOY = 'deploy/prometheus'
const TLS = join(import.meta.dirname, '../support/tls')
const rules = ['rules.yaml', 'alerts.yaml'].map((name) => readFileSync(join(DEPLOY, name), 'utf8')).join('\n')
const ALERTS = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '')
const RECORDS = [...rules.matchAll(/- record: (\S+)/g)].map(([, name]) => name ?? '')

beforeAll(() => void ensure(['prometheus', 'openssl']))

/** @returns what it says; the error of one that fails has it too. */
function promtool(args: readonly string[], input = ''): string {
  return execFileSync('promtool', args, { input, encoding: 'utf8', stdio: 'pipe' })
}

describe('promtool', () => {
  test('finds nothing wrong with the rules', () => {
    const files = ['rules.yaml', 'alerts.yaml'].map((name) => join(DEPLOY, name))
    expect(promtool(['check', 'rules', '--lint-fatal', ...files])).toContain('SUCCESS')
  })

  test('sees each alert fire on its cause and not before, and each recording rule right', () => {
    const files = ['tests.yaml', 'tests-weeks.yaml'].map((name) => join(DEPLOY, name))
    expect(promtool(['test', 'rules', ...files]).match(/SUCCESS/g)).toHaveLength(2)
    const text = files.map((file) => readFileSync(file, 'utf8')).join('')
    for (const name of ALERTS) expect(text).toMatch(new RegExp(`alertname: ${name}\\s+exp_alerts:`))
    for (const name of RECORDS) expect(text).toContain(`expr: ${name}`)
  })
})

describe('a real Prometheus on three gateways', () => {
  let cloud: Cloud
  let folder: string
  let prometheus: Prometheus
  let policyFile: string
  const gateways: GatewayProcess[] = []
  let urls: Readonly<Record<'one' | 'two' | 'three', { url: string; admin: string }>>

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cinderguard-alerts-'))
    cloud = await startCloud()
    policyFile = join(folder, 'policy.yaml')
    // No rules: the same policy as without the file.
    writeFileSync(policyFile, '')
    const start = (options: Readonly<Record<string, string>>) => {
      const begun = new GatewayProcess(cloud, { readiness_interval: '0.5', ...options })
      gateways.push(begun)
      return begun.listening()
    }
    const [one, two, three] = await Promise.all([
      start({}),
      start({
        workers: '2',
        audit_log: '/dev/full',
        'oslo_policy.policy_file': policyFile,
        'policy.reload_interval': '0.2',
        admin_tls_cert_file: endingSoon(folder),
        admin_tls_key_file: join(TLS, 'server.key'),
      }),
      start({ mode: 'observe', trusted_service_users: USERS.bob }),
    ])
    urls = { one, two, three }
    prometheus = await Prometheus.start([
      { instance: 'one', url: one.admin },
      { instance: 'two', url: two.admin, caFile: join(TLS, 'ca.pem') },
      { instance: 'three', url: three.admin },
    ])
    // A rate needs two samples of what has not happened yet.
    const enough = 'min(count_over_time(up[1m])) >= 3 and min(up) == 1'
    await vi.waitFor(async () => expect(await prometheus.query(enough)).toHaveLength(1), {
      timeout: 15_000,
      interval: 100,
    })
  }, 60_000)
  afterAll(async () => {
    await prometheus?.end()
    for (const each of gateways) {
      const pids = workersOf(each)
      await each.end('SIGKILL')
      for (const pid of pids) killOne(pid)
    }
    await cloud?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = async (
    gateway: keyof typeof urls,
    path: string,
    user: 'alice' | 'bob' = 'alice',
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<number> => {
    const answer = await fetch(`${urls[gateway].url}/v3/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-auth-token': cloud.token(user), 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
    })
    await answer.text()
    return answer.status
  }
  const volumes = `${PROJECTS.demo}/volumes`
  const detach = (gateway: keyof typeof urls, headers: Readonly<Record<string, string>> = {}) =>
    ask(gateway, `${volumes}/${VOLUMES['in-use']}/action`, 'alice', headers, '{"os-detach": {}}')
  /** As cinderclient in a Nova calls that forgot its service token. */
  const NOVA = {
    'user-agent': 'python-cinderclient',
    'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
  }
  const named = ({ labels: { alertname, instance, job, severity: _, ...rest } }: Alert) =>
    [alertname, instance ?? job, ...Object.values(rest)].join(' ')
  const firing = async () =>
    (await prometheus.alerts())
      .filter(({ state }) => state === 'firing')
      .map(named)
      .sort()
  /** Every alert that fired so far. */
  const fired = new Set<string>()

  test('its first look shows what is so from the start, and nothing else', async () => {
    await expect
      .poll(firing, { timeout: 10_000 })
      .toEqual(['CinderguardCertificateExpires two admin', 'CinderguardOnlyObserves three'])
    for (const each of await firing()) fired.add(each.split(' ')[0] ?? '')
    expect(await prometheus.ruleProblems()).toEqual([])
  })

  /** What happens, and the alert that names it; in this order, since a service that is away stays away. */
  const FAULTS: readonly (readonly [what: string, fault: () => unknown, alerts: readonly string[]])[] = [
    ['a user attacks', async () => expect(await detach('one')).toBe(409), ['CinderguardAttackRefused one']],
    [
      'a service token is forged',
      async () => expect(await detach('one', { 'x-service-token': 'forged' })).toBe(401),
      ['CinderguardServiceTokenRefused one'],
    ],
    [
      'Nova sends no service token, in observe mode',
      async () => expect(await detach('three', NOVA)).toBe(202),
      ['CinderguardServiceTokenMissing three'],
    ],
    [
      'a trusted user calls',
      async () => expect(await ask('three', `${PROJECTS.victim}/volumes`, 'bob')).toBe(200),
      ['CinderguardTrustedUsers three'],
    ],
    [
      'the sink of decision records is full',
      async () => expect(await detach('two')).toBe(409),
      ['CinderguardDecisionRecordsLost two'],
    ],
    [
      'a worker is killed',
      () => {
        const [worker = 0] = gateways[1] === undefined ? [] : workersOf(gateways[1])
        process.kill(worker, 'SIGKILL')
      },
      ['CinderguardWorkerLost two'],
    ],
    [
      'one gateway has another policy',
      () => writeFileSync(policyFile, '"volume:delete": "role:admin"\n'),
      ['CinderguardPolicyDiffers cinderguard'],
    ],
    [
      'the next policy is broken',
      () => writeFileSync(policyFile, '"volume:delete": "role:admin and"\n'),
      ['CinderguardPolicyNotTaken two'],
    ],
    [
      'Nova is slow',
      async () => {
        cloud.nova.fault = async () => {
          await new Promise((resolve) => setTimeout(resolve, 2600))
          return false
        }
        await detach('one')
        cloud.nova.fault = undefined
      },
      ['CinderguardSlowDecisions one volume-detach'],
    ],
    [
      'Nova is away',
      () => cloud.nova.stop(),
      ['CinderguardNovaAway one', 'CinderguardNovaAway two', 'CinderguardNovaAway three'],
    ],
    [
      'Keystone is away, and nobody asks',
      () => cloud.keystone.stop(),
      ['CinderguardCannotDecide one keystone', 'CinderguardCannotDecide two keystone'],
    ],
    [
      'Keystone is away, and many ask',
      async () => {
        // For longer than two scrapes: a rate needs them.
        for (let at = 0; at < 24; at += 1) {
          expect(await ask('one', volumes)).toBe(503)
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      },
      ['CinderguardBreakerOpen one keystone', 'CinderguardErrors one'],
    ],
    ['a gateway is gone', () => gateways[2]?.end('SIGKILL'), ['CinderguardDown three']],
  ]
  test.each(FAULTS)('%s', async (_what, fault, alerts) => {
    // Volumes that an earlier one left detached.
    cloud.reset()
    await fault()
    await expect.poll(firing, { timeout: 15_000 }).toEqual(expect.arrayContaining([...alerts]))
    for (const each of alerts) fired.add(each.split(' ')[0] ?? '')
  })

  test('each alert fired, and says what happened in whole sentences', async () => {
    expect([...fired].sort()).toEqual([...ALERTS].sort())
    for (const { annotations } of await prometheus.alerts())
      for (const text of Object.values(annotations)) expect(text).toMatch(/^[^{}<>]+[.]$/)
    expect(await prometheus.ruleProblems()).toEqual([])
  })

  test('promtool finds nothing wrong with what gateways show, one process or workers over TLS', async () => {
    const plain = await (await fetch(`${urls.one.admin}/metrics`)).text()
    const tls = await read(`${urls.two.admin}/metrics`)
    for (const text of [plain, tls]) {
      expect(promtool(['check', 'metrics'], text)).toBe('')
      for (const name of ['cinderguard_stage_duration_seconds', 'process_cpu_seconds_total'])
        expect(text).toContain(`# TYPE ${name} `)
    }
  })

  describe('the Grafana dashboard', () => {
    interface Panel {
      readonly title: string
      readonly description: string
      readonly targets: readonly { readonly expr: string }[]
    }
    const { panels } = JSON.parse(readFileSync('deploy/grafana/cinderguard.json', 'utf8')) as {
      readonly panels: readonly Panel[]
    }
    const NAMES = new Set([
      ...RECORDS,
      ...Object.keys(PROCESS_METRICS),
      ...Object.entries(METRICS).flatMap(([name, { type }]) =>
        type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
      ),
    ])

    test.each(panels.map((panel) => [panel.title, panel] as const))(
      '%s asks for metrics that exist, in a way that Prometheus understands',
      async (_title, { targets, description }) => {
        expect(description).not.toBe('')
        let found = 0
        for (const { expr } of targets) {
          const used = expr.match(/\b(?:cinderguard[_:]|process_|nodejs_)[a-z0-9_:]+/g) ?? []
          expect(used.filter((name) => !NAMES.has(name))).toEqual([])
          const asked = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '5m')
          found += (await prometheus.query(asked)).length
        }
        expect(found).toBeGreaterThan(0)
      },
    )
  })
})

function workersOf({ child }: GatewayProcess): readonly number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' })
  return stdout.trim().split('\n').filter(Boolean).map(Number)
}

/** A process that may have ended already. */
function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

/** A certificate file whose chain holds one that ends in five days. @returns its path. */
function endingSoon(folder: string): string {
  const [short, file] = [join(folder, 'short.pem'), join(folder, 'admin.pem')]
  const subject = ['-subj', '/CN=ends soon', '-days', '5', '-nodes', '-newkey', 'ec']
  const curve = ['-pkeyopt', 'ec_paramgen_curve:prime256v1']
  execFileSync(
    'openssl',
    ['req', '-x509', ...subject, ...curve, '-keyout', join(folder, 'short.key'), '-out', short],
    { stdio: 'pipe' },
  )
  writeFileSync(file, readFileSync(join(TLS, 'server.pem'), 'utf8') + readFileSync(short, 'utf8'))
  return file
}

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca: readFileSync(join(TLS, 'ca.pem')) }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      resolve(Buffer.concat(chunks).toString())
    }).on('error', reject)
  })
}

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Draft, Outcome } from '../../src/gateway.ts'
import { type Rejection, reject } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import type { Operation } from '../../src/operation/operation.ts'
import { ALERTED, createMetrics, type Metrics } from '../../src/record/metrics.ts'
import { REFERENCE, renderMetrics } from '../../src/record/metrics-reference.ts'
import { LABELS, METRICS, type MetricRow } from '../../src/record/metrics-table.ts'
import { PROCESS_METRICS } from '../../src/record/process-metrics.ts'
import { alice, nova } from '../identity/identities.ts'

const request = {} as unknown as GuardedRequest
const detach: Operation = {
  kind: 'volume-detach',
  volumeId: 'v',
  attachmentId: 'a',
  nullBody: false,
  projectInUrl: 'demo',
  version: '3.27',
}

function outcome(draft: Draft, rejection: Rejection | null, status: number): Outcome {
  const envelope = { requestId: 'req-1', method: 'POST', accept: '' }
  return {
    envelope,
    draft,
    rejection,
    observed: null,
    caller: draft.identity?.isService === true ? 'service' : 'user',
    status,
    decisionSeconds: 0.01234,
    totalSeconds: 0.2,
    mode: 'enforce',
    stages: { read: 0, authenticate: 0, classify: 0, check: 0, forward: 0 },
  }
}
const refused = outcome(
  { request, identity: alice, operation: detach },
  reject('attachment_in_use', { server: 's' }),
  409,
)
const passed = outcome({ request, identity: nova, operation: detach }, null, 202)

/** All samples but the buckets. */
async function samples({ registry }: Metrics): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter((line) => !/^#|_bucket\{|^$/.test(line))
}

test('they count what became of requests', async () => {
  const metrics = createMetrics('1.2.3')
  metrics.observe(refused)
  metrics.observe(passed)
  metrics.observe({ ...passed, stages: { ...passed.stages, read: 0.001, check: 0.004, forward: 0.15 } })
  metrics.call('nova', 'error', 0.5)
  metrics.breaker('nova', true)
  metrics.tokenLookup('joined')
  metrics.decisionRecord('dropped')
  metrics.certificate('admin', 1_800_000_000_000)
  for (const change of [1, 1, -1] as const) metrics.inFlight(change)
  metrics.ready('nova', false)
  metrics.ready('cinder', true)
  const lines = (await samples(metrics)).filter((line) => !/(?:refusals|user_requests)_total.* 0$/.test(line))
  expect(lines).toEqual([
    'cinderguard_requests_total{operation="volume-detach",verdict="refused",status="409",service="false"} 1',
    'cinderguard_requests_total{operation="volume-detach",verdict="forwarded",status="202",service="true"} 2',
    'cinderguard_refusals_total{operation="volume-detach",reason="attachment_in_use",status="409"} 1',
    'cinderguard_requests_in_flight 1',
    expect.stringMatching(/^cinderguard_decision_duration_seconds_sum\{operation="volume-detach"\} 0\.037/),
    'cinderguard_decision_duration_seconds_count{operation="volume-detach"} 3',
    expect.stringMatching(/^cinderguard_request_duration_seconds_sum\{operation="volume-detach"\} 0\.6/),
    'cinderguard_request_duration_seconds_count{operation="volume-detach"} 3',
    'cinderguard_stage_duration_seconds_sum{stage="read"} 0.001',
    'cinderguard_stage_duration_seconds_count{stage="read"} 1',
    'cinderguard_stage_duration_seconds_sum{stage="check"} 0.004',
    'cinderguard_stage_duration_seconds_count{stage="check"} 1',
    'cinderguard_stage_duration_seconds_sum{stage="forward"} 0.15',
    'cinderguard_stage_duration_seconds_count{stage="forward"} 1',
    'cinderguard_dependency_duration_seconds_sum{service="nova",outcome="error"} 0.5',
    'cinderguard_dependency_duration_seconds_count{service="nova",outcome="error"} 1',
    'cinderguard_dependency_ready{service="nova"} 0',
    'cinderguard_dependency_ready{service="cinder"} 1',
    'cinderguard_dependency_breaker_open{service="keystone"} 0',
    'cinderguard_dependency_breaker_open{service="nova"} 1',
    'cinderguard_dependency_breaker_open{service="cinder"} 0',
    'cinderguard_dependency_breaker_open{service="policy"} 0',
    'cinderguard_token_lookups_total{result="joined"} 1',
    'cinderguard_decision_records_total{result="written"} 0',
    'cinderguard_decision_records_total{result="dropped"} 1',
    'cinderguard_decision_records_total{result="failed"} 0',
    'cinderguard_certificate_expiry_timestamp_seconds{certificate="admin"} 1800000000',
    'cinderguard_workers 0',
    'cinderguard_workers_lost_total 0',
    `cinderguard_build_info{version="1.2.3",node="${process.version}"} 1`,
  ])
})

test('durations are counted below each bound', async () => {
  const metrics = createMetrics('1')
  for (const decisionSeconds of [0.0003, 0.001, 0.0011, 2, 99])
    metrics.observe({ ...passed, decisionSeconds })
  const buckets = (await metrics.registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('cinderguard_decision_duration_seconds_bucket'))
    .map((line) => /le="([^"]+)".* (\d+)$/.exec(line)?.slice(1).join(': '))
  expect(buckets).toEqual([
    ...['0.0001: 0', '0.00025: 0', '0.0005: 1', '0.001: 2', '0.0025: 3', '0.005: 3', '0.01: 3', '0.025: 3'],
    ...['0.05: 3', '0.1: 3', '0.25: 3', '0.5: 3', '1: 3', '2.5: 4', '5: 4', '10: 4', '+Inf: 5'],
  ])
})

test('what alerts wait for begins at nought, so that the first of them is an increase', async () => {
  const lines = await samples(createMetrics('1'))
  for (const [reason, operations] of Object.entries(ALERTED))
    for (const operation of operations)
      for (const name of ['refusals', 'would_be_refusals'])
        expect(lines).toContainEqual(
          expect.stringMatching(
            `^cinderguard_${name}_total\\{operation="${operation}",reason="${reason}",status="\\d+"\\} 0$`,
          ),
        )
})

test('every reason that an alert names is one of those that begin at nought', () => {
  const named = [...readFileSync('deploy/prometheus/alerts.yaml', 'utf8').matchAll(/reason=~?"([a-z_|]+)"/g)]
  const reasons = named.flatMap(([, reasons]) => reasons?.split('|') ?? [])
  expect([...new Set(reasons)].sort()).toEqual(Object.keys(ALERTED).sort())
})

test('the policy in force, and what became of those before, is read with each scrape', async () => {
  const metrics = createMetrics('1')
  let problem: string | null = null
  const history = { taken: 1, refused: 0, takenAt: 1_700_000_000_500 }
  metrics.policy({
    identity: () => ({ version: 7, digest: 'abc' }),
    problem: () => problem,
    history: () => history,
  })
  const found = async () => (await samples(metrics)).filter((line) => line.startsWith('cinderguard_policy'))
  expect(await found()).toEqual([
    'cinderguard_policy_info{version="7",digest="abc"} 1',
    'cinderguard_policy_up_to_date 1',
    'cinderguard_policy_loads_total{result="taken"} 1',
    'cinderguard_policy_loads_total{result="refused"} 0',
    'cinderguard_policy_loaded_timestamp_seconds 1700000000.5',
  ])
  problem = 'broken'
  history.refused = 2
  expect((await found()).slice(1, 4)).toEqual([
    'cinderguard_policy_up_to_date 0',
    'cinderguard_policy_loads_total{result="taken"} 1',
    'cinderguard_policy_loads_total{result="refused"} 2',
  ])
})

test('of two gateways in one process are apart, but for those of the process', async () => {
  const [one, two] = [createMetrics('1'), createMetrics('2')]
  for (const each of [one, two]) each.process()
  one.observe(refused)
  expect(await two.registry.metrics()).not.toMatch(/operation="volume-detach".* [1-9]/)
  for (const each of [one, two])
    expect(await each.registry.metrics()).toMatch(/^process_resident_memory_bytes [1-9]/m)
})

describe('the table', () => {
  const rows = Object.entries<MetricRow>(METRICS)

  test('is what the registry has', () => {
    const metrics = createMetrics('1')
    metrics.policy({
      identity: () => ({ version: null, digest: 'd' }),
      problem: () => null,
      history: () => ({ taken: 1, refused: 0, takenAt: 0 }),
    })
    metrics.logLines(() => 0)
    metrics.process()
    const found = metrics.registry.getMetricsAsArray().map(({ name, type }) => [name, String(type)])
    const own = rows.map(([name, { type }]) => [name, type])
    expect(found.filter(([name]) => name?.startsWith('cinderguard_')).sort()).toEqual(own.sort())
    expect(found.map(([name]) => name).filter((name) => !name?.startsWith('cinderguard_'))).toEqual(
      Object.keys(PROCESS_METRICS),
    )
  })

  test.each(rows)('%s is named as Prometheus does, and explained', (name, { type, help }) => {
    expect(name).toMatch(/^cinderguard_[a-z_]+[a-z]$/)
    expect(name.endsWith('_total')).toBe(type === 'counter')
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(help).toMatch(/^[0-9A-Z].*\.$/)
  })

  test('knows every label that is used, and no other', () => {
    const used = new Set(rows.flatMap(([, { labels = [] }]) => labels))
    expect([...used].sort()).toEqual(Object.keys(LABELS).sort())
  })

  test(`${REFERENCE} is current (node src/record/metrics-reference.ts --write)`, () => {
    expect(readFileSync(REFERENCE, 'utf8')).toBe(renderMetrics())
  })
})

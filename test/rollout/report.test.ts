import { describe, expect, test } from 'vitest'
import { reportText } from '../../src/commands/report.ts'
import type { Outcome } from '../../src/gateway.ts'
import { type Rejection, reject } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import type { Identity } from '../../src/identity/identity.ts'
import type { CallerKind } from '../../src/rollout/caller.ts'
import { Report } from '../../src/rollout/report.ts'
import { StageClock } from '../../src/stage-clock.ts'
import { alice, nova } from '../identity/identities.ts'

const TIME = Date.parse('2026-11-23T10:00:00Z')
const IN_USE = reject('attachment_in_use', { server: 'S' })
const MISSING = reject('service_token_missing', { server: 'S' })

function outcome(
  identity: Identity,
  observed: Rejection | null,
  caller: CallerKind,
  agent = 'curl',
): Outcome {
  const request = {
    headers: new Map([['user-agent', agent]]),
    clientAddress: '192.0.2.1',
  } as unknown as GuardedRequest
  return {
    envelope: { requestId: 'req-1', method: 'POST', accept: '' },
    draft: {
      request,
      identity,
      operation: {
        kind: 'volume-detach',
        volumeId: 'V',
        attachmentId: null,
        nullBody: false,
        projectInUrl: null,
        version: '3.0',
      },
    },
    rejection: null,
    observed,
    caller,
    status: 202,
    decisionSeconds: 0,
    totalSeconds: 0,
    mode: 'enforce',
    stages: new StageClock(0),
  }
}

describe('readiness to enforce', () => {
  test('is not there without traffic', () => {
    expect(new Report('observe', TIME).read()).toMatchObject({
      ready: false,
      guarded: 0,
      rows: [],
      services: [],
    })
  })

  test('is there when only what the gateway is for would be refused', () => {
    const report = new Report('observe', TIME)
    report.add(outcome(alice, IN_USE, 'user'), TIME)
    report.add(outcome(nova, null, 'service'), TIME)
    expect(report.read()).toMatchObject({
      ready: true,
      guarded: 2,
      advice: 'Nothing that should work would be refused: set [cinderguard] mode = enforce.',
      rows: [{ reason: 'attachment_in_use', blocks: false, count: 1 }],
      services: [{ userName: nova.service?.userName, count: 1, addresses: ['192.0.2.1'] }],
    })
  })

  test('is not there while a service calls without its token, which comes first', () => {
    const report = new Report('observe', TIME)
    for (let at = 0; at < 3; at += 1)
      report.add(outcome(alice, reject('policy', { rule: 'volume:get' }), 'user'), TIME)
    report.add(outcome(alice, MISSING, 'service-without-token', 'python-cinderclient'), TIME)
    const { ready, advice, rows } = report.read()
    expect(ready).toBe(false)
    expect(rows.map(({ reason, count }) => [reason, count])).toEqual([
      ['service_token_missing', 1],
      ['policy', 3],
    ])
    expect(advice).toContain(
      '2 findings stand in the way of enforcing; first: A service seems to have called',
    )
  })
})

describe('what is alike', () => {
  test('is one row, with first and last time', () => {
    const report = new Report('observe', TIME)
    report.add(outcome(alice, IN_USE, 'user'), TIME)
    report.add(outcome(alice, IN_USE, 'user'), TIME + 60_000)
    report.add(outcome(alice, IN_USE, 'user', 'other'), TIME)
    expect(report.read().rows).toMatchObject([
      { count: 2, first: '2026-11-23T10:00:00.000Z', last: '2026-11-23T10:01:00.000Z', userAgent: 'curl' },
      { count: 1, userAgent: 'other' },
    ])
  })

  test('stays bounded whatever clients send, and what is left out is counted', () => {
    const report = new Report('observe', TIME)
    for (let at = 0; at < 1500; at += 1) report.add(outcome(alice, IN_USE, 'user', `agent ${at}`), TIME)
    const { rows, others, ready } = report.read()
    expect([rows.length, others, ready]).toEqual([1000, 500, false])
  })
})

test('the report as a person reads it', () => {
  const report = new Report('observe', TIME)
  report.add(outcome(alice, MISSING, 'service-without-token', 'python-cinderclient'), TIME)
  expect(reportText(report.read()).split('\n').slice(0, 9)).toEqual([
    'Mode observe, since 2026-11-23T10:00:00.000Z: 1 guarded operations judged.',
    expect.stringMatching(/^NOT READY to enforce. 1 finding stands in the way/),
    '',
    'In the way of enforcing',
    '  1 × volume-detach: service_token_missing, only observed',
    `      by ${alice.user.userName} (user alice, project demo)`,
    '      from 192.0.2.1, python-cinderclient; 2026-11-23T10:00:00.000Z to 2026-11-23T10:00:00.000Z',
    expect.stringContaining('[service_user] send_service_user_token = true'),
    '',
  ])
})

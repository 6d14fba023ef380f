import { describe, expect, test } from 'vitest'
import { reportText } from '../../src/commands/report-text.ts'
import type { Outcome } from '../../src/gateway.ts'
import { type Reason, type Rejection, reject } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import { type Identity, withoutRole } from '../../src/identity/identity.ts'
import { cadfEvent } from '../../src/record/cadf.ts'
import { sightingIn } from '../../src/record/recorded.ts'
import type { CallerKind } from '../../src/rollout/caller.ts'
import { mergedReport } from '../../src/rollout/merge.ts'
import { reportSince } from '../../src/rollout/readiness.ts'
import { Report } from '../../src/rollout/report.ts'
import { type RowKind, sightingOf } from '../../src/rollout/sighting.ts'
import { StageClock } from '../../src/stage-clock.ts'
import { alice, nova, SERVICE, tokenOf } from '../identity/identities.ts'

const TIME = Date.parse('2026-11-23T10:00:00Z')
const MINUTE = 60_000
const DAY = 86_400_000
const IN_USE = reject('attachment_in_use', { server: 'S' })
const MISSING = reject('service_token_missing', { server: 'S' })
const POLICY = reject('policy', { rule: 'volume:get' })
const ROLELESS = { ...SERVICE, roles: ['admin'] }
const NO_ROLE: Rejection = {
  ...reject('service_role_missing', { server: 'S' }),
  detail: { server: 'S', ...withoutRole(ROLELESS, 'service') },
}

interface Seen {
  readonly identity?: Identity | undefined
  readonly refusal?: Rejection | null
  /** Refused, whatever the mode. */
  readonly enforced?: boolean
  readonly caller?: CallerKind
  readonly agent?: string
  readonly address?: string
  readonly status?: number
  readonly readable?: boolean
}

function outcome(seen: Seen): Outcome {
  const { identity = alice, refusal = null, enforced = false, caller = 'user', agent = 'curl' } = seen
  const request = {
    headers: new Map([['user-agent', agent]]),
    clientAddress: seen.address ?? '192.0.2.1',
    method: 'POST',
    path: { mount: 'v3', segments: ['p', 'volumes', 'V', 'action'] },
    body: Buffer.from('{"os-detach":{}}'),
  } as unknown as GuardedRequest
  const operation = {
    kind: 'volume-detach',
    volumeId: 'V',
    attachmentId: null,
    nullBody: false,
    projectInUrl: null,
    version: '3.0',
  } as const
  const known = 'identity' in seen && seen.identity === undefined ? {} : { identity, operation }
  return {
    envelope: { requestId: 'req-1', method: 'POST', accept: '' },
    draft: seen.readable === false ? {} : { request, ...known },
    rejection: enforced ? refusal : null,
    observed: enforced ? null : refusal,
    caller,
    status: seen.status ?? 202,
    decisionSeconds: 0,
    totalSeconds: 0,
    mode: 'enforce',
    stages: new StageClock(0),
  }
}
const NOVA: Seen = { identity: nova, caller: 'service' }
const WITHOUT: Seen = { refusal: MISSING, caller: 'service-without-token', agent: 'python-cinderclient' }
const WITHOUT_ROLE: Seen = {
  identity: { ...alice, service: ROLELESS },
  refusal: NO_ROLE,
  caller: 'service-without-role',
}

/** The report after these, each a minute after the one before unless it says when. */
function after(...seen: readonly (Seen & { readonly at?: number })[]): Report {
  const report = new Report('observe', TIME)
  seen.forEach((each, at) => {
    report.add(sightingOf(outcome(each), each.at ?? TIME + at * MINUTE))
  })
  return report
}

describe('readiness to enforce', () => {
  const CASES: readonly (readonly [string, readonly (Seen & { at?: number })[], boolean])[] = [
    ['nothing was seen', [], false],
    ['only users were seen', [{ refusal: IN_USE }], false],
    ['a service detached with a good token', [NOVA, { refusal: IN_USE }], true],
    [
      'a trusted user did',
      [{ identity: { ...alice, isService: true, isTrustedUser: true }, caller: 'trusted-user' }],
      true,
    ],
    ['a service calls without its token', [NOVA, { ...WITHOUT, address: '192.0.2.9' }], false],
    ['a service without the role', [NOVA, { ...WITHOUT_ROLE, address: '192.0.2.9' }], false],
    [
      'a token that the gateway does not know, and Cinder does',
      [NOVA, { refusal: reject('invalid_user_token') }],
      false,
    ],
    ['a token that neither knows', [NOVA, { refusal: reject('invalid_user_token'), status: 401 }], true],
    ['what Cinder does, and policy refuses', [NOVA, { refusal: POLICY }], false],
    ['what both refuse by policy', [NOVA, { refusal: POLICY, status: 403 }], true],
    ['what policy refuses when enforced', [NOVA, { refusal: POLICY, status: 403, enforced: true }], true],
  ]
  test.each(CASES)('%s', (_name, seen, ready) => {
    expect(after(...seen).read().ready).toBe(ready)
  })

  test('says what to do first, services first', () => {
    const { advice, rows } = after({ refusal: POLICY }, { refusal: POLICY }, WITHOUT, NOVA).read()
    expect(rows.map(({ reason, count }) => [reason, count])).toEqual(
      [
        ['policy', 2],
        ['service_token_missing', 1],
      ].toSorted() as never,
    )
    expect(advice).toContain('Rule volume:get refuses it')
  })
})

describe('what never stands in the way', () => {
  const bad = reject('invalid_service_token')
  const CASES: readonly (readonly [string, Seen, RowKind])[] = [
    [
      'one odd request',
      {
        refusal: reject('bad_request_framing', { problem: '' }),
        enforced: true,
        readable: false,
        status: 400,
      },
      'unreadable',
    ],
    [
      'a body that is too large',
      { refusal: reject('body_too_large', { explanation: '' }), enforced: true, status: 413 },
      'unreadable',
    ],
    ['a forged service token', { identity: undefined, refusal: bad, caller: 'unknown' }, 'intended'],
    ...(['keystone', 'nova', 'cinder', 'policy'] as const).map(
      (service): readonly [string, Seen, RowKind] => [
        `${service} was away`,
        { refusal: reject(`${service}_unavailable` as Reason & 'undecided') },
        'outage',
      ],
    ),
    ['no decision in time', { refusal: reject('undecided') }, 'outage'],
    ['Cinder was away', { refusal: reject('upstream_unreachable'), enforced: true, status: 502 }, 'outage'],
  ]
  test.each(CASES)('%s', (_name, seen, kind) => {
    const { ready, rows } = after(NOVA, seen).read()
    expect([rows.map((row) => row.kind), ready]).toEqual([[kind], true])
  })

  test('but a service token that is refused, of what looks like a service, does', () => {
    const seen: Seen = { identity: undefined, refusal: bad, caller: 'service-with-bad-token', status: 401 }
    expect(after(NOVA, { ...seen, address: '192.0.2.9' }).read().ready).toBe(false)
  })

  test('clients cannot fill up what counts', () => {
    const many = Array.from({ length: 1500 }, (_, at): Seen => ({ refusal: IN_USE, agent: `agent ${at}` }))
    const report = after(NOVA, ...many)
    expect(report.read()).toMatchObject({ others: 500, ready: true, unlisted: null })
    const services = Array.from({ length: 20 }, (_, at): Seen => ({ ...WITHOUT, agent: `nova ${at}` }))
    for (const seen of services) report.add(sightingOf(outcome({ ...seen, address: '192.0.2.9' }), TIME))
    const { rows, ready } = report.read()
    expect([rows.filter(({ blocks }) => blocks).map(({ count }) => count), ready]).toEqual([[20], false])
  })

  test('and what is beyond a thousand of them still counts, and says so', () => {
    const many = Array.from({ length: 1001 }, (_, at): Seen => ({ ...WITHOUT, address: `192.0.2.${at}` }))
    const found = reportSince(after(NOVA, ...many).read(), new Date(TIME + 1001 * MINUTE).toISOString())
    expect(found).toMatchObject({ ready: false, unlisted: { count: 1 } })
    expect(found.advice).toBe(
      '1 refusals that block enforcement are not listed, the last at 2026-11-24T02:41:00.000Z: see the decision records.',
    )
  })
})

describe('the report turns clean', () => {
  const CASES: readonly (readonly [string, readonly (Seen & { at?: number })[], boolean])[] = [
    ['a good token from the same address', [WITHOUT, NOVA], true],
    ['from another address', [WITHOUT, { ...NOVA, address: '192.0.2.2' }], false],
    ['and then again none', [WITHOUT, NOVA, WITHOUT], false],
    ['an address that sends both', [NOVA, WITHOUT, NOVA], false],
    ['and for a day good ones only', [NOVA, WITHOUT, { ...NOVA, at: TIME + 2 * DAY }], true],
    [
      'an address that is not known',
      [
        { ...WITHOUT, address: '' },
        { ...NOVA, address: '' },
      ],
      false,
    ],
    ['the role was given, wherever it is used', [WITHOUT_ROLE, { ...NOVA, address: '192.0.2.2' }], true],
    [
      'another service has it',
      [WITHOUT_ROLE, { ...NOVA, identity: { ...nova, service: tokenOf({ userId: 'x' }) } }],
      false,
    ],
    [
      'a bad token, then a good one',
      [
        { identity: undefined, refusal: reject('invalid_service_token'), caller: 'service-with-bad-token' },
        NOVA,
      ],
      true,
    ],
    ["a user's same operation goes well", [NOVA, { refusal: reject('invalid_user_token') }, {}], true],
    [
      'that of another user',
      [
        NOVA,
        { refusal: reject('invalid_user_token') },
        { ...NOVA, identity: { ...nova, user: tokenOf({ userId: 'bob' }) } },
      ],
      false,
    ],
    ['a policy rule is not judged by other requests', [NOVA, { refusal: POLICY }, {}], false],
  ]
  test.each(CASES)('%s', (_name, seen, ready) => {
    const found = after(...seen).read()
    expect(found.ready).toBe(ready)
    const problem = found.rows.find(({ kind }) => kind === 'problem')
    expect([problem?.blocks, problem?.resolved !== null]).toEqual([!ready, ready])
  })

  test('with --since, which leaves out what is older', () => {
    const report = after(WITHOUT, { ...NOVA, address: '192.0.2.2', at: TIME + 2 * DAY }).read()
    expect(report.ready).toBe(false)
    expect(reportSince(report, new Date(TIME + DAY).toISOString())).toMatchObject({
      ready: true,
      since: '2026-11-24T10:00:00.000Z',
      rows: [],
      services: [{ userName: 'nova' }],
    })
  })
})

describe('what is alike', () => {
  test('is one row, with first and last time', () => {
    const rows = after({ refusal: IN_USE }, { refusal: IN_USE }, { refusal: IN_USE, agent: 'other' }).read()
      .rows
    expect(rows).toMatchObject([
      { count: 2, first: '2026-11-23T10:00:00.000Z', last: '2026-11-23T10:01:00.000Z', userAgent: 'curl' },
      { count: 1, userAgent: 'other' },
    ])
  })
})

describe('several reports added up', () => {
  test('count together, and one resolves what another saw', () => {
    const broken = after(WITHOUT, WITHOUT).read()
    const mended = after({ refusal: IN_USE }, { refusal: IN_USE }, NOVA).read()
    expect(broken.ready).toBe(false)
    expect(mergedReport([broken, mended])).toMatchObject({
      mode: 'observe',
      ready: true,
      guarded: 5,
      rows: expect.arrayContaining([
        expect.objectContaining({
          reason: 'service_token_missing',
          count: 2,
          resolved: '2026-11-23T10:02:00.000Z',
        }),
      ]),
    })
    expect(mergedReport([broken, { ...mended, mode: 'enforce' }]).mode).toBe('mixed')
  })

  test('one of itself is itself', () => {
    const report = after(WITHOUT, { refusal: POLICY }, {}, NOVA, WITHOUT_ROLE).read()
    expect(mergedReport([report])).toEqual(report)
  })
})

describe('a decision record read back', () => {
  const CASES: readonly (readonly [string, Seen])[] = [
    ['a refusal', { refusal: IN_USE }],
    ['a service without token', WITHOUT],
    ['a service without role', WITHOUT_ROLE],
    ['a service', NOVA],
    [
      'a trusted user',
      { identity: { ...alice, isService: true, isTrustedUser: true }, caller: 'trusted-user' },
    ],
    [
      'a bad token',
      { identity: undefined, refusal: reject('invalid_service_token'), caller: 'service-with-bad-token' },
    ],
    [
      'an odd request',
      { refusal: reject('bad_request_framing', { problem: '' }), enforced: true, readable: false },
    ],
  ]
  test.each(CASES)('says the same as the decision itself: %s', (_name, seen) => {
    const event = cadfEvent(outcome(seen), { id: 'i', time: TIME, observer: 'o' })
    expect(sightingIn(JSON.stringify(event))).toEqual(sightingOf(outcome(seen), TIME))
    expect(sightingIn(`Nov 23 10:00:00 host cinderguard: ${JSON.stringify(event)}`)).not.toBeNull()
  })
  test.each(['', 'half a li', '{"level":30}', '[]', 'null', '{"attachments":[{}]}'])(
    'no record: %s',
    (line) => {
      expect(sightingIn(line)).toBeNull()
    },
  )
})

test('the report as a person reads it', () => {
  expect(reportText(after(WITHOUT).read()).split('\n').slice(0, 10)).toEqual([
    'Mode observe, since 2026-11-23T10:00:00.000Z: 1 guarded operations judged.',
    expect.stringMatching(/^NOT READY to enforce. 1 finding blocks enforcement/),
    '',
    'Blocking enforcement',
    '  1 × volume-detach: service_token_missing, only observed',
    `      by ${alice.user.userName} (user alice, project demo)`,
    '      from 192.0.2.1, python-cinderclient; 2026-11-23T10:00:00.000Z to 2026-11-23T10:00:00.000Z',
    expect.stringContaining('[service_user] send_service_user_token = true'),
    '',
    'Refused as intended, or as Cinder itself refuses',
  ])
})

import { describe, expect, test } from 'vitest'
import type { Draft, Outcome } from '../../src/gateway.ts'
import { type Rejection, reject } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import { GUARDED_KINDS, type Operation } from '../../src/operation/operation.ts'
import { decisionRecord, isWorthRecording, labelOf } from '../../src/record/record.ts'
import { alice, nova } from '../identity/identities.ts'

const request = {
  method: 'POST',
  target: '/v3/demo/volumes/v/action?secret=1',
  path: { mount: 'v3', segments: ['demo', 'volumes', 'v', 'action'], query: 'secret=1' },
  headers: new Map([
    ['user-agent', 'curl/8'],
    ['x-anything', 'secret'],
  ]),
  body: Buffer.from('secret'),
  clientAddress: '192.0.2.1',
} as unknown as GuardedRequest
/** A detach without a token, which is refused before it is classified. */
const refusedEarly: GuardedRequest = {
  ...request,
  headers: new Map([['content-type', 'application/json']]),
  body: Buffer.from('{"os-detach": {}}'),
}
const detach: Operation = {
  kind: 'volume-detach',
  volumeId: 'v',
  attachmentId: 'a',
  nullBody: false,
  projectInUrl: 'demo',
  version: '3.27',
}
const other: Operation = { kind: 'other', projectInUrl: null, version: '' }
const IN_USE = reject('attachment_in_use', { server: 's' })

function outcome(draft: Draft, rejection: Rejection | null, status: number): Outcome {
  const envelope = { requestId: 'req-1', method: 'POST', accept: '' }
  return {
    envelope,
    draft,
    rejection,
    observed: null,
    mode: 'enforce',
    caller: draft.identity?.isService === true ? 'service' : 'user',
    status,
    decisionSeconds: 0.01234,
    totalSeconds: 0.2,
    stages: { read: 0.001, authenticate: 0.002, classify: 0, check: 0.00934, forward: 0 },
  }
}
const POLICY = { version: 7, digest: 'd1', layerOf: () => 'bundle' }
const refused = outcome(
  { request, identity: alice, operation: detach, policy: POLICY, check: 'detach', rules: ['volume:get'] },
  IN_USE,
  409,
)

describe('one decision record', () => {
  test('of a refusal, whole', () => {
    expect(decisionRecord(refused)).toEqual({
      request_id: 'req-1',
      upstream_request_id: null,
      verdict: 'refused',
      mode: 'enforce',
      reason: 'attachment_in_use',
      status: 409,
      operation: 'volume-detach',
      volume_id: 'v',
      attachment_id: 'a',
      server_id: 's',
      check: 'detach',
      rule: null,
      rule_layer: null,
      policy: 'd1',
      policy_version: 7,
      problem: null,
      user_id: 'alice',
      user_name: 'Alice',
      project_id: 'demo',
      is_service: false,
      caller: 'user',
      hint: 'Detach it through the Compute API: openstack server remove volume s v',
      service_user_id: null,
      service_user: null,
      client: '192.0.2.1',
      user_agent: 'curl/8',
      decision_ms: 12.34,
      total_ms: 200,
      read_ms: 1,
      authenticate_ms: 2,
      check_ms: 9.34,
    })
  })

  test('of what passed for a service', () => {
    expect(decisionRecord(outcome({ request, identity: nova, operation: detach }, null, 202))).toMatchObject({
      verdict: 'forwarded',
      reason: null,
      status: 202,
      server_id: null,
      is_service: true,
      service_user_id: 'nova',
    })
  })

  test('of a request that was not read', () => {
    const problem = 'an empty path segment'
    expect(decisionRecord(outcome({}, reject('ambiguous_target', { problem }), 400))).toMatchObject({
      operation: 'unread',
      reason: 'ambiguous_target',
      problem,
      user_id: null,
      client: null,
      user_agent: null,
    })
  })

  test('names the rule of a policy refusal', () => {
    const draft = { request, identity: alice, operation: detach, policy: POLICY }
    expect(decisionRecord(outcome(draft, reject('policy', { rule: 'volume:get' }), 403))).toMatchObject({
      rule: 'volume:get',
      rule_layer: 'bundle',
    })
  })

  test("names the operation's own rule, where that allowed it, and Cinder's request id", () => {
    const rules = ['volume:get', 'volume_extension:volume_actions:detach']
    const draft = { request, identity: alice, operation: detach, policy: POLICY, rules }
    expect(decisionRecord(outcome({ ...draft, upstreamRequestId: 'req-2' }, null, 202))).toMatchObject({
      verdict: 'forwarded',
      check: null,
      rule: 'volume_extension:volume_actions:detach',
      rule_layer: 'bundle',
      upstream_request_id: 'req-2',
    })
  })

  test('holds no secret', () => {
    const text = JSON.stringify(
      decisionRecord(outcome({ request, identity: nova, operation: detach }, IN_USE, 409)),
    )
    expect(text).not.toMatch(/secret|token/)
  })
})

test.each([
  ['a refusal', refused, true],
  ['a refusal of anything', outcome({ request, identity: alice, operation: other }, IN_USE, 409), true],
  [
    'a guarded operation that passed',
    outcome({ request, identity: alice, operation: detach }, null, 202),
    true,
  ],
  ['anything else that passed', outcome({ request, identity: alice, operation: other }, null, 200), false],
])('%s is worth a record: %#', (_what, found, expected) => {
  expect(isWorthRecording(found)).toBe(expected)
})

describe('labels are a closed set', () => {
  const drafts: readonly (readonly [label: string, draft: Draft])[] = [
    ['unread', {}],
    ['unclassified', { request }],
    ['volume-detach', { request: refusedEarly }],
    ['other', { request: { ...request, method: 'GET' } }],
    ['other', { request, identity: null, operation: other }],
    ...GUARDED_KINDS.map(
      (kind) => [kind, { request, identity: alice, operation: { ...detach, kind } as Operation }] as const,
    ),
  ]
  test.each(drafts)('%s', (label, draft) => {
    expect(labelOf(draft)).toBe(label)
  })
})

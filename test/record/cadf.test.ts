import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import type { Outcome } from '../../src/gateway.ts'
import { reject } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import { cadfEvent, isCalled, withoutFacts } from '../../src/record/cadf.ts'
import { alice, SERVICE } from '../identity/identities.ts'

const CONTEXT = { id: 'e-1', time: Date.parse('2026-11-25T10:00:00.123Z'), observer: 'gw-1' }
const FACTS: readonly (readonly [string, unknown])[] = [
  [
    '{"fact":"volume","volumeId":"v"}',
    {
      id: 'v',
      projectId: 'demo',
      userId: null,
      status: 'in-use',
      migrationStatus: null,
      view: { name: 'x' },
    },
  ],
  ['{"fact":"serverVolume","serverId":"s","volumeId":"v"}', { attachmentId: 'a', comparable: true }],
]
const outcome: Outcome = {
  envelope: { requestId: 'req-1', method: 'POST', accept: '' },
  draft: {
    request: {
      method: 'POST',
      target: '/v3/demo/volumes/v/action?secret-query',
      headers: new Map([
        ['user-agent', 'curl/8'],
        ['x-auth-token', 'secret-token'],
        ['x-openstack-request-id', 'req-1'],
      ]),
      body: Buffer.from('secret-body'),
      clientAddress: '192.0.2.1',
    } as unknown as GuardedRequest,
    identity: { ...alice, service: SERVICE, userToken: new Secret('secret-token') },
    operation: {
      kind: 'volume-detach',
      volumeId: 'v',
      attachmentId: null,
      nullBody: false,
      projectInUrl: 'demo',
      version: '3.27',
      asked: { address: '192.0.2.1', time: 0, bodyAt: () => 'secret-body' },
    },
    policy: { version: 7, digest: 'd1', layerOf: () => 'default' },
    check: 'detach',
    rules: ['volume:get', 'volume_extension:volume_actions:detach'],
    facts: { get: () => undefined, entries: () => FACTS },
  },
  rejection: reject('attachment_in_use', { server: 's' }),
  observed: null,
  mode: 'enforce',
  caller: 'user',
  status: 409,
  decisionSeconds: 0.0123,
  totalSeconds: 0.0131,
  stages: { read: 0.001, authenticate: 0.002, classify: 0.0003, check: 0.009, forward: 0 },
}

test('one whole record line', () => {
  expect(JSON.stringify(cadfEvent(outcome, CONTEXT))).toBe(
    '{"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/event","eventType":"activity","id":"e-1",' +
      '"eventTime":"2026-11-25T10:00:00.123000+0000","action":"update/os-detach","outcome":"failure",' +
      '"reason":{"reasonType":"HTTP","reasonCode":"409"},' +
      '"initiator":{"typeURI":"service/security/account/user","id":"alice","name":"Alice","project_id":"demo",' +
      '"host":{"address":"192.0.2.1","agent":"curl/8"},"request_id":"req-1","global_request_id":"req-1"},' +
      '"target":{"typeURI":"service/storage/block/volume","id":"v","attachment_id":null},' +
      '"observer":{"typeURI":"service/storage/block/gateway","id":"cinderguard","name":"gw-1"},' +
      '"attachments":[{"typeURI":"mime:application/json","name":"cinderguard:decision","content":{' +
      '"request_id":"req-1","upstream_request_id":null,"verdict":"refused","mode":"enforce",' +
      '"reason":"attachment_in_use","status":409,"operation":"volume-detach","volume_id":"v",' +
      '"attachment_id":null,"server_id":"s","check":"detach","rule":null,"rule_layer":null,"policy":"d1",' +
      '"policy_version":7,"problem":null,"user_id":"alice","user_name":"Alice","project_id":"demo",' +
      '"is_service":false,"caller":"user",' +
      '"hint":"Detach it through the Compute API: openstack server remove volume s v","service_user_id":"nova","service_user":"nova",' +
      '"client":"192.0.2.1","user_agent":"curl/8","decision_ms":12.3,"total_ms":13.1,"read_ms":1,' +
      '"authenticate_ms":2,"classify_ms":0.3,"check_ms":9,"would_be_status":409,"roles":["member"],' +
      '"user":{"domain_id":"default","scope":{"kind":"project","projectId":"demo","projectDomainId":"default"},' +
      '"is_admin_project":true},"service":{"id":"nova","name":"nova","roles":["service"]},' +
      '"rules":["volume:get","volume_extension:volume_actions:detach"],' +
      '"asked":{"kind":"volume-detach","volumeId":"v","attachmentId":null,"nullBody":false,' +
      '"projectInUrl":"demo","version":"3.27"},' +
      '"facts":[{"question":{"fact":"volume","volumeId":"v"},"answer":{"id":"v","projectId":"demo",' +
      '"userId":null,"status":"in-use","migrationStatus":null}},' +
      '{"question":{"fact":"serverVolume","serverId":"s","volumeId":"v"},' +
      '"answer":{"attachmentId":"a","comparable":true}}],"facts_left_out":0}}]}',
  )
})

test('of what passed: the rule that allowed it, as CADF says it', () => {
  const { rejection: _, ...rest } = outcome
  const passed = cadfEvent({ ...rest, rejection: null, status: 202 }, CONTEXT)
  expect(passed).toMatchObject({
    outcome: 'success',
    reason: {
      reasonCode: '202',
      policyType: 'oslo.policy',
      policyId: 'volume_extension:volume_actions:detach',
    },
  })
})

test('without its facts it is short', () => {
  const [attachment] = withoutFacts(cadfEvent(outcome, CONTEXT)).attachments as { content: object }[]
  expect(attachment?.content).toMatchObject({ facts: [], facts_left_out: 2, reason: 'attachment_in_use' })
})

test('what has no limit elsewhere has one here: texts of a client, and facts', () => {
  const attachmentId = '\u{e000}'.repeat(38_000)
  const operation = { ...outcome.draft.operation, attachmentId } as NonNullable<Outcome['draft']['operation']>
  const many = Array.from({ length: 1000 }, () => ({ id: attachmentId.slice(0, 36) }))
  const facts = { get: () => undefined, entries: () => [...FACTS, ['{"fact":"attachments"}', many] as const] }
  const rejection = reject('schema_violation', { problem: attachmentId })
  const event = cadfEvent({ ...outcome, draft: { ...outcome.draft, operation, facts }, rejection }, CONTEXT)
  expect(JSON.stringify(event).length).toBeLessThan(16_384)
  const [attachment] = event.attachments as { content: Record<string, unknown> }[]
  expect(attachment?.content).toMatchObject({
    problem: `${attachmentId.slice(0, 512)}…`,
    attachment_id: `${attachmentId.slice(0, 512)}…`,
    facts: [{ question: { fact: 'volume' } }, { question: { fact: 'serverVolume' } }],
    facts_left_out: 1,
  })
})

describe('is found by', () => {
  const event = cadfEvent({ ...outcome, draft: { ...outcome.draft, upstreamRequestId: 'req-2' } }, CONTEXT)
  test.each([
    ["the gateway's id of the request, which is Cinder's global one", 'req-1', true],
    ["the id of Cinder's answer", 'req-2', true],
    ['its own id', 'e-1', true],
    ['no other', 'req-3', false],
  ])('%s', (_name, id, found) => {
    expect(isCalled(event, id)).toBe(found)
  })
})

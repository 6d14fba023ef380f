import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CadfEvent } from '../../src/record/cadf.ts'
import { OPERATIONS, SITUATIONS } from './cases.ts'
import { exchange } from './exchange.ts'
import type { LabUser } from './lab/accounts.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** Decision records, as the gateway writes them into a file, are events to OpenStack's own pycadf. */
const SCRIPT = join(import.meta.dirname, 'lab/python/cadf_events.py')
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-cadf-'))
const file = join(folder, 'decisions.log')
const AGENT = { 'user-agent': 'python-cinderclient' }

const AS_NOVA = {
  ...AGENT,
  'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
}

interface Judged {
  /** Parts of the event that pycadf calls invalid. */
  readonly invalid: readonly string[]
  /** Keys for which pycadf has no place, by part. */
  readonly others: Readonly<Record<string, readonly string[]>>
  /** Those of the initiator that keystonemiddleware's audit filter does not write, either. */
  readonly beyond_audit: readonly string[]
  /** Without them, ours is what pycadf writes. */
  readonly same: boolean
  readonly ours: unknown
  readonly theirs: unknown
  /** Seconds from UTC, by pycadf's own format of times. */
  readonly offset: number
  /** Ids of which pycadf says that they should be UUIDs. */
  readonly not_uuids: readonly string[]
}
interface Row {
  readonly operation: string
  readonly situation?: string
  readonly by: LabUser
  /** Instead of one of his. */
  readonly token?: string
  readonly service?: LabUser
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  readonly event: object
  /** What the initiator has beside pycadf's own keys. */
  readonly initiator?: readonly string[]
}
const IN_USE = 'Nova uses this attachment'
const ROWS: Readonly<Record<string, Row>> = {
  'a refusal by the safety check': {
    ...{ operation: 'os-detach', by: 'member', status: 409 },
    event: { action: 'update/os-detach', outcome: 'failure', reason: { reasonCode: '409' } },
  },
  'a refusal by a policy rule': {
    ...{ operation: 'os-force_detach', by: 'member', status: 403 },
    event: {
      outcome: 'failure',
      reason: {
        reasonCode: '403',
        policyType: 'oslo.policy',
        policyId: 'volume_extension:volume_admin_actions:force_detach',
      },
    },
  },
  'what passed': {
    ...{ operation: 'os-detach', situation: 'volume not attached to the instance' },
    ...{ by: 'member', status: 202 },
    event: {
      outcome: 'success',
      reason: { reasonCode: '202', policyId: 'volume_extension:volume_actions:detach' },
    },
  },
  "a service's own, by a request id of Nova": {
    ...{ operation: 'attachment delete', by: 'member', service: 'nova', headers: AS_NOVA, status: 200 },
    event: { action: 'delete', outcome: 'success', target: { typeURI: 'service/storage/block/attachment' } },
    initiator: ['project_id', 'request_id', 'global_request_id'],
  },
  'without a User-Agent': {
    ...{ operation: 'os-detach', by: 'member', headers: {}, status: 409 },
    event: { action: 'update/os-detach' },
  },
  "nobody's": {
    ...{ operation: 'os-detach', by: 'member', token: 'no-such-token', status: 401 },
    event: { action: 'update/os-detach', outcome: 'failure', initiator: { id: 'unknown' } },
    initiator: ['request_id'],
  },
}
let lab: Lab
const seen: Record<string, { event: CadfEvent; judged: Judged }> = {}

beforeAll(async () => {
  lab = await sharedLab()
  const gateway = await gatewayFor(lab, lab.urls.cinder.legacy, { 'cinderguard.audit_log': file })
  try {
    for (const [name, row] of Object.entries(ROWS)) {
      const { operation, situation = IN_USE, by, service, headers = AGENT, status } = row
      const [rows, shape] = [SITUATIONS[situation], OPERATIONS[operation]]
      if (rows === undefined || shape === undefined) throw new Error(`no such case: ${name}`)
      lab.reset(rows)
      const { token, projectId } = await lab.token(by)
      const user = row.token ?? token
      const tokens = { user, ...(service === undefined ? {} : { service: (await lab.token(service)).token }) }
      const answer = await exchange(gateway.url, projectId, shape, tokens, headers)
      expect([name, answer.status]).toEqual([name, status])
    }
  } finally {
    // The file is whole then.
    await gateway.stop()
  }
  const text = readFileSync(file, 'utf8')
  const judged = JSON.parse(
    execFileSync('/usr/bin/python3', [SCRIPT], { input: text, encoding: 'utf8' }),
  ) as Judged[]
  const events = text.trim().split('\n')
  expect([events.length, judged.length]).toEqual([Object.keys(ROWS).length, events.length])
  for (const [at, name] of Object.keys(ROWS).entries())
    seen[name] = { event: JSON.parse(events[at] ?? '') as CadfEvent, judged: judged[at] as Judged }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(Object.entries(ROWS))('%s', (name, { event, initiator = ['project_id', 'request_id'] }) => {
  const found = seen[name]
  if (found === undefined) throw new Error('not recorded')
  const { judged } = found
  expect(found.event).toMatchObject(event)
  expect([judged.invalid, judged.theirs]).toEqual([[], judged.ours])
  expect(judged).toMatchObject({ same: true, offset: 0 })
  // All that we add: what the audit filter adds to an initiator, too, and the other id of what was acted on.
  const { typeURI } = found.event.target as { typeURI: string }
  expect(judged.others).toEqual({
    initiator: [...initiator],
    target: [typeURI.endsWith('/volume') ? 'attachment_id' : 'volume_id'],
  })
  expect(judged.beyond_audit).toEqual([])
  // pycadf takes other ids with a warning; `unknown` is what the audit filter writes, too.
  expect(judged.not_uuids.filter((id) => id !== 'unknown')).toEqual(['cinderguard'])
})

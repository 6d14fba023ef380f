import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Explanation } from '../../src/explain/explain.ts'
import type { Gateway } from '../../src/serve.ts'
import { IDS, OPERATIONS, SITUATIONS } from './cases.ts'
import type { LabUser } from './lab/accounts.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** What operators ask why with, on a real cloud; and the two ways in which they let some requests by. */
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-explain-'))
const conf = join(folder, 'cinderguard.conf')
const FORCE = 'volume_extension:volume_admin_actions:force_detach'
const DETACH = 'volume_extension:volume_actions:detach'
let lab: Lab
let gateway: Gateway

beforeAll(async () => {
  lab = await sharedLab()
  gateway = await gatewayFor(lab, lab.urls.cinder.legacy)
  const address = new URL(gateway.adminUrl).host
  writeFileSync(conf, `[cinderguard]\nupstream = ${lab.urls.cinder.legacy}\nadmin_bind = ${address}\n`)
  for (const user of ['member', 'admin', 'nova'] as const)
    writeFileSync(join(folder, user), (await lab.token(user)).token)
})
beforeEach(() => fresh())
afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Nova uses the volume; and nobody was seen to execute anything. */
function fresh(): void {
  lab.reset(SITUATIONS['Nova uses this attachment'] ?? {})
  lab.clearVerdicts()
}
function expectUntouched(): void {
  expect(lab.readVerdicts(), 'executed').toEqual([])
  expect(lab.cinderRow('volumes', IDS.volume)?.status).toBe('in-use')
  expect(lab.cinderRow('volume_attachment', IDS.attachment)?.attach_status).toBe('attached')
}

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}
function cinderguard(...words: readonly string[]): Promise<Said> {
  const files = ['--config-file', lab.paths.cinderConf, '--config-file', conf]
  return new Promise((resolve) => {
    execFile('bin/cinderguard.js', [...words, ...files], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}
const tokenOf = (user: LabUser): readonly string[] => ['--token-file', join(folder, user)]

/** @returns the status, and the id by which the gateway knows the request. */
async function sent(
  operation: string,
  user: LabUser,
  by: Gateway = gateway,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; id: string }> {
  const shape = OPERATIONS[operation]
  if (shape === undefined) throw new Error('no such operation')
  const { token, projectId } = await lab.token(user)
  const answer = await request(`${by.url}/v3/${projectId}${shape.path}`, {
    method: shape.method,
    headers: {
      'x-auth-token': token,
      'openstack-api-version': 'volume 3.27',
      ...(shape.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: shape.body === undefined ? null : JSON.stringify(shape.body),
  })
  await answer.body.dump()
  return { status: answer.statusCode, id: String(answer.headers['x-openstack-request-id']) }
}

const shownOf = ({ steps }: Explanation): readonly string[] =>
  steps.map(({ stage, title, outcome }) => `${stage}: ${title}: ${outcome}`)
/** What a refused detach rests on, in whatever order it was asked for. */
const FACTS = [
  `fact: Attachments of volume ${IDS.volume}: passed`,
  `fact: Does Nova use volume ${IDS.volume} on server ${IDS.server}?: passed`,
  `fact: Volume ${IDS.volume}: passed`,
]
const JUDGED = [
  'classify: What Cinder would do: passed',
  'rule: Policy rule volume:get: passed',
  `rule: Policy rule ${DETACH}: passed`,
  "check: Cinder's policy rules, before the safety check: passed",
  'check: Safety check: no server uses the attachment (CVE-2023-2088): refused',
]
const COMMAND = `openstack server remove volume ${IDS.server} ${IDS.volume}`

describe('cinderguard explain', () => {
  test('of a refusal, by its request id: what it rested on, and that it is so by now', async () => {
    const { status, id } = await sent('os-detach', 'member')
    expect(status).toBe(409)
    const { code, out, err } = await cinderguard('explain', id, ...tokenOf('member'), '--format', 'json')
    expect([code, err]).toEqual([1, ''])
    const told = JSON.parse(out) as Explanation
    expect(told).toMatchObject({ of: 'record', status: 409, command: COMMAND, differences: [] })
    expect(shownOf(told)).toEqual(expect.arrayContaining([...JUDGED, ...FACTS]))
    expect(told.steps.at(-1)).toMatchObject({
      title: 'Refused with 409',
      details: {
        reason: 'attachment_in_use',
        'judged now': 'refused (attachment_in_use)',
        'facts read now by': expect.stringContaining('member'),
      },
    })
    expectUntouched()
  })

  test('of a refusal whose cause is gone: what was, what is, and what is not done all the same', async () => {
    const { id } = await sent('os-detach', 'member')
    lab.reset(SITUATIONS['volume not attached to the instance'] ?? {})
    const { code, out } = await cinderguard('explain', id, ...tokenOf('member'))
    expect(code).toBe(1)
    expect(out).toContain(`Decision on ${id}, and its facts as they are now\n`)
    expect(out).toMatch(/^ *\d+\. CHANGED {2}Does Nova use volume/m)
    expect(out).toContain(`Changed since:\n  Does Nova use volume ${IDS.volume} on server ${IDS.server}?`)
    expect(out).toContain('judged now: forwarded')
    expect(lab.readVerdicts(), 'executed').toEqual([])
    expect(lab.cinderRow('volume_attachment', IDS.attachment)?.attach_status).toBe('attached')
  })

  const described = async (user: LabUser): Promise<readonly string[]> => {
    const { projectId } = await lab.token(user)
    const target = `POST /v3/${projectId}/volumes/${IDS.volume}/action`
    return ['explain', '--request', target, '--body', '{"os-detach": {}}', ...tokenOf(user)]
  }
  test('of a described request: each step, each fact read live, and nothing executed', async () => {
    const words = await described('member')
    const { code, out } = await cinderguard(...words, '--format', 'json')
    const told = JSON.parse(out) as Explanation
    expect([code, told.of, told.status, told.command]).toEqual([1, 'request', 409, COMMAND])
    const shown = shownOf(told)
    const facts = shown.filter((line) => line.startsWith('fact: '))
    expect(shown.filter((line) => !facts.includes(line))).toEqual([
      'read: The request, as Cinder reads it: passed',
      'authenticate: Who asks: passed',
      ...JUDGED,
      'verdict: Would be refused with 409: refused',
    ])
    expect(facts.toSorted()).toEqual(FACTS)
    // As the rows are, not as they were.
    lab.reset(SITUATIONS['volume not attached to the instance'] ?? {})
    const idle = await cinderguard(...words)
    expect([idle.code, idle.out]).toEqual([0, expect.stringMatching(/\. ok {7}Would be forwarded$/m)])
    expect(lab.readVerdicts(), 'executed').toEqual([])
    expect(lab.cinderRow('volume_attachment', IDS.attachment)?.attach_status).toBe('attached')
  })

  test("of a described request with a service's token: it would pass, and is not executed", async () => {
    const words = [...(await described('member')), '--service-token-file', join(folder, 'nova')]
    const { code, out } = await cinderguard(...words)
    expect([code, out]).toEqual([0, expect.stringMatching(/\. ok {7}Would be forwarded$/m)])
    expect(out).toContain('treated as a service: yes')
    for (const user of ['member', 'nova'] as const) expect(out).not.toContain((await lab.token(user)).token)
    expectUntouched()
  })
})

describe('cinderguard policy, with a live token', () => {
  test.each<[LabUser, number, string]>([
    ['admin', 0, `passed  ${FORCE}  (default)\n`],
    ['member', 1, `failed  ${FORCE}  (default)\n`],
  ])('check: of %s', async (user, code, out) => {
    expect(await cinderguard('policy', 'check', '--rule', FORCE, ...tokenOf(user))).toMatchObject({
      code,
      out,
    })
  })

  test('check: of a token that Keystone does not know', async () => {
    writeFileSync(join(folder, 'nobody'), 'no-such-token')
    const said = await cinderguard('policy', 'check', '--token-file', join(folder, 'nobody'))
    expect(said).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('Keystone knows no such token'),
    })
  })

  test('explain: the rule check by check, and the decision that it refused', async () => {
    // Keystone lists roles in whatever order.
    const inOrder = ({ out, ...said }: Said): Said => ({
      ...said,
      out: out.replaceAll('["reader","member"]', '["member","reader"]'),
    })
    const explained = await cinderguard('policy', 'explain', '--rule', FORCE, ...tokenOf('member'))
    expect(explained.code).toBe(1)
    expect(inOrder(explained).out).toMatch(/role:admin {3}\[roles = \["member","reader"\]\]/)
    const { status, id } = await sent('os-force_detach', 'member')
    expect(status).toBe(403)
    expect(inOrder(await cinderguard('policy', 'explain', id))).toEqual(inOrder(explained))
    expectUntouched()
  })
})

/** As Nova calls Cinder. */
const AS_NOVA = {
  'user-agent': 'python-cinderclient',
  'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
}
async function metrics(of: Gateway, name: string): Promise<readonly string[]> {
  const text = await (await fetch(`${of.adminUrl}/metrics`)).text()
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) && !line.endsWith(' 0'))
}
async function withGateway(options: Record<string, string>, use: (it: Gateway) => Promise<void>) {
  const lenient = await gatewayFor(lab, lab.urls.cinder.legacy, options)
  try {
    await use(lenient)
  } finally {
    await lenient.stop()
  }
}

describe('mode_overrides', () => {
  type Asked = readonly [operation: string, headers: Readonly<Record<string, string>>, status: number]
  const rows: readonly (readonly [string, Record<string, string>, readonly Asked[], readonly string[]])[] = [
    [
      'one operation observed',
      { mode_overrides: 'volume-detach=observe' },
      [
        ['os-detach', {}, 202],
        ['os-terminate_connection', {}, 409],
        ['attachment delete', {}, 409],
      ],
      ['{operation="volume-detach",reason="attachment_in_use",status="409"} 1'],
    ],
    [
      'one reason observed',
      { mode_overrides: 'attachment_in_use=observe' },
      [
        ['attachment delete', {}, 200],
        // Whoever looks like a service is judged like anybody.
        ['attachment delete', AS_NOVA, 200],
      ],
      [
        '{operation="attachment-delete",reason="attachment_in_use",status="409"} 1',
        '{operation="attachment-delete",reason="service_token_missing",status="409"} 1',
      ],
    ],
    [
      'a reason goes before an operation',
      { mode_overrides: 'volume-detach=observe, attachment_in_use=enforce' },
      [
        ['os-detach', {}, 409],
        ['os-detach', AS_NOVA, 409],
      ],
      [],
    ],
    [
      'one operation enforced',
      { mode: 'observe', mode_overrides: 'volume-detach=enforce' },
      [
        ['os-detach', {}, 409],
        ['attachment delete', {}, 200],
      ],
      ['{operation="attachment-delete",reason="attachment_in_use",status="409"} 1'],
    ],
  ]
  test.each(rows)('%s, the others not', async (_name, options, asked, observed) => {
    const named = Object.entries(options).map(([name, value]) => [`cinderguard.${name}`, value])
    await withGateway(Object.fromEntries(named), async (lenient) => {
      for (const [operation, headers, status] of asked) {
        fresh()
        expect([operation, (await sent(operation, 'member', lenient, headers)).status]).toEqual([
          operation,
          status,
        ])
        // What passed here the real check refuses: it was let by, and not misjudged.
        const refused = lab.readVerdicts().map(({ allowed }) => allowed)
        if (status === 409) expectUntouched()
        else expect(refused).toEqual([false])
      }
      const name = 'cinderguard_would_be_refusals_total'
      expect(await metrics(lenient, name)).toEqual(observed.map((labels) => name + labels))
    })
  })
})

test('trusted_service_users: theirs is let through without a service token, and counted; others are refused', async () => {
  const { userId } = await lab.token('nova')
  const options = { 'cinderguard.trusted_service_users': userId }
  const name = 'cinderguard_trusted_service_user_requests_total'
  await withGateway(options, async (lenient) => {
    for (const user of ['member', 'admin'] as const)
      expect((await sent('os-detach', user, lenient)).status).toBe(409)
    expectUntouched()
    expect(await metrics(lenient, name)).toEqual([])
    expect((await sent('os-detach', 'nova', lenient)).status).toBe(202)
    // Cinder itself would not have taken it for a service.
    expect(lab.readVerdicts().map(({ allowed }) => allowed)).toEqual([false])
    expect(await metrics(lenient, name)).toEqual([`${name}{operation="volume-detach"} 1`])
  })
  fresh()
  expect((await sent('os-detach', 'nova')).status).toBe(409)
})

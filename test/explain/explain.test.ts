import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PROJECTS, SERVERS, VOLUMES } from '../../src/demo/fixture.ts'
import type { Explanation, Step } from '../../src/explain/explain.ts'
import { explanationText } from '../../src/explain/text.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** Cinder's own rules. */
const rules = compileRules(new Map())
if ('problems' in rules) throw new Error('the catalogue does not compile')

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({}, { policy: { current: () => rules } })
})
beforeEach(() => gateway.cloud.reset())
afterAll(() => gateway.stop())

const target = (volume: keyof typeof VOLUMES) => `/v3/${PROJECTS.demo}/volumes/${VOLUMES[volume]}/action`
const COMMAND = `openstack server remove volume ${SERVERS['web-1']} ${VOLUMES['in-use']}`

function detach(
  volume: keyof typeof VOLUMES,
  headers: Readonly<Record<string, string>> = {},
): Promise<Explanation> {
  return gateway.gateway.explaining.request({
    method: 'POST',
    target: target(volume),
    headers: {
      'X-Auth-Token': gateway.cloud.token('alice'),
      'Content-Type': 'application/json',
      ...headers,
    },
    body: '{"os-detach": {}}',
  })
}
/** Facts come in any order. */
const shownOf = ({ steps }: Pick<Explanation, 'steps'>) => [
  ...steps.filter(({ stage }) => stage !== 'fact').map(lineOf),
  ...steps
    .filter(({ stage }) => stage === 'fact')
    .map(lineOf)
    .sort(),
]
const lineOf = ({ stage, title, outcome }: Step) => `${stage}: ${title}: ${outcome}`

describe('of a request', () => {
  test('a refusal: who, what, the facts it rests on, each rule, and what to do instead', async () => {
    const explanation = await detach('in-use')
    expect(explanation).toMatchObject({
      of: 'request',
      status: 409,
      command: COMMAND,
      differences: [],
    })
    expect(shownOf(explanation)).toEqual([
      'read: The request, as Cinder reads it: passed',
      'authenticate: Who asks: passed',
      'classify: What Cinder would do: passed',
      'rule: Policy rule volume:get: passed',
      'rule: Policy rule volume_extension:volume_actions:detach: passed',
      "check: Cinder's policy rules, before the safety check: passed",
      'check: Safety check: no server uses the attachment (CVE-2023-2088): refused',
      'verdict: Would be refused with 409: refused',
      `fact: Attachments of volume ${VOLUMES['in-use']}: passed`,
      `fact: Does Nova use volume ${VOLUMES['in-use']} on server ${SERVERS['web-1']}?: passed`,
      `fact: Volume ${VOLUMES['in-use']}: passed`,
    ])
  })

  test('a rule is shown check by check, with what each read', async () => {
    const { steps } = await detach('in-use')
    const rule = steps.find(({ title }) => title === 'Policy rule volume_extension:volume_actions:detach')
    expect(rule).toMatchObject({
      details: { rule: 'rule:xena_system_admin_or_project_member', 'written by': "Cinder's default" },
    })
    const flat = (trace: Step['trace']): readonly unknown[] =>
      trace === undefined ? [] : [[trace.check, trace.result, trace.read], ...trace.parts.flatMap(flat)]
    expect(flat(rule?.trace)).toContainEqual([
      'project_id:%(project_id)s',
      true,
      `project_id = "${PROJECTS.demo}", target's project_id = "${PROJECTS.demo}"`,
    ])
    expect(flat(rule?.trace)).toContainEqual(['role:admin', false, 'roles = ["member","reader"]'])
  })

  test('nothing of how the gateway works inside is in it', async () => {
    expect(JSON.stringify(await detach('in-use'))).not.toMatch(/nullBody|bodyAt|"asked"|"view"/)
  })

  test('what would pass is not executed', async () => {
    const explanation = await detach('stale')
    expect([explanation.status, explanation.command]).toEqual([null, null])
    expect(explanation.steps.map(lineOf).at(-1)).toBe('verdict: Would be forwarded: passed')
    expect(gateway.cloud.attachment('stale')).toBeDefined()
  })

  test('a bad token ends it at once', async () => {
    const explanation = await detach('in-use', { 'X-Auth-Token': 'unknown' })
    expect([explanation.status, explanation.steps.map(lineOf).slice(-2)]).toEqual([
      401,
      ['authenticate: Who asks: refused', 'verdict: Would be refused with 401: refused'],
    ])
  })

  test('a dependency that is away is named', async () => {
    breakNova()
    const explanation = await detach('in-use')
    expect(explanation.status).toBe(503)
    expect(explanation.steps.at(-2)).toMatchObject({
      stage: 'fact',
      outcome: 'failed',
      details: { 'could not be read': 'nova: ECONNRESET' },
    })
  })
})

const ID = 'req-00000000-0000-4000-8000-00000000000'
let asked = 0

/** Sends a detach through the gateway. @returns the id of the answer. */
async function sent(volume: keyof typeof VOLUMES, status: number): Promise<{ own: string; answer: string }> {
  asked += 1
  const own = ID + asked
  const answer = await fetch(gateway.url + target(volume), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-auth-token': gateway.cloud.token('alice'),
      'x-openstack-request-id': own,
    },
    body: '{"os-detach": {}}',
  })
  expect(answer.status).toBe(status)
  return { own, answer: answer.headers.get('x-openstack-request-id') ?? '' }
}

async function explained(id: string, token?: string): Promise<Explanation> {
  const headers = token === undefined ? {} : { 'x-auth-token': token }
  const answer = await fetch(`${gateway.adminUrl}/api/v1/decisions/${id}/explanation`, { headers })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Explanation
}

test('of a service: it may', async () => {
  const { steps, status } = await detach('in-use', { 'X-Service-Token': gateway.cloud.token('nova') })
  expect([status, steps.at(-2)?.details]).toEqual([
    null,
    { note: 'A service asks, and may: nothing had to be known.' },
  ])
})

describe('of a decision that was made', () => {
  test('a refusal: the same steps, and each fact recorded and now', async () => {
    const { own } = await sent('in-use', 409)
    const explanation = await explained(own, gateway.cloud.token('alice'))
    expect(explanation).toMatchObject({ requestId: own, of: 'record', status: 409, command: COMMAND })
    const now = await detach('in-use')
    const inner = (found: Explanation) =>
      shownOf({ steps: found.steps.filter(({ stage }) => !/^(?:read|authenticate|verdict)$/.test(stage)) })
    expect(inner(explanation)).toEqual(inner(now))
    expect(explanation.differences).toEqual([])
    expect(explanation.steps.at(-1)).toMatchObject({
      title: 'Refused with 409',
      details: { reason: 'attachment_in_use', 'judged now': 'refused (attachment_in_use)' },
    })
  })

  test('of what passed, by the id of the answer: it is not there any more', async () => {
    const { own, answer } = await sent('stale', 202)
    expect(answer).not.toBe(own)
    const explanation = await explained(answer, gateway.cloud.token('alice'))
    expect(explanation).toMatchObject({ requestId: own, status: null, command: null })
    expect(explanation.differences).toContainEqual(
      expect.stringMatching(/^Attachments of volume .*: .+ then, none now\.$/),
    )
    const changed = explanation.steps.filter(({ outcome }) => outcome === 'changed')
    // The facts stand in the order in which they came.
    expect(changed.find(({ title }) => title.startsWith('Attachments'))?.details).toMatchObject({
      now: 'none',
    })
  })

  test('without a token the gateway looks with its own account, which here sees no other project', async () => {
    const { own } = await sent('in-use', 409)
    const { steps } = await explained(own)
    expect(steps.at(-1)?.details['facts read now by']).toMatch(
      /^nobody: the gateway's own account, cinderguard .* does not see project /,
    )
  })

  test('eyes that do not see the project say so, and take nothing for absent', async () => {
    const { own } = await sent('in-use', 409)
    const explanation = await explained(own, gateway.cloud.token('bob'))
    expect(explanation.differences).toEqual([])
    const { steps } = explanation
    expect(steps.filter(({ details }) => details.now === 'not read')).toHaveLength(3)
    // The recorded facts are judged by the rules of now.
    expect(steps.filter(({ stage }) => stage === 'rule')).toHaveLength(2)
    expect(steps.at(-1)?.details).toMatchObject({
      'judged by the rules of now': 'refused (attachment_in_use)',
      'facts read now by': expect.stringMatching(/^nobody: bob .* does not see project/),
    })
  })

  test('a service that is away leaves what was recorded', async () => {
    const { own } = await sent('in-use', 409)
    breakNova()
    const explanation = await explained(own, gateway.cloud.token('alice'))
    expect(explanation).toMatchObject({ status: 409, command: COMMAND, differences: [] })
    expect(explanation.steps.find(({ outcome }) => outcome === 'failed')).toMatchObject({
      title: expect.stringMatching(/^Does Nova use/),
      details: { recorded: expect.stringMatching(/^yes, by/), 'could not be read': 'nova: ECONNRESET' },
    })
  })

  test('nothing is executed', async () => {
    const { own } = await sent('in-use', 409)
    await explained(own, gateway.cloud.token('admin'))
    expect(gateway.cloud.attachment('in-use')).toBeDefined()
  })

  test('an id that nobody knows', async () => {
    const answer = await fetch(`${gateway.adminUrl}/api/v1/decisions/${ID}x/explanation`)
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { error: 'no such decision among the latest' },
    ])
  })
})

test('no token is in it', async () => {
  const token = gateway.cloud.token('alice')
  const service = gateway.cloud.token('nova')
  const { own } = await sent('in-use', 409)
  for (const explanation of [
    await detach('in-use', { 'X-Auth-Token': token, 'X-Service-Token': service }),
    await explained(own, token),
  ]) {
    const text = JSON.stringify(explanation) + explanationText(explanation)
    expect(text).not.toContain(token)
    expect(text).not.toContain(service)
  }
})

test('as a person reads it', async () => {
  const { own } = await sent('in-use', 409)
  const text = explanationText(await explained(own, gateway.cloud.token('alice')))
  expect(text).toContain(`Decision on ${own}, and its facts as they are now\n\n 1. ok       The request`)
  expect(text).toMatch(/^ *\d+\. REFUSED {2}Refused with 409\n {8}reason: attachment_in_use\n/m)
  expect(text).toMatch(/^ {8}true +project_id:%\(project_id\)s {3}\[project_id = "/m)
  expect(text.endsWith(`\nRun instead:\n  ${COMMAND}\n`)).toBe(true)
})

function breakNova(): void {
  gateway.cloud.nova.fault = (request) => {
    request.socket.resetAndDestroy()
    return true
  }
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { explanationText } from '../../src/commands/explain.ts'
import { PROJECTS, SERVERS, VOLUMES } from '../../src/demo/fixture.ts'
import { type Explanation, explain } from '../../src/explain/explain.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
beforeEach(() => gateway.cloud.reset())
afterAll(() => gateway.stop())

function detach(
  volume: keyof typeof VOLUMES,
  headers: Readonly<Record<string, string>> = {},
): Promise<Explanation> {
  return explain(
    {
      method: 'POST',
      target: `/v3/${PROJECTS.demo}/volumes/${VOLUMES[volume]}/action`,
      headers: {
        'X-Auth-Token': gateway.cloud.token('alice'),
        'Content-Type': 'application/json',
        ...headers,
      },
      body: '{"os-detach": {}}',
    },
    gateway.gateway.stages,
  )
}
const stagesOf = ({ steps }: Explanation) => steps.map(({ stage, what }) => `${stage} ${what}`)

describe('step by step', () => {
  test('a refusal: who, what, the facts it rests on, and what to do instead', async () => {
    const explanation = await detach('in-use')
    expect(explanation.status).toBe(409)
    const steps = stagesOf(explanation)
    const isFact = (step: string) => step.startsWith('fact')
    expect(steps.filter(isFact).sort()).toEqual(['fact attachments', 'fact serverVolume', 'fact volume'])
    expect(steps.filter((step) => !isFact(step))).toEqual([
      'read the request as Cinder reads it',
      'authenticate who asks',
      'classify what Cinder would do',
      'check rules',
      'check policy',
      'check connection',
      'check policy-between',
      'check detach',
      'verdict refused',
    ])
    expect(explanation.steps.at(-1)?.result).toMatchObject({
      status: 409,
      reason: 'attachment_in_use',
      hint: `Detach it by the Compute API: openstack server remove volume ${SERVERS['web-1']} ${VOLUMES['in-use']}`,
    })
  })

  test('what would pass is not executed', async () => {
    const explanation = await detach('stale')
    expect(explanation.status).toBeNull()
    expect(stagesOf(explanation).at(-1)).toBe('verdict forwarded')
    expect(gateway.cloud.attachment('stale')).toBeDefined()
  })

  test('a bad token ends it at once', async () => {
    const explanation = await detach('in-use', { 'X-Auth-Token': 'unknown' })
    expect([explanation.status, stagesOf(explanation).at(-2)]).toEqual([401, 'authenticate who asks'])
  })

  test('a dependency that is away is named', async () => {
    gateway.cloud.nova.fault = (request) => {
      request.socket.resetAndDestroy()
      return true
    }
    const explanation = await detach('in-use')
    expect([explanation.status, stagesOf(explanation).at(-2)]).toEqual([503, 'fact could not be had'])
  })
})

test('no token is in it', async () => {
  const token = gateway.cloud.token('alice')
  const service = gateway.cloud.token('nova')
  const explanation = await detach('in-use', { 'X-Auth-Token': token, 'X-Service-Token': service })
  const text = JSON.stringify(explanation) + explanationText(explanation)
  expect(text).not.toContain(token)
  expect(text).not.toContain(service)
})

test('as a person reads it', async () => {
  const text = explanationText(await detach('in-use'))
  expect(text).toContain('12. verdict: refused\n     status: 409\n     reason: attachment_in_use\n')
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import type { ReceivedRequest } from '../../src/demo/listener.ts'
import { traceContextOf } from '../../src/http/trace-context.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test.each([
  ['both', { traceparent: PARENT, tracestate: 'a=1,b=2' }, { traceparent: PARENT, tracestate: 'a=1,b=2' }],
  ['a later version may say more', { traceparent: `${PARENT}-x` }, { traceparent: `${PARENT}-x` }],
  ['none', {}, {}],
  ['a state alone', { tracestate: 'a=1' }, {}],
  ['two of them', { traceparent: `${PARENT}, ${PARENT}` }, {}],
  ['what is no trace', { traceparent: 'x' }, {}],
  ['bytes that no header may have', { traceparent: PARENT, tracestate: 'a=\u00e9' }, { traceparent: PARENT }],
])('the context goes on where it is well formed: %s', (_name, headers: Record<string, string>, expected) => {
  expect(traceContextOf(new Map(Object.entries(headers)))).toEqual(expected)
})

describe('of one request', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway({ 'keystone_authtoken.token_cache_time': '-1' })
  })
  beforeEach(() => {
    gateway.cloud.reset()
    for (const service of Object.values(services())) service.forget()
  })
  afterAll(() => gateway.stop())
  const services = () => ({
    keystone: gateway.cloud.keystone,
    nova: gateway.cloud.nova,
    cinder: gateway.cloud.cinder,
  })
  const SENT = { traceparent: PARENT, tracestate: 'vendor=a%2Cb, other=1' }
  const act = (volume: keyof typeof VOLUMES) =>
    fetch(`${gateway.url}/v3/${PROJECTS.demo}/volumes/${VOLUMES[volume]}/action`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-auth-token': gateway.cloud.token('alice'),
        ...SENT,
      },
      body: '{"os-detach": {}}',
    })
  const seen = ({ header }: ReceivedRequest) => ({
    traceparent: header('traceparent'),
    tracestate: header('tracestate'),
  })

  test('the context is passed on to Cinder as it came', async () => {
    expect((await act('stale')).status).toBe(202)
    const forwarded = services().cinder.requests.filter(({ method }) => method === 'POST')
    expect(forwarded.map((request) => seen(request))).toEqual([SENT])
  })

  test('it goes with each look-up, in Keystone, Cinder and Nova', async () => {
    expect((await act('in-use')).status).toBe(409)
    for (const [name, { requests }] of Object.entries(services())) {
      const lookUps = requests.filter(
        ({ method, target, header }) =>
          method === 'GET' && header('x-auth-token') && /\/(auth|volumes|attachments|servers)/.test(target),
      )
      expect([
        name,
        lookUps.length > 0,
        lookUps.map(seen).filter((each) => each.traceparent !== PARENT),
      ]).toEqual([name, true, []])
    }
  })
})

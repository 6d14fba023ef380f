import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { askRaw, lines, RawClient } from '../support/raw.ts'

/** What Node would answer by itself has an outcome too: a status, a metric, and, where there is a request, a record. */
let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
beforeEach(() => gateway.cloud.reset())
afterAll(() => gateway.stop())

async function refused(reason: string): Promise<number> {
  const text = await gateway.gateway.metrics.registry.metrics()
  const counted = text.split('\n').filter((line) => line.includes(`reason="${reason}"`))
  return counted.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
const head = (first: string, ...more: readonly string[]) =>
  lines(first, 'Host: cinder', `X-Auth-Token: ${gateway.cloud.token('alice')}`, ...more, '', '')

test('CONNECT behind a request after which the connection ends, and from a client that is gone', async () => {
  const connect = head('CONNECT cinder:8776 HTTP/1.1')
  for (const before of [head('GET /v3/# HTTP/1.1'), head('GET /v3/ HTTP/1.1', 'Host: twice')]) {
    const client = await RawClient.connect(gateway.url)
    client.send(before + connect)
    await client.rest()
    client.destroy()
  }
  const client = await RawClient.connect(gateway.url)
  client.send(connect).destroy()
  expect((await askRaw(gateway.url, head('GET /v3/volumes HTTP/1.1'))).status).toBe(200)
})

test.each([
  ['an unknown expectation', 'GET /v3/volumes HTTP/1.1', 'Expect: x', 417, 'unknown_expectation'],
  ['two expectations', 'GET /v3/volumes HTTP/1.1', 'Expect: 100-continue, x', 417, 'unknown_expectation'],
  ['CONNECT', 'CONNECT cinder:8776 HTTP/1.1', 'X: y', 400, 'bad_request_framing'],
  ['bytes that are no request', 'GET / HTTP/1.1', 'a b: c', 400, 'bad_request_framing'],
] as const)('%s', async (_name, first, extra, status, reason) => {
  const before = await refused(reason)
  expect((await askRaw(gateway.url, head(first, extra))).status).toBe(status)
  await expect.poll(() => refused(reason)).toBe(before + 1)
  expect(gateway.cloud.cinder.requests).toEqual([])
})

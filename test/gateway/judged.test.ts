import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareJudged, digest, enter, type Judging, type Ledger, startJudging } from '../fuzz/judged.ts'

/** What is judged is what the upstream reads, whatever bytes come in; here an upstream with Node's HTTP parser. */
const received: Ledger = new Map()
let upstream: Server
let judging: Judging
beforeAll(async () => {
  upstream = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    enter(received, String(request.headers['x-openstack-request-id']), {
      method: request.method ?? '',
      target: request.url ?? '',
      token: String(request.headers['x-auth-token'] ?? ''),
      type: String(request.headers['content-type'] ?? ''),
      body: digest(Buffer.concat(chunks)),
    })
    response.end('ok')
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  judging = await startJudging(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`)
})
afterAll(async () => {
  await judging.stop()
  upstream.close()
})

test('judged equals forwarded', { timeout: 60_000 }, async () => {
  const { difference, forwarded } = await compareJudged(judging, () => received, {
    runs: 500,
    seed: 20_261_123,
  })
  expect(difference).toBeNull()
  expect(forwarded).toBeGreaterThan(150)
})

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { compareJudged, digest, enter, type Ledger, startJudging } from '../fuzz/judged.ts'

/** What is judged is what the upstream reads, whatever bytes come in; here an upstream with Node's HTTP parser. */
describe.each(['http-proxy-3', 'undici'] as const)('%s', (engine) => {
  test('judged equals forwarded', { timeout: 60_000 }, async () => {
    const received: Ledger = new Map()
    const upstream = createServer(async (request, response) => {
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
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
    const judging = await startJudging(url, engine)
    const { difference, forwarded } = await compareJudged(judging, () => received, {
      runs: 500,
      seed: 20_261_123,
    })
    await judging.stop()
    upstream.close()
    expect(difference).toBeNull()
    expect(forwarded).toBeGreaterThan(150)
  })
})

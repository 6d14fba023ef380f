import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { GatewayProcess } from '../support/process.ts'
import { Collector, type Span } from './collector.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CLIENT_SPAN = 'b7ad6b7169203331'
const SERVER = 2
const CLIENT = 3

let collector: Collector
let gateway: TestGateway
beforeEach(async () => {
  collector = await Collector.start()
})
afterEach(async () => {
  await gateway.stop()
  await collector.stop()
})

async function start(options: Readonly<Record<string, string>> = {}): Promise<void> {
  gateway = await startTestGateway({
    'cinderguard.traces_url': collector.url,
    'cinderguard.shutdown_timeout': '1',
    ...options,
  })
}

async function act(
  volume: keyof typeof VOLUMES,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const path = `/v3/${PROJECTS.demo}/volumes/${VOLUMES[volume]}/action?secret=in-the-query`
  const answer = await fetch(gateway.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-auth-token': gateway.cloud.token('alice'),
      'user-agent': 'curl',
      ...headers,
    },
    body: '{"os-detach": {}}',
  })
  return answer.status
}

/** All spans of one request, when the gateway has ended. */
async function spans(): Promise<readonly Span[]> {
  await gateway.stop()
  return collector.spans
}
const sampled = (flags = '01') => ({ traceparent: `00-${TRACE}-${CLIENT_SPAN}-${flags}` })
/** Each span below its parent, sorted. */
function tree(all: readonly Span[], parent: string | undefined, depth = 0): readonly string[] {
  return all
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .flatMap(({ name, spanId }) => [`${'  '.repeat(depth)}${name}`, ...tree(all, spanId, depth + 1)])
}

describe.each(['http-proxy-3', 'undici'])('by %s', (forwarder) => {
  test('a request that is forwarded: its stages, and each call below its own', async () => {
    await start({ 'cinderguard.forwarder': forwarder })
    expect(await act('stale', sampled())).toBe(202)
    const all = await spans()
    const ours = all.filter(({ traceId }) => traceId === TRACE)
    const lines = tree(ours, CLIENT_SPAN)
    expect([lines[0], ...lines.slice(1).filter((line) => /^ {2}\S/.test(line))]).toEqual([
      'POST volume-detach',
      '  read',
      '  authenticate',
      '  classify',
      '  check',
      '  POST cinder',
    ])
    const [look] = lines.filter((line) => line.trim() === 'GET keystone')
    expect(look).toBe('    GET keystone')
    expect(lines.filter((line) => line === '    GET cinder').length).toBeGreaterThanOrEqual(2)
    const server = ours.find(({ kind }) => kind === SERVER)
    expect(server?.attributes).toEqual({
      'http.request.method': 'POST',
      'url.path': `/v3/${PROJECTS.demo}/volumes/${VOLUMES.stale}/action`,
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'client.address': '127.0.0.1',
      'user_agent.original': 'curl',
      'http.response.status_code': 202,
      'cinderguard.request_id': expect.stringMatching(/^req-/),
      'cinderguard.operation': 'volume-detach',
      'cinderguard.verdict': 'forwarded',
    })
  })

  test('operations on one volume take turns as they do without: each ends with its answer', async () => {
    await start({ 'cinderguard.forwarder': forwarder, 'cinderguard.decision_timeout': '2' })
    const answers: number[] = []
    for (let each = 0; each < 3; each += 1) answers.push(await act('stale', sampled()))
    expect(answers).not.toContain(503)
    expect(gateway.cloud.cinder.requests.filter(({ method }) => method === 'POST')).toHaveLength(3)
  })

  test('Cinder and Nova are told which span called them', async () => {
    await start({ 'cinderguard.forwarder': forwarder })
    expect(await act('in-use', sampled())).toBe(409)
    expect(await act('stale', { ...sampled(), tracestate: 'a=1' })).toBe(202)
    const all = await spans()
    const calls = all.filter(({ kind, traceId }) => kind === CLIENT && traceId === TRACE)
    const told = [gateway.cloud.nova, gateway.cloud.cinder]
      .flatMap(({ requests }) => requests)
      .flatMap(({ header }) => header('traceparent') ?? [])
      .filter((parent) => parent.includes(TRACE))
    const named = calls
      .filter(({ attributes }) => attributes['cinderguard.dependency'] !== 'keystone')
      .map(({ spanId }) => `00-${TRACE}-${spanId}-01`)
    expect(told.sort()).toEqual(named.sort())
    const forwarded = gateway.cloud.cinder.requests.findLast(({ method }) => method === 'POST')
    expect(forwarded?.header('tracestate')).toBe('a=1')
  })
})

test('a refusal says why, and one by a dependency is an error', async () => {
  await start()
  expect(await act('in-use')).toBe(409)
  gateway.cloud.nova.fault = (request) => {
    request.socket.resetAndDestroy()
    return true
  }
  expect(await act('in-use')).toBe(503)
  const all = await spans()
  const servers = all.filter(({ kind }) => kind === SERVER)
  expect(servers.map(({ attributes, failed }) => [attributes['cinderguard.reason'], failed])).toEqual([
    ['attachment_in_use', false],
    ['nova_unavailable', true],
  ])
  const failing = all.find(({ name, failed }) => name === 'GET nova' && failed)
  expect(failing?.attributes).toMatchObject({ 'error.type': 'ECONNRESET', 'server.address': '127.0.0.1' })
})

test('no token, no query and no password of a URL is in it', async () => {
  await start()
  const token = gateway.cloud.token('alice')
  await act('in-use', { 'x-auth-token': token, 'x-service-token': 'forged-service-token' })
  await act('stale', { 'x-auth-token': token })
  await spans()
  expect(collector.spans.length).toBeGreaterThan(8)
  for (const secret of [token, 'forged-service-token', 'in-the-query', 'secret='])
    expect(collector.text).not.toContain(secret)
})

test('the client decides for its own requests, the ratio for the others', async () => {
  await start({ 'cinderguard.traces_sample_ratio': '0' })
  await act('stale', sampled('00'))
  await act('in-use')
  await act('in-use', sampled())
  const servers = (await spans()).filter(({ kind }) => kind === SERVER)
  expect(servers.map(({ traceId }) => traceId)).toEqual([TRACE])
  const forwarded = gateway.cloud.cinder.requests.findLast(({ method }) => method === 'POST')
  expect(forwarded?.header('traceparent')).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
})

describe('a collector that fails', () => {
  test.each<[string, Collector['fault']]>([
    ['answers 500', (_request, response) => void response.writeHead(500).end()],
    ['resets', (request) => void request.socket.resetAndDestroy()],
    ['never answers', () => undefined],
  ])('%s: requests are served, and the end does not wait for it', async (_name, fault) => {
    await start()
    collector.fault = fault
    for (let each = 0; each < 5; each += 1) expect(await act('in-use')).toBe(409)
    const began = performance.now()
    await gateway.stop()
    expect(performance.now() - began).toBeLessThan(5000)
  })

  test('is said once', async () => {
    await start()
    collector.fault = (_request, response) => void response.writeHead(400).end()
    for (let each = 0; each < 3; each += 1) {
      await act('in-use')
      await new Promise((resolve) => setTimeout(resolve, 1100))
    }
    expect(gateway.logged.filter(({ msg }) => msg === 'traces cannot be sent')).toHaveLength(1)
  })
})

test.each([
  ['', false],
  ['http://127.0.0.1:9/v1/traces', true],
])(
  'with traces_url "%s" OpenTelemetry is loaded: %s (its API always is, by prom-client)',
  async (url, expected) => {
    const dir = mkdtempSync(join(tmpdir(), 'cinderguard-traces-'))
    const hook = join(dir, 'hook.mjs')
    const seen = join(dir, 'seen')
    writeFileSync(seen, '')
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module'
     import { appendFileSync } from 'node:fs'
     registerHooks({ resolve(name, context, next) {
       const found = next(name, context)
       appendFileSync(${JSON.stringify(seen)}, found.url + '\\n')
       return found
     } })`,
    )
    await start()
    const cloud = await startCloud()
    const options = url === '' ? {} : { traces_url: url }
    const running = new GatewayProcess(cloud, options, ['env', `NODE_OPTIONS=--import=${hook}`])
    try {
      await running.listening()
      const loaded = readFileSync(seen, 'utf8')
      expect(loaded).toContain('/src/gateway.ts')
      const ours = loaded
        .split('\n')
        .filter((line) => /@opentelemetry\/(?!api\/)|\/src\/trace\/opentelemetry/.test(line))
      expect(ours.length > 0).toBe(expected)
    } finally {
      await running.end()
      await cloud.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  },
)

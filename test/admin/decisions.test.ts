import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const ID = 'req-00000000-0000-4000-8000-000000000000'
let gateway: TestGateway
afterEach(() => gateway.stop())

async function refused(): Promise<void> {
  const answer = await fetch(`${gateway.url}/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-auth-token': gateway.cloud.token('alice'),
      'x-openstack-request-id': ID,
    },
    body: '{"os-detach": {}}',
  })
  expect(answer.status).toBe(409)
}
const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${gateway.adminUrl}/api/v1${path}`, { headers })

/** Reads a stream of events. */
function read(stream: Response) {
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  let sofar = ''
  return {
    reader,
    /** All until it is enough, or until it ends. */
    async text(isEnough: (sofar: string) => boolean): Promise<string> {
      while (!isEnough(sofar)) {
        const { value, done } = (await reader?.read()) ?? { done: true }
        if (done) break
        sofar += value
      }
      return sofar
    },
  }
}

describe('on a loopback listener', () => {
  beforeEach(async () => {
    gateway = await startTestGateway()
  })

  test('the latest decisions, and one by its request id', async () => {
    await refused()
    const { decisions } = (await (await get('/decisions')).json()) as { decisions: { action: string }[] }
    expect(decisions.map(({ action }) => action)).toEqual(['update/os-detach'])
    expect(await (await get(`/decisions/${ID}`)).json()).toEqual({ decisions })
    expect((await get('/decisions/req-unknown')).status).toBe(404)
  })

  test('no more of the latest than asked for', async () => {
    await refused()
    await refused()
    const count = async (query: string) =>
      ((await (await get(`/decisions${query}`)).json()) as { decisions: [] }).decisions.length
    expect([await count(''), await count('?limit=1'), await count('?limit=none')]).toEqual([2, 1, 2])
  })

  test('the report', async () => {
    await refused()
    expect(await (await get('/report')).json()).toMatchObject({
      mode: 'enforce',
      guarded: 1,
      ready: false,
      advice: expect.stringContaining('No service has detached a volume'),
    })
  })

  test('each new decision as an event', async () => {
    const { reader, text } = read(await get('/events'))
    await refused()
    const sofar = await text((all) => /^data: .+\n\n/m.test(all.replace(/event: now\ndata: .+\n\n/g, '')))
    const [, event = ''] = /^data: (.+)/m.exec(sofar.replace(/event: now\ndata: .+\n\n/g, '')) ?? []
    expect(JSON.parse(event)).toMatchObject({ action: 'update/os-detach' })
    await reader?.cancel()
  })

  test('the state as it goes on, without being asked', async () => {
    const { reader, text } = read(await get('/events'))
    const state = await text((sofar) => /event: now\ndata: .+\n\n/.test(sofar))
    expect(JSON.parse(/event: now\ndata: (.+)/.exec(state)?.[1] ?? '')).toMatchObject({ mode: 'enforce' })
    await reader?.cancel()
  })

  test('a service that hangs keeps nobody waiting, and is named', async () => {
    gateway.cloud.nova.fault = () => new Promise(() => undefined)
    const begun = performance.now()
    expect(await (await get('/now')).json()).toMatchObject({ services: { nova: 'has not answered yet' } })
    expect(performance.now() - begun).toBeLessThan(4000)
  })

  test('under another name: refused, for a page elsewhere may have made the name up', async () => {
    const { request } = await import('node:http')
    const status = await new Promise((resolve) =>
      request(`${gateway.adminUrl}/api/v1/report`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).end(),
    )
    expect(status).toBe(403)
  })
})

describe('on an address that others reach', () => {
  const start = async (role: string) => {
    gateway = await startTestGateway({
      'cinderguard.admin_bind': '0.0.0.0:0',
      'cinderguard.console_role': role,
    })
  }
  test('without a role configured nobody reads', async () => {
    await start('')
    expect((await get('/report', { 'x-auth-token': gateway.cloud.token('admin') })).status).toBe(403)
  })

  const CASES = [
    ['no token', () => '', 401],
    ['an unknown token', () => 'unknown', 401],
    ['a token without the role', () => gateway.cloud.token('alice'), 403],
    ['a token with the role', () => gateway.cloud.token('admin'), 200],
  ] as const
  test.each(CASES)('%s', async (_name, token, status) => {
    await start('admin')
    expect((await get('/report', { 'x-auth-token': token() })).status).toBe(status)
  })

  test('events end when the token does', async () => {
    await start('admin')
    const expiresAt = Date.now() + 2000
    const token = gateway.cloud.token('admin', { expiresAt })
    const { text } = read(await get('/events', { 'x-auth-token': token }))
    await text(() => false)
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt - 5)
    expect(Date.now()).toBeLessThan(expiresAt + 3000)
  })

  test('while Keystone is away nobody is known', async () => {
    await start('admin')
    const token = gateway.cloud.token('admin')
    gateway.cloud.keystone.fault = (_request, response) => {
      response.writeHead(500).end()
      return true
    }
    expect((await get('/report', { 'x-auth-token': token })).status).toBe(503)
  })
})

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { compileRules } from '../../src/policy/ruleset.ts'
import { type SomePolicy, startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
afterEach(() => gateway.stop())

function policyWith(rules: Record<string, string>): SomePolicy {
  const place = { file: 'policy.yaml', line: 1, column: 1 }
  const compiled = compileRules(
    new Map(Object.entries(rules).map(([name, check]) => [name, { check, place }])),
  )
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
  return { current: () => compiled }
}
type Ask = readonly [method: string, path: string, body?: unknown]
async function asked(who: 'alice' | 'admin', [method, path, body]: Ask): Promise<readonly [number, string]> {
  const answer = await fetch(`${gateway.url}/v3/${PROJECTS.demo}${path}`, {
    method,
    headers: {
      'x-auth-token': gateway.cloud.token(who),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return [answer.status, await answer.text()]
}
const denied = (rule: string) => [
  403,
  `{"forbidden": {"code": 403, "message": "Policy doesn't allow ${rule} to be performed."}}`,
]
const volume = `/volumes/${VOLUMES.available}`
const EXTEND: Ask = ['POST', `${volume}/action`, { 'os-extend': { new_size: 9 } }]

describe('[policy] enforce', () => {
  const RULES = {
    'volume:get_all': '!',
    'volume:extend': 'role:admin',
    'volume:delete': 'project_id:%(project_id)s',
  }
  test('overrides: what somebody wrote is enforced, Cinder’s own defaults are left to Cinder', async () => {
    gateway = await startTestGateway({}, { policy: policyWith(RULES) })
    expect(await asked('alice', ['GET', '/volumes'])).toEqual(denied('volume:get_all'))
    expect(await asked('alice', EXTEND)).toEqual(denied('volume:extend'))
    expect((await asked('alice', ['GET', volume]))[0]).toBe(200)
    expect(gateway.cloud.cinder.requests.map(({ method }) => method)).not.toContain('POST')
  })

  test('guarded: nothing but the guarded operations', async () => {
    gateway = await startTestGateway({ 'policy.enforce': 'guarded' }, { policy: policyWith(RULES) })
    expect((await asked('alice', ['GET', '/volumes']))[0]).toBe(200)
  })

  test('all: Cinder’s own defaults, too', async () => {
    gateway = await startTestGateway({ 'policy.enforce': 'all' }, { policy: policyWith({}) })
    expect(await asked('alice', ['GET', '/os-services'])).toEqual(denied('volume_extension:services:index'))
    expect((await asked('alice', ['GET', volume]))[0]).toBe(200)
  })

  test('a rule of the volume is judged against it; another project’s is not there', async () => {
    gateway = await startTestGateway({}, { policy: policyWith({ 'volume:update': 'user_id:%(user_id)s' }) })
    const own = await asked('alice', ['PUT', volume, { volume: { name: 'x' } }])
    expect(own[1]).not.toContain('volume:update')
    expect((await asked('alice', ['PUT', `/volumes/${VOLUMES.victim}`, { volume: {} }]))[0]).toBe(404)
  })

  test('a rule that Cinder asks to look something up stops what comes after it', async () => {
    gateway = await startTestGateway({}, { policy: policyWith({ 'volume:get': 'role:nobody' }) })
    const calls: readonly Ask[] = [EXTEND, ['PUT', volume, { volume: { name: 'x' } }], ['DELETE', volume]]
    for (const call of calls) {
      const [status, text] = await asked('alice', call)
      expect([status, text]).toEqual([404, expect.stringContaining('could not be found')])
    }
    const changing = gateway.cloud.cinder.requests.filter(({ method }) => method !== 'GET')
    expect(changing).toEqual([])
  })

  test('a rule that others refer to changes them all', async () => {
    gateway = await startTestGateway({}, { policy: policyWith({ admin_api: 'role:cloud_admin' }) })
    expect(await asked('admin', ['GET', '/os-services'])).toEqual(denied('volume_extension:services:index'))
    expect((await asked('alice', ['GET', volume]))[0]).toBe(200)
  })

  test.for(['force=true', 'force=%74rue', '%66orce=yes'])('DELETE with %s is a forced one', async (query) => {
    gateway = await startTestGateway({}, { policy: policyWith({ 'volume:force_delete': 'role:nobody' }) })
    const answer = await fetch(`${gateway.url}/v3/${PROJECTS.demo}${volume}?${query}`, {
      method: 'DELETE',
      headers: { 'x-auth-token': gateway.cloud.token('admin'), 'openstack-api-version': 'volume 3.23' },
    })
    expect([answer.status, await answer.text()]).toEqual(denied('volume:force_delete'))
  })

  test('what cannot be known of a target decides nothing, and the log says what', async () => {
    const rule = 'not user_id:%(provider_location)s'
    gateway = await startTestGateway({}, { policy: policyWith({ 'volume:update': rule }) })
    expect((await asked('alice', ['PUT', volume, { volume: { name: 'x' } }]))[0]).toBe(503)
    expect(JSON.stringify(gateway.logged)).toContain("the target's provider_location")
  })

  test('counted and recorded as any refusal, with the rule', async () => {
    gateway = await startTestGateway({}, { policy: policyWith(RULES) })
    await asked('alice', ['GET', '/volumes'])
    expect(gateway.logged).toContainEqual(
      expect.objectContaining({ reason: 'policy', rule: 'volume:get_all', operation: 'other' }),
    )
    expect(await gateway.gateway.metrics.registry.metrics()).toContain(
      'cinderguard_refusals_total{operation="other",reason="policy",status="403"} 1',
    )
  })
})

describe('[policy] unknown_operations', () => {
  test('forward: Cinder judges what no rule is known for', async () => {
    gateway = await startTestGateway({}, { policy: policyWith({}) })
    expect((await asked('alice', ['GET', '/nonsense']))[0]).toBe(404)
  })
  test('refuse: only admins may', async () => {
    gateway = await startTestGateway({ 'policy.unknown_operations': 'refuse' }, { policy: policyWith({}) })
    expect(await asked('alice', ['GET', '/nonsense'])).toEqual(denied('admin_api'))
    expect((await asked('admin', ['GET', '/nonsense']))[0]).toBe(404)
    expect((await asked('alice', ['GET', '/volumes']))[0]).toBe(200)
  })
})

describe('rules that look at the request', () => {
  const extendTo = (size: unknown): Ask => ['POST', `${volume}/action`, { 'os-extend': { new_size: size } }]
  test('the body: sizes beyond a limit are for admins', async () => {
    const rule = 'cinderguard.body:os-extend.new_size<=100 or role:admin'
    gateway = await startTestGateway({}, { policy: policyWith({ 'volume:extend': rule }) })
    for (const size of [101, '101', 1e9])
      expect(await asked('alice', extendTo(size))).toEqual(denied('volume:extend'))
    for (const size of [100, '9']) expect((await asked('alice', extendTo(size)))[1]).not.toContain('Policy')
    expect((await asked('admin', extendTo(101)))[1]).not.toContain('Policy')
    expect((await asked('alice', extendTo('1_0')))[0]).toBe(503)
  })
  test.for([
    ['cinderguard.address:127.0.0.0/8', true],
    ['cinderguard.address:10.0.0.0/8', false],
    ['cinderguard.service:nova', false],
    ['cinderguard.microversion:>=3.0', true],
    ['cinderguard.microversion:>=3.1', false],
    ['cinderguard.time:00:00-24:00', true],
    ['not cinderguard.time:00:00-24:00', false],
  ] as const)('%s lets a guarded operation go on: %s', async ([rule, goesOn]) => {
    const name = 'volume_extension:volume_actions:detach'
    gateway = await startTestGateway({}, { policy: policyWith({ [name]: rule }) })
    const [status, text] = await asked('alice', ['POST', `${volume}/action`, { 'os-detach': {} }])
    expect(text.includes(name)).toBe(!goesOn)
    expect(status === 403).toBe(!goesOn)
  })
})

test('the microversion is that of any operation', async () => {
  gateway = await startTestGateway(
    {},
    { policy: policyWith({ 'volume:get_all': 'cinderguard.microversion:>=3.44' }) },
  )
  const list = async (version?: string) =>
    (
      await fetch(`${gateway.url}/v3/${PROJECTS.demo}/volumes`, {
        headers: {
          'x-auth-token': gateway.cloud.token('alice'),
          ...(version === undefined ? {} : { 'openstack-api-version': `volume ${version}` }),
        },
      })
    ).status
  expect([await list(), await list('3.43'), await list('3.44')]).toEqual([403, 403, 200])
})

describe('http: rules ask another server', () => {
  const seen: { type: string | undefined; body: string }[] = []
  let answer = 'True'
  const judge = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    seen.push({ type: request.headers['content-type'], body: Buffer.concat(chunks).toString() })
    if (answer === 'hang') return
    response.end(answer)
  })
  let url = ''
  beforeEach(async () => {
    seen.length = 0
    answer = 'True'
    await new Promise<void>((resolve) => judge.listen(0, '127.0.0.1', resolve))
    const address = judge.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    url = `http://127.0.0.1:${address.port}`
  })
  afterEach(async () => {
    judge.closeAllConnections()
    await new Promise((resolve) => judge.close(resolve))
  })
  const started = (rules: Record<string, string>, options = {}) =>
    startTestGateway({ 'oslo_policy.remote_timeout': '1', ...options }, { policy: policyWith(rules) })

  test('with the rule, the target and the credentials as oslo.policy sends them; True allows', async () => {
    gateway = await started({ 'volume:extend': `${url}/judge/%(project_id)s` })
    expect((await asked('alice', EXTEND))[1]).not.toContain('Policy')
    const form = new URLSearchParams(seen[0]?.body)
    expect(seen[0]?.type).toBe('application/x-www-form-urlencoded')
    expect(JSON.parse(form.get('rule') ?? '')).toBe('volume:extend')
    expect(JSON.parse(form.get('target') ?? '')).toMatchObject({ project_id: PROJECTS.demo })
    expect(JSON.parse(form.get('credentials') ?? '')).toMatchObject({
      project_id: PROJECTS.demo,
      is_admin: false,
    })
    expect(seen[0]?.body).not.toContain(gateway.cloud.token('alice'))
  })
  test('as JSON with remote_content_type = application/json', async () => {
    gateway = await started(
      { 'volume:extend': `${url}/` },
      { 'oslo_policy.remote_content_type': 'application/json' },
    )
    await asked('alice', EXTEND)
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({
      rule: 'volume:extend',
      target: {},
      credentials: {},
    })
  })
  test.for([['False'], ['true'], [''], ['True or not']])('the answer %j refuses', async ([text]) => {
    answer = text as string
    gateway = await started({ 'volume:extend': `${url}/` })
    expect(await asked('alice', EXTEND)).toEqual(denied('volume:extend'))
  })
  test('no answer refuses with 503, and is counted by its own reason', async () => {
    answer = 'hang'
    gateway = await started({ 'volume_extension:volume_actions:detach': `${url}/` })
    const detach: Ask = ['POST', `${volume}/action`, { 'os-detach': {} }]
    expect((await asked('alice', detach))[0]).toBe(503)
    expect(gateway.logged).toContainEqual(expect.objectContaining({ reason: 'policy_unavailable' }))
    expect(gateway.cloud.cinder.requests.map(({ method }) => method)).not.toContain('POST')
  })
  test('not asked where the answer does not depend on it', async () => {
    gateway = await started({ 'volume:extend': `role:admin or ${url}/` })
    await asked('admin', EXTEND)
    expect(seen).toEqual([])
  })
})

describe('https: rules', () => {
  const TLS = join(import.meta.dirname, '../support/tls')
  const file = (name: string): string => join(TLS, name)
  const judge = createSecureServer(
    {
      cert: readFileSync(file('server.pem')),
      key: readFileSync(file('server.key')),
      ca: readFileSync(file('ca.pem')),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => response.end((request.socket as TLSSocket).authorized ? 'True' : 'False'),
  )
  let url = ''
  beforeEach(async () => {
    await new Promise<void>((resolve) => judge.listen(0, '127.0.0.1', resolve))
    url = `https://127.0.0.1:${(judge.address() as AddressInfo).port}/`
  })
  afterEach(async () => {
    judge.closeAllConnections()
    await new Promise((resolve) => judge.close(resolve))
  })
  const CA = { 'oslo_policy.remote_ssl_ca_crt_file': file('ca.pem') }
  const CLIENT = {
    'oslo_policy.remote_ssl_client_crt_file': file('client.pem'),
    'oslo_policy.remote_ssl_client_key_file': file('client.key'),
  }
  test.for<[string, Record<string, string>, number | 'goes on']>([
    ['verified, and shown our certificate, the server decides', { ...CA, ...CLIENT }, 'goes on'],
    ['without a certificate of ours this one refuses', CA, 403],
    ['signed by nobody we know, it is not asked', CLIENT, 503],
    [
      'it may be left unverified',
      { ...CLIENT, 'oslo_policy.remote_ssl_verify_server_crt': 'false' },
      'goes on',
    ],
  ])('%s', async ([, options, expected]) => {
    gateway = await startTestGateway(options, { policy: policyWith({ 'volume:extend': url }) })
    const [status, text] = await asked('alice', EXTEND)
    if (expected === 'goes on') expect(text).not.toMatch(/Policy|unavailable/)
    else expect(status).toBe(expected)
  })
})

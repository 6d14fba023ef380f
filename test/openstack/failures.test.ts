import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { IDS, OPERATIONS, SITUATIONS } from './cases.ts'
import { type Answer, exchange } from './exchange.ts'
import { FAULTS, type Fault, Faulty, FOREIGN_404, late, OLD_CINDER, OLD_NOVA, says } from './faulty.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/**
 * Something on the way to a decision fails: nothing guarded is executed, the caller is told to come again, and
 * with the next request all is well.
 */
const FIXTURE = SITUATIONS['Nova uses this attachment'] ?? { volumes: [], attachments: [], instances: [] }
const services: Partial<Record<'keystone' | 'nova' | 'cinder', Faulty>> = {}
let lab: Lab
let gateway: Gateway

beforeAll(async () => {
  lab = await sharedLab()
  services.keystone = await Faulty.before(lab.urls.keystone)
  services.nova = await Faulty.before(lab.urls.nova)
  services.cinder = await Faulty.before(lab.urls.cinder.legacy)
  gateway = await gatewayFor(lab, services.cinder.url, {
    'keystone_authtoken.auth_url': services.keystone.url,
    'keystone_authtoken.token_cache_time': '-1',
    'cinderguard.nova_endpoint_override': services.nova.url,
    'cinderguard.keystone_timeout': '1',
    'cinderguard.nova_timeout': '1',
    'cinderguard.cinder_timeout': '1',
    'cinderguard.upstream_timeout': '2',
  })
})
afterAll(async () => {
  await gateway.stop()
  for (const service of Object.values(services)) service.stop()
})
beforeEach(() => {
  for (const service of Object.values(services)) service.fault = null
})

async function asked(operation: string, by = gateway): Promise<Answer> {
  const shape = OPERATIONS[operation]
  if (shape === undefined) throw new Error('no such operation')
  const { token, projectId } = await lab.token('member')
  return exchange(by.url, projectId, shape, { user: token })
}

async function withFault(name: keyof typeof services, fault: Fault, operation: string): Promise<Answer> {
  const service = services[name]
  if (service === undefined) throw new Error('not started')
  lab.reset(FIXTURE)
  lab.clearVerdicts()
  service.fault = fault
  const answer = await asked(operation)
  expect(lab.readVerdicts(), 'executed').toEqual([])
  expect(lab.cinderRow('volumes', IDS.volume)?.status).toBe('in-use')
  service.fault = null
  return answer
}

const CASES: readonly (readonly [keyof typeof services, string, Fault])[] = [
  ...(['nova', 'keystone', 'cinder'] as const).flatMap((service) =>
    Object.entries(FAULTS).map(([name, fault]) => [service, name, fault] as const),
  ),
  ['nova', 'answers 404 by way of a load balancer', FOREIGN_404],
]
for (const [service, name, fault] of CASES) {
  test(`${service} ${name}: 503, nothing executed, and well again afterwards`, async () => {
    for (const operation of ['os-detach', 'attachment delete']) {
      const failed = await withFault(service, fault, operation)
      expect(failed.status).toBe(503)
      expect(failed.headers['retry-after']).toBeDefined()
      expect((await asked(operation)).status).toBe(409)
    }
  })
}

test.each(['nova', 'keystone', 'cinder'] as const)(
  '%s is slow, but in time: refused as ever',
  async (service) => {
    for (const operation of ['os-detach', 'attachment delete']) {
      const began = performance.now()
      expect((await withFault(service, late(300), operation)).status).toBe(409)
      expect(performance.now() - began).toBeGreaterThan(300)
    }
  },
)

/**
 * What Nova itself says, beside a fixed Cinder that asks the same Nova: it passes any status on, where the gateway
 * answers 503 to whatever is no answer to its question.
 */
describe('Nova answers', () => {
  const fault = (name: string, code: number) =>
    says(code, JSON.stringify({ [name]: { code, message: 'no' } }), {
      'content-type': 'application/json',
      'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
      ...(code === 413 ? { 'retry-after': '3' } : {}),
    })
  beforeAll(() => lab.pointComputeAt(services.nova?.url ?? ''))
  afterAll(() => lab.pointComputeAt(lab.urls.nova))

  async function both(answer: Fault, operation: string): Promise<{ fixed: Answer; guarded: Answer }> {
    const { token, projectId } = await lab.token('member')
    const shape = OPERATIONS[operation]
    if (shape === undefined || services.nova === undefined) throw new Error('no such operation')
    lab.reset(FIXTURE)
    services.nova.fault = answer
    const asked = services.nova.asked
    const fixed = await exchange(lab.urls.cinder.fixed, projectId, shape, { user: token })
    expect(services.nova.asked).toBeGreaterThan(asked)
    lab.reset(FIXTURE)
    return { fixed, guarded: await withFault('nova', answer, operation) }
  }
  /** Its own refusals of the caller: both pass them on. */
  test.each([
    ['403', fault('forbidden', 403)],
    ['401', fault('unauthorized', 401)],
  ])('%s: the same answer', async (_status, answer) => {
    for (const operation of ['os-detach', 'attachment delete']) {
      const { fixed, guarded } = await both(answer, operation)
      expect(guarded).toEqual(fixed)
    }
  })
  test.each([
    [400, fault('badRequest', 400), 400],
    [409, fault('conflictingRequest', 409), 409],
    [413, fault('overLimit', 413), 413],
    [429, fault('overLimit', 429), 429],
    [500, fault('computeFault', 500), 500],
    [503, fault('serviceUnavailable', 503), 503],
    ['nonsense', FAULTS['answers 200 with nonsense'], 400],
    ['an empty object', FAULTS['answers 200 with an empty object'], 500],
    ['nothing, and closes', FAULTS['closes connections'], 500],
  ] as const)('%s: 503, where a fixed Cinder says otherwise', async (_what, answer, status) => {
    if (answer === undefined) throw new Error('no such fault')
    const { fixed, guarded } = await both(answer, 'os-detach')
    expect([fixed.status, guarded.status]).toEqual([status, 503])
  })
  test("404 by way of a load balancer: 503, where it opens a fixed Cinder's guard", async () => {
    const { fixed, guarded } = await both(FOREIGN_404, 'os-detach')
    expect([fixed.status, guarded.status]).toEqual([202, 503])
  })
})

describe('a Nova before microversion 2.89', () => {
  let nova: Faulty
  let older: Gateway
  beforeAll(async () => {
    nova = await Faulty.before(lab.urls.nova)
    nova.fault = OLD_NOVA
    older = await gatewayFor(lab, lab.urls.cinder.legacy, { 'cinderguard.nova_endpoint_override': nova.url })
  })
  afterAll(async () => {
    await older.stop()
    nova.stop()
  })
  test.each([
    ['that has the volume on the server at all: in use', 'Nova uses this attachment', 409],
    ['by whatever attachment, which it cannot tell: in use', 'Nova uses another attachment', 409],
    ['that has not the volume there: passes', 'volume not attached to the instance', 202],
  ])('%s', async (_name, situation, status) => {
    lab.reset(SITUATIONS[situation] ?? {})
    expect((await asked('os-detach', older)).status).toBe(status)
    expect(nova.asked).toBeGreaterThan(0)
  })
})

describe('a Cinder before microversion 3.27', () => {
  let cinder: Faulty
  let older: Gateway
  beforeAll(async () => {
    cinder = await Faulty.before(lab.urls.cinder.legacy)
    cinder.fault = OLD_CINDER
    older = await gatewayFor(lab, cinder.url)
  })
  afterAll(async () => {
    await older.stop()
    cinder.stop()
  })
  /** Beside what a fixed Cinder says, which can read all attachments: of those the view hides, the worst is believed. */
  const rows: readonly (readonly [string, string, string, number, number])[] = [
    ['a volume in use', 'os-detach', 'Nova uses this attachment', 409, 409],
    ['a volume in use, its attachment named', 'os-detach, named', 'Nova uses this attachment', 409, 409],
    ['its connection', 'os-terminate_connection', 'Nova uses this attachment', 409, 409],
    ['in use by a server, and elsewhere', 'os-detach', 'several attachments', 409, 409],
    ['what is shown counts as connected', 'os-detach', 'no connection info', 202, 409],
    ['what may be hidden, too', 'os-detach', 'reserved without connection info', 202, 409],
    [
      'the connection of what may be hidden',
      'os-terminate_connection',
      'in maintenance, no instance',
      202,
      409,
    ],
    ['Nova has it not there: passes', 'os-detach', 'volume not attached to the instance', 202, 202],
    ['of no server: passes', 'os-detach', 'no instance', 202, 202],
    ['available: passes', 'os-detach', 'no attachment', 202, 202],
    ['the connection of an available one: passes', 'os-terminate_connection', 'no attachment', 202, 202],
    ['by a version that it has not', 'attachment delete', 'Nova uses this attachment', 409, 406],
  ]
  test.each(rows)('%s', async (_name, operation, situation, fixed, status) => {
    const { token, projectId } = await lab.token('member')
    const shape = OPERATIONS[operation]
    if (shape === undefined) throw new Error('no such operation')
    lab.reset(SITUATIONS[situation] ?? {})
    expect((await exchange(lab.urls.cinder.fixed, projectId, shape, { user: token })).status).toBe(fixed)
    lab.reset(SITUATIONS[situation] ?? {})
    lab.clearVerdicts()
    const before = cinder.asked
    expect((await asked(operation, older)).status).toBe(status)
    expect(lab.readVerdicts().map(({ allowed }) => allowed)).toEqual(status === 202 ? [true] : [])
    if (status !== 406) expect(cinder.asked).toBeGreaterThan(before)
  })
})

test("the gateway's own token is revoked: the next request gets a new one", async () => {
  lab.reset(FIXTURE)
  expect((await asked('os-detach')).status).toBe(409)
  const own = services.keystone?.token ?? ''
  const revoked = await fetch(`${lab.urls.keystone}/auth/tokens`, {
    method: 'DELETE',
    headers: { 'x-auth-token': own, 'x-subject-token': own },
  })
  expect(revoked.status).toBe(204)
  expect((await asked('os-detach')).status).toBe(409)
  expect(services.keystone?.token).not.toBe(own)
})

test('a user token is revoked: 401, as it is no longer cached', async () => {
  lab.reset(FIXTURE)
  const { projectId } = await lab.token('member')
  const body = JSON.stringify({
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { id: lab.ids.users.member, password: 'lab-password' } },
      },
      scope: { project: { id: projectId } },
    },
  })
  const issued = await fetch(`${lab.urls.keystone}/auth/tokens`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  const token = issued.headers.get('x-subject-token') ?? ''
  const shape = OPERATIONS['os-detach']
  if (shape === undefined) throw new Error('no such operation')
  const ask = () => exchange(gateway.url, projectId, shape, { user: token })
  expect((await ask()).status).toBe(409)
  await fetch(`${lab.urls.keystone}/auth/tokens`, {
    method: 'DELETE',
    headers: { 'x-auth-token': token, 'x-subject-token': token },
  })
  expect((await ask()).status).toBe(401)
})

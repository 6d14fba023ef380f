import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { IDS, OPERATIONS, type Shape, SITUATIONS } from './cases.ts'
import { type Answer, exchange } from './exchange.ts'
import type { LabUser } from './lab/accounts.ts'
import type { LabFixtures } from './lab/LabFixtures.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** What services do, and what a real Keystone hands out besides tokens of passwords. */
let lab: Lab
let gateway: Gateway
beforeAll(async () => {
  lab = await sharedLab()
  gateway = await gatewayFor(lab, lab.urls.cinder.legacy)
})
afterAll(() => gateway.stop())

const situation = (name: string): LabFixtures => {
  const found = SITUATIONS[name]
  if (found === undefined) throw new Error(`no situation ${name}`)
  return found
}
const operation = (name: string): Shape => {
  const found = OPERATIONS[name]
  if (found === undefined) throw new Error(`no operation ${name}`)
  return found
}
const V3_44 = { 'openstack-api-version': 'volume 3.44' }
const CREATE: Shape = {
  method: 'POST',
  path: '/attachments',
  body: { attachment: { volume_uuid: IDS.newVolume, instance_uuid: IDS.server } },
}
const UPDATE: Shape = {
  method: 'PUT',
  path: `/attachments/${IDS.attachment}`,
  body: { attachment: { connector: { host: 'lab', initiator: 'iqn' } } },
}

/** The same from the same rows, of a fixed Cinder and through the gateway, but for ids that were made up anew. */
async function both(
  fixture: LabFixtures,
  shape: Shape,
  projectId: string,
  tokens: { user: string; service?: string },
): Promise<{ fixed: Answer; guarded: Answer }> {
  const known = new Set<string>(Object.values(IDS))
  const at = async (url: string) => {
    lab.reset(fixture)
    const answer = await exchange(url, projectId, shape, tokens, V3_44)
    const body = answer.body.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => (known.has(id) ? id : 'ID'))
    return { ...answer, body }
  }
  return { fixed: await at(lab.urls.cinder.fixed), guarded: await at(gateway.url) }
}

describe('a user token past its end, with which Nova goes on', () => {
  const ended = async () => {
    const { projectId, userId } = await lab.token('member')
    const script = join(import.meta.dirname, 'lab/python/expired_token.py')
    const user = execFileSync('/usr/bin/python3', [script, lab.paths.keystoneConf, userId, projectId], {
      encoding: 'utf8',
    }).trim()
    return { projectId, user }
  }
  const rows: readonly (readonly [string, Shape, string, number])[] = [
    ['attachment create', CREATE, 'no instance', 200],
    ['attachment update', UPDATE, 'reserved without connection info', 200],
    ['attachment delete', operation('attachment delete'), 'Nova uses this attachment', 200],
    ['os-detach', operation('os-detach'), 'Nova uses this attachment', 202],
  ]
  test.each(rows)('%s', async (_name, shape, name, status) => {
    const { projectId, user } = await ended()
    const { token: service } = await lab.token('nova')
    const { fixed, guarded } = await both(situation(name), shape, projectId, { user, service })
    expect(fixed.status).toBe(status)
    expect(guarded).toEqual(fixed)
    expect((await both(situation(name), shape, projectId, { user })).guarded.status).toBe(401)
  })
})

describe('an attachment without a connection, of a volume with a format: Cinder fails to show it', () => {
  const reserved = situation('reserved without connection info')
  const fixture: LabFixtures = { ...reserved, formats: [{ volumeId: IDS.volume, format: 'raw' }] }
  const SHOW: Shape = { method: 'GET', path: `/attachments/${IDS.attachment}` }

  test('as said', async () => {
    const { token: user, projectId } = await lab.token('member')
    const { fixed, guarded } = await both(fixture, SHOW, projectId, { user })
    expect(fixed.status).toBe(400)
    expect(guarded).toEqual(fixed)
  })

  const rows: readonly (readonly [string, Shape, LabUser, LabUser | null, number])[] = [
    ['the owner deletes it', operation('attachment delete'), 'member', null, 200],
    ['an admin deletes it', operation('attachment delete'), 'admin', null, 200],
    ['Nova connects it', UPDATE, 'member', 'nova', 200],
    ['the owner connects it', UPDATE, 'member', null, 200],
    ["another project's user deletes it", operation('attachment delete'), 'outsider', null, 403],
    ['os-detach names it', operation('os-detach, named'), 'member', null, 202],
  ]
  test.each(rows)('%s', async (_name, shape, by, vouching, status) => {
    const { token: user, projectId } = await lab.token(by)
    const service = vouching === null ? {} : { service: (await lab.token(vouching)).token }
    const { fixed, guarded } = await both(fixture, shape, projectId, { user, ...service })
    expect(fixed.status).toBe(status)
    expect(guarded).toEqual(fixed)
  })
})

describe('application credentials', () => {
  interface Rule {
    readonly service: string
    readonly method: string
    readonly path: string
  }
  /** A new one of the user. */
  async function credentialOf(
    user: LabUser,
    rules?: readonly Rule[],
  ): Promise<{ id: string; secret: string }> {
    const { token, userId } = await lab.token(user)
    const name = `lab ${Math.random()}`
    const answer = await fetch(`${lab.urls.keystone}/users/${userId}/application_credentials`, {
      method: 'POST',
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      body: JSON.stringify({ application_credential: { name, ...(rules ? { access_rules: rules } : {}) } }),
    })
    expect(answer.status).toBe(201)
    const { application_credential } = (await answer.json()) as {
      application_credential: { id: string; secret: string }
    }
    return application_credential
  }

  test('are enough for the gateway itself', async () => {
    const own = await credentialOf('cinder')
    const account = (section: string) => ({
      [`${section}.auth_type`]: 'v3applicationcredential',
      [`${section}.application_credential_id`]: own.id,
      [`${section}.application_credential_secret`]: own.secret,
    })
    const other = await gatewayFor(lab, lab.urls.cinder.legacy, {
      ...account('keystone_authtoken'),
      ...account('service_user'),
    })
    lab.reset(situation('Nova uses this attachment'))
    const { token: user, projectId } = await lab.token('member')
    const answer = await exchange(other.url, projectId, operation('os-detach'), { user })
    const ready = await fetch(`${other.adminUrl}/readyz`)
    await other.stop()
    expect([answer.status, ready.status]).toEqual([409, 200])
  })

  test('with access rules may what these let, and no more', async () => {
    const { projectId } = await lab.token('member')
    const path = `/v3/${projectId}${operation('os-detach').path}`
    const tokenFor = async (rules: readonly Rule[]) => {
      const { id, secret } = await credentialOf('member', rules)
      const identity = { methods: ['application_credential'], application_credential: { id, secret } }
      const issued = await fetch(`${lab.urls.keystone}/auth/tokens`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ auth: { identity } }),
      })
      expect(issued.status).toBe(201)
      return issued.headers.get('x-subject-token') ?? ''
    }
    const may = await tokenFor([{ service: 'volumev3', method: 'POST', path }])
    const mayNot = await tokenFor([{ service: 'volumev3', method: 'GET', path: '/v3/volumes' }])
    for (const [user, status] of [
      [may, 202],
      [mayNot, 401],
    ] as const) {
      const { fixed, guarded } = await both(situation('no instance'), operation('os-detach'), projectId, {
        user,
      })
      expect(fixed.status).toBe(status)
      expect(guarded).toEqual(fixed)
    }
  })
})

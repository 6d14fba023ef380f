import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { type Fixture, IDS } from './cases.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** Holes that a fixed Cinder has too: shown on it, and closed by a switch. */
const CONNECTED = { driver_volume_type: 'fake', data: { access_mode: 'rw' } }
const FIXTURE: Fixture = {
  volumes: [{ id: IDS.volume, project: 'demo', status: 'in-use', attachStatus: 'attached' }],
  attachments: [
    {
      id: IDS.attachment,
      volumeId: IDS.volume,
      instanceId: IDS.server,
      attachStatus: 'attached',
      connectionInfo: CONNECTED,
    },
    {
      id: IDS.second,
      volumeId: IDS.volume,
      instanceId: IDS.server,
      attachStatus: 'attached',
      connectionInfo: CONNECTED,
    },
  ],
  instances: [
    { id: IDS.server, project: 'demo', attached: [{ volumeId: IDS.volume, attachmentId: IDS.attachment }] },
  ],
}
/** Cinder fails to connect a second record of a volume that is not multi-attach. */
const SINGLE: Fixture = { ...FIXTURE, attachments: FIXTURE.attachments.slice(0, 1) }
const CONNECTOR = {
  connector: {
    initiator: 'iqn.attacker',
    ip: '192.0.2.1',
    host: 'attacker',
    platform: 'x86_64',
    os_type: 'linux',
    multipath: false,
  },
}

const HOLES = [
  [
    "a second record with the host's connector is deleted",
    'guard_shared_connector',
    'member',
    'DELETE',
    `/attachments/${IDS.second}`,
    null,
    200,
  ],
  [
    'os-reset_status to detached',
    'guard_reset_status',
    'admin',
    'POST',
    `/volumes/${IDS.volume}/action`,
    { 'os-reset_status': { attach_status: 'detached' } },
    202,
  ],
  [
    'the used attachment is given another connector',
    'guard_attachment_update',
    'member',
    'PUT',
    `/attachments/${IDS.attachment}`,
    { attachment: CONNECTOR },
    200,
  ],
] as const

describe('beyond the fix', () => {
  let lab: Lab
  let open: Gateway
  let closed: Gateway
  beforeAll(async () => {
    lab = await sharedLab()
    open = await gatewayFor(lab, lab.urls.cinder.legacy)
    const all = Object.fromEntries(HOLES.map(([, option]) => [`cinderguard.${option}`, 'true']))
    closed = await gatewayFor(lab, lab.urls.cinder.legacy, all)
  })
  afterAll(() => Promise.all([open.stop(), closed.stop()]))

  for (const [name, option, caller, method, path, body, passes] of HOLES) {
    const send = async (
      base: string,
      service?: string,
      by: 'admin' | 'member' = caller,
    ): Promise<{ status: number; text: string }> => {
      lab.reset(method === 'PUT' ? SINGLE : FIXTURE)
      const { token, projectId } = await lab.token(by, 'demo')
      const answer = await request(`${base}/v3/${projectId}${path}`, {
        method,
        headers: {
          'x-auth-token': token,
          'openstack-api-version': 'volume 3.27',
          ...(body === null ? {} : { 'content-type': 'application/json' }),
          ...(service === undefined ? {} : { 'x-service-token': service }),
        },
        body: body === null ? null : JSON.stringify(body),
      })
      return { status: answer.statusCode, text: await answer.body.text() }
    }

    test(`${name}: passes a fixed Cinder, and the gateway without its switch`, async () => {
      expect((await send(lab.urls.cinder.fixed)).status).toBe(passes)
      expect((await send(open.url)).status).toBe(passes)
    })

    test(`${name}: is refused with ${option}, and the records stay`, async () => {
      expect(await send(closed.url)).toEqual({
        status: 409,
        text: `{"conflictingRequest": {"code": 409, "message": "ConflictNovaUsingAttachment: Detach volume from instance ${IDS.server} using the Compute API"}}`,
      })
      for (const { id } of (method === 'PUT' ? SINGLE : FIXTURE).attachments) {
        expect(lab.cinderRow('volume_attachment', id)).toMatchObject({
          deleted: 0,
          attach_status: 'attached',
        })
      }
    })

    if (option === 'guard_reset_status')
      test(`${name}: a member is told what policy says, as by a fixed Cinder, and not who uses the volume`, async () => {
        const fixed = await send(lab.urls.cinder.fixed, undefined, 'member')
        expect(fixed.status).toBe(403)
        expect(await send(closed.url, undefined, 'member')).toEqual(fixed)
      })

    test(`${name}: a service may, with ${option} too`, async () => {
      const nova = await lab.token('nova')
      expect((await send(closed.url, nova.token)).status).toBe(passes)
    })
  }
})

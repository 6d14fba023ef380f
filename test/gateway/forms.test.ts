import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { attachmentId, PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { FORMS, statusOf } from '../fuzz/forms.ts'
import { render } from '../fuzz/raw-request.ts'
import { sendBytes, statusesOf } from '../fuzz/send.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** The table of forms, on the stand-in cloud; `test/openstack/forms.test.ts` compares the same with real servers. */
describe.each(['http-proxy-3', 'undici'])('%s', (engine) => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway({ 'cinderguard.forwarder': engine })
  })
  beforeEach(() => gateway.cloud.reset())
  afterAll(() => gateway.stop())

  for (const [group, forms] of Object.entries(FORMS)) {
    describe(group, () => {
      test.each(forms)('%s', async (_name, make, expected) => {
        const names = {
          project: PROJECTS.demo,
          volume: VOLUMES['in-use'],
          attachment: attachmentId('in-use', 0),
          token: gateway.cloud.token('alice'),
          admin: gateway.cloud.token('admin'),
          newVolume: VOLUMES.available,
        }
        const request = make(names)
        request.headers.push(['Connection', 'close'])
        const [status] = statusesOf(await sendBytes(gateway.url, render(request), { patience: 8000 })).filter(
          (each) => each >= 200,
        )
        expect(status).toBe(statusOf(expected))
        // Nothing that changes anything came through.
        expect(gateway.cloud.cinder.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
        if (typeof expected !== 'number')
          expect(gateway.cloud.cinder.requests.filter(({ method }) => method === 'POST')).toEqual([])
      })
    })
  }
})

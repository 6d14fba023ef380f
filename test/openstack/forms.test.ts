import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { FORMS, type Form, statusOf } from '../fuzz/forms.ts'
import { render } from '../fuzz/raw-request.ts'
import { sendBytes, statusesOf } from '../fuzz/send.ts'
import { IDS, SITUATIONS } from './cases.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/**
 * The table of forms before real servers. What the gateway reads as guarded or passes on is answered as fixed Cinder
 * answers it; what it refuses may be anything to Cinder, and some of it does attack the bare one.
 */
const FIXTURE = SITUATIONS['Nova uses this attachment'] ?? { volumes: [], attachments: [], instances: [] }
/** Where the gateway reads more than uWSGI (chunks), or less (names with `_`, expectations): docs/differences.md. */
const OTHERWISE: ReadonlySet<string> = new Set([
  'framing: in chunks',
  'framing: in several chunks',
  'framing: a chunk extension',
  'framing: a trailer',
  'framing: Content_Length',
  'framing: an unknown expectation',
  'identity: X_Auth_Token besides',
  'identity: X_Service_Token',
  'identity: OpenStack_API_Version',
])
let lab: Lab
let token = ''
let projectId = ''
beforeAll(async () => {
  lab = await sharedLab()
  ;({ token, projectId } = await lab.token('member'))
})

function bytesOf([, make]: Form): Buffer {
  const request = make({ project: projectId, volume: IDS.volume, attachment: IDS.attachment, token })
  request.headers.push(['Connection', 'close'])
  return render(request)
}
async function statusAt(url: string, form: Form): Promise<number | undefined> {
  return statusesOf(await sendBytes(url, bytesOf(form))).find((status) => status >= 200)
}
const executed = (): boolean => lab.readVerdicts().some(({ allowed }) => !allowed)

describe.each([
  ['uWSGI', () => lab.urls.cinder.legacy],
  ['eventlet', () => lab.urls.eventlet],
])('before a legacy Cinder under %s', (server, legacy) => {
  let gateway: Gateway
  const attacks: string[] = []
  beforeAll(async () => {
    gateway = await gatewayFor(lab, legacy())
    lab.reset(FIXTURE)
  })
  afterAll(async () => {
    await gateway.stop()
    console.log(`${server}: ${attacks.length} forms attack the bare Cinder: ${attacks.join('; ')}`)
  })

  for (const [group, forms] of Object.entries(FORMS)) {
    test.each(forms.map((form) => [`${group}: ${form[0]}`, form] as const))('%s', async (name, form) => {
      lab.clearVerdicts()
      expect(await statusAt(gateway.url, form)).toBe(statusOf(form[2]))
      expect(executed()).toBe(false)
      if (form[2] !== 'refused' && form[2] !== 'closed' && server === 'uWSGI' && !OTHERWISE.has(name))
        expect(await statusAt(lab.urls.cinder.fixed, form)).toBe(statusOf(form[2]))
      await statusAt(legacy(), form)
      if (executed()) {
        attacks.push(name)
        lab.reset(FIXTURE)
      }
    })
  }

  test('many of them attack a bare Cinder', () => {
    expect(attacks.length).toBeGreaterThan(20)
  })
})

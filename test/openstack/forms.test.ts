import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { CORPUS } from '../fuzz/corpus.ts'
import { FORMS, type Form, PREFIXED, statusOf } from '../fuzz/forms.ts'
import { render } from '../fuzz/raw-request.ts'
import { sendBytes, statusesOf } from '../fuzz/send.ts'
import { IDS, SITUATIONS } from './cases.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/**
 * The table of forms before real servers. What the gateway reads as guarded or passes on is answered as fixed Cinder
 * answers it; what it refuses may be anything to Cinder, and some of it does attack the bare one. Gateways of both
 * forwarders are asked at once, so that the second costs little.
 */
const FORWARDERS = ['http-proxy-3', 'undici'] as const
const FIXTURE = SITUATIONS['Nova uses this attachment'] ?? { volumes: [], attachments: [], instances: [] }
/** Where the gateway reads more than uWSGI (chunks), or less (names with `_`, expectations): docs/differences.md. */
const OTHERWISE: ReadonlySet<string> = new Set([
  'the path: .xml, a format until Newton',
  'framing: in chunks',
  'framing: in several chunks',
  'framing: a chunk extension',
  'framing: a trailer',
  'framing: Content_Length',
  'the body: nested 300 deep',
  // 404 where no such route is.
  'the method: _method in a form, encoded',
  'framing: an unknown expectation',
  'framing: too many headers',
  'framing: too large a header',
  'operations: attachment delete with an empty chunked body',
  'the path: /v2, which this Cinder has no more',
  'the path: /v1, which no Cinder has',
  'identity: X_Auth_Token besides',
  'identity: X_Service_Token',
  'identity: OpenStack_API_Version',
])
let lab: Lab
let token = ''
let admin = ''
let projectId = ''
beforeAll(async () => {
  lab = await sharedLab()
  ;({ token, projectId } = await lab.token('member'))
  admin = (await lab.token('admin', 'demo')).token
})

function bytesOf([, make]: Form): Buffer {
  const { volume, attachment, newVolume } = IDS
  const request = make({ project: projectId, volume, attachment, newVolume, token, admin })
  request.headers.push(['Connection', 'close'])
  return render(request)
}
interface Told {
  readonly status: number | undefined
  readonly body: string
}
/** The first answer that is one; its body without what chance puts into it. */
async function askedAt(url: string, form: Form): Promise<Told> {
  const bytes = await sendBytes(url, bytesOf(form), { patience: 8000 })
  const text = bytes.toString('latin1')
  const from = text.search(/^HTTP\/1\.[01] [2-5]/m)
  return {
    status: statusesOf(bytes).find((status) => status >= 200),
    body: from === -1 ? '' : text.slice(from).split('\r\n\r\n').slice(1).join(''),
  }
}
const statusAt = async (url: string, form: Form) => (await askedAt(url, form)).status
const executed = (): boolean => lab.readVerdicts().some(({ allowed }) => !allowed)

describe.each([
  ['uWSGI', () => lab.urls.cinder.legacy],
  ['eventlet', () => lab.urls.eventlet],
])('before a legacy Cinder under %s', (server, legacy) => {
  let gateways: readonly Gateway[]
  let prefixed: readonly Gateway[]
  const attacks: string[] = []
  const each = (overrides: Record<string, string> = {}) =>
    Promise.all(
      FORWARDERS.map((forwarder) =>
        gatewayFor(lab, legacy(), { 'cinderguard.forwarder': forwarder, ...overrides }),
      ),
    )
  beforeAll(async () => {
    gateways = await each()
    prefixed = await each({ 'cinderguard.public_prefix': '/volume' })
    lab.reset(FIXTURE)
  })
  afterAll(async () => {
    await Promise.all([...gateways, ...prefixed].map((gateway) => gateway.stop()))
    console.log(`${server}: ${attacks.length} forms attack the bare Cinder: ${attacks.join('; ')}`)
  })

  for (const [group, forms] of Object.entries(FORMS)) {
    test.each(forms.map((form) => [`${group}: ${form[0]}`, form] as const))('%s', async (name, form) => {
      lab.clearVerdicts()
      const isEqual = form[2] !== 'refused' && form[2] !== 'closed' && !OTHERWISE.has(name)
      // None changes anything, so that all may be asked at once.
      const [fixed, ...told] = await Promise.all([
        isEqual && server === 'uWSGI' ? askedAt(lab.urls.cinder.fixed, form) : null,
        ...gateways.map(({ url }) => askedAt(url, form)),
      ])
      expect(told.map((each) => each?.status)).toEqual(FORWARDERS.map(() => statusOf(form[2])))
      expect(executed()).toBe(false)
      if (fixed !== null) expect(told).toEqual(FORWARDERS.map(() => fixed))
      await statusAt(legacy(), form)
      if (executed()) {
        attacks.push(name)
        lab.reset(FIXTURE)
      }
    })
  }

  test("other people's payloads", async () => {
    const { volume, attachment, newVolume } = IDS
    const names = { project: projectId, volume, attachment, newVolume, token, admin }
    for (let at = 0; at < CORPUS.length; at += 8) {
      const some = CORPUS.slice(at, at + 8)
      lab.clearVerdicts()
      const sent = gateways.flatMap(({ url }) =>
        some.map(({ bytes }) => sendBytes(url, bytes(names), { limit: 2000 })),
      )
      await Promise.all(sent)
      expect([executed(), some.map(({ name }) => name)]).toEqual([false, some.map(({ name }) => name)])
    }
  })

  test.each(PREFIXED.map((form) => [form[0], form] as const))('behind a prefix: %s', async (_name, form) => {
    lab.clearVerdicts()
    const told = await Promise.all(prefixed.map(({ url }) => statusAt(url, form)))
    expect(told).toEqual(FORWARDERS.map(() => statusOf(form[2])))
    expect(executed()).toBe(false)
  })

  test('many of them attack a bare Cinder', () => {
    expect(attacks.length).toBeGreaterThan(20)
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { ask, type Question } from './ask.ts'
import { IDS, SITUATIONS } from './cases.ts'
import type { Answer } from './exchange.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/**
 * The HTTP face of the gateway is that of a fixed Cinder, all headers included, whatever form a request has, and by
 * whichever forwarder. No question changes anything, so that all are asked at once.
 */
const FORWARDERS = ['http-proxy-3', 'undici'] as const
const FIXTURE = SITUATIONS['Nova uses this attachment'] ?? {}
const ACTION = `/v3/{project}/volumes/${IDS.volume}/action`
const DETACH = '{"os-detach": {}}'
const JSON_TYPE = { 'content-type': 'application/json' }
const TOKEN = { 'x-auth-token': '{member}' }
const action = (headers: Record<string, string>, body: string | Buffer = DETACH): Question => ({
  method: 'POST',
  path: ACTION,
  headers: { ...TOKEN, ...headers },
  body,
})
const withVersion = (version: string): Question => action({ ...JSON_TYPE, 'openstack-api-version': version })
const attachmentDelete = (version: string): Question => ({
  method: 'DELETE',
  path: `/v3/{project}/attachments/${IDS.attachment}`,
  headers: { ...TOKEN, 'openstack-api-version': version },
})
const withType = (type: string): Question => action({ 'content-type': type })
const withBody = (body: string | Buffer): Question => action(JSON_TYPE, body)
const list = (headers: Record<string, string>): Question => ({ path: '/v3/{project}/volumes', headers })
const tooLarge = (headers: Record<string, string>): Question =>
  action({ ...JSON_TYPE, ...headers }, ' '.repeat(114_689))
const nested = (levels: number): string => `{"os-detach": ${'['.repeat(levels)}${']'.repeat(levels)}}`

const EQUAL: Readonly<Record<string, Readonly<Record<string, Question>>>> = {
  'without a valid token': {
    'no token': list({}),
    'no token, on a guarded path': { method: 'POST', path: ACTION, headers: JSON_TYPE, body: DETACH },
    'an empty token': list({ 'x-auth-token': '' }),
    'an unknown token': list({ 'x-auth-token': 'gAAAAABnobodyknowsthis' }),
    'an unknown token that asks for HTML': list({ 'x-auth-token': 'gAAAAABnobody', accept: 'text/html' }),
    'a token with blanks around it': list({ 'x-auth-token': '  {member}  ' }),
    'a token in X-Storage-Token': list({ 'x-storage-token': '{member}' }),
    'an unknown token in X-Storage-Token': list({ 'x-storage-token': 'gAAAAABnobody' }),
    'an empty X-Auth-Token beside a good X-Storage-Token': list({
      'x-auth-token': '',
      'x-storage-token': '{member}',
    }),
    'an unknown service token': list({ ...TOKEN, 'x-service-token': 'gAAAAABnobody' }),
    'an empty service token': list({ ...TOKEN, 'x-service-token': '' }),
    'an unknown service token, detaching': action({ ...JSON_TYPE, 'x-service-token': 'gAAAAABnobody' }),
    'a service token and no user token': list({ 'x-service-token': '{nova}' }),
    'an unknown API version with no token': list({ 'openstack-api-version': 'volume 9.9' }),
  },
  'a body over the limit': {
    'for a client that accepts JSON': tooLarge({ accept: 'application/json' }),
    'for a client that accepts HTML': tooLarge({ accept: 'text/html' }),
    'for a client that accepts plain text': tooLarge({ accept: 'text/plain' }),
    'for a client that accepts an image': tooLarge({ accept: 'image/png' }),
    'for a client that accepts anything': tooLarge({ accept: '*/*' }),
    'for a client that does not say': tooLarge({}),
    'without a token': { method: 'POST', path: ACTION, headers: JSON_TYPE, body: ' '.repeat(114_689) },
    'exactly at the limit': withBody(DETACH + ' '.repeat(114_688 - DETACH.length)),
  },
  'outside of the API': {
    'the version list': { path: '/' },
    'the version list, accepting JSON': { path: '/', headers: { accept: 'application/json' } },
    'the health check': { path: '/healthcheck' },
    'the health check in JSON': { path: '/healthcheck', headers: { accept: 'application/json' } },
    'HEAD of the health check': { method: 'HEAD', path: '/healthcheck' },
    'v3 without a token': { path: '/v3/' },
    'v3 without a token or slash': { path: '/v3' },
    'v3 with a token': { path: '/v3/', headers: TOKEN },
    'v3 of a project': { path: '/v3/{project}', headers: TOKEN },
    'v2 with a token': { path: '/v2/{project}/volumes', headers: TOKEN },
    'a path of nobody': { path: '/nonsense' },
    'a path of nobody below v3': { path: '/v3/{project}/nonsense', headers: TOKEN },
    'a route with a wrong method': { method: 'PATCH', path: '/v3/{project}/volumes', headers: TOKEN },
    'OPTIONS of a route': { method: 'OPTIONS', path: '/v3/{project}/volumes' },
    'OPTIONS of the root': { method: 'OPTIONS', path: '/' },
    'a preflight': {
      method: 'OPTIONS',
      path: '/v3/{project}/volumes',
      headers: { origin: 'https://dashboard.example.org', 'access-control-request-method': 'GET' },
    },
    'a trailing slash after action': { ...withBody(DETACH), path: `${ACTION}/` },
    'an action in upper case': { ...withBody(DETACH), path: ACTION.replace('action', 'ACTION') },
    "another project's URL": { ...withBody(DETACH), path: ACTION.replace('{project}', 'f'.repeat(32)) },
    'an action by GET': { path: ACTION, headers: TOKEN },
  },
  'a version header on os-detach': {
    valid: withVersion('volume 3.50'),
    'the newest by name': withVersion('volume latest'),
    'the newest in capitals': withVersion('volume LATEST'),
    'too new': withVersion('volume 3.999'),
    'too old': withVersion('volume 2.9'),
    'no number': withVersion('volume abc'),
    'a leading zero': withVersion('volume 3.01'),
    'three numbers': withVersion('volume 3.1.2'),
    'a word too many': withVersion('volume 3.27 x'),
    'no version': withVersion('volume'),
    "another service's": withVersion('compute 2.1'),
    'of several services': withVersion('compute 2.1, volume 3.27'),
    'of several services, the newest': withVersion('compute latest,volume latest'),
    'of volume twice': withVersion('volume 3.27, volume 3.999'),
    'a number alone': withVersion('3.27'),
    empty: withVersion(''),
    'capital Volume': withVersion('Volume 3.27'),
    'of volumev3': withVersion('volumev3 3.27'),
  },
  'a version header on attachment delete': {
    'none of it': attachmentDelete('compute 2.1'),
    valid: attachmentDelete('volume 3.27'),
    'the newest': attachmentDelete('volume latest'),
    'before attachments': attachmentDelete('volume 3.26'),
    'too new': attachmentDelete('volume 3.999'),
    'no number': attachmentDelete('volume x'),
  },
  'a content type': {
    missing: action({}),
    'text/plain': withType('text/plain'),
    'with a charset': withType('application/json; charset=utf-8'),
    'with a charset nobody knows': withType('application/json; charset=x'),
    'without a blank': withType('application/json;charset=utf-8'),
    'with a blank before the semicolon': withType('application/json ; charset=utf-8'),
    'in capitals': withType('Application/JSON'),
    "Cinder's own": withType('application/vnd.openstack.volume+json'),
    "Nova's own": withType('application/vnd.openstack.compute+json'),
    'of a form': withType('application/x-www-form-urlencoded'),
    XML: withType('application/xml'),
    empty: withType(''),
    nonsense: withType('json'),
  },
  'a body': {
    empty: withBody(''),
    'not JSON': withBody('{'),
    'with text after it': withBody(`${DETACH} x`),
    'with a byte order mark': withBody(`\ufeff${DETACH}`),
    'in UTF-16': withBody(Buffer.from(DETACH, 'utf16le')),
    'not UTF-8': withBody(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    NaN: withBody('{"os-detach": NaN}'),
    'NaN inside': withBody('{"os-detach": {"attachment_id": NaN}}'),
    Infinity: withBody('{"os-detach": -Infinity}'),
    'the same key twice': withBody('{"os-detach": 5, "os-detach": {}}'),
    'the same key twice, the last one wrong': withBody('{"os-detach": {}, "os-detach": 5}'),
    'an escaped name': withBody('{"os-det\\u0061ch": {}}'),
    'a list': withBody('[]'),
    'a list of one': withBody('[1]'),
    'a string': withBody('"os-detach"'),
    'a string of one': withBody('"x"'),
    'an empty string': withBody('""'),
    'a number': withBody('5'),
    null: withBody('null'),
    true: withBody('true'),
    'no key': withBody('{}'),
    'two keys': withBody('{"os-detach": {}, "os-reserve": {}}'),
    'an unknown action': withBody('{"os-nothing": {}}'),
    'an empty action': withBody('{"": {}}'),
    'the action in capitals': withBody('{"OS-DETACH": {}}'),
    'nested 50 deep': withBody(nested(50)),
    'blanks around it': withBody(` \n${DETACH}\r\n `),
    'a form feed before it': withBody(`\f${DETACH}`),
  },
}

/** Where the gateway is stricter: what it answers, and what a fixed Cinder does. */
const DIFFERENT: readonly (readonly [string, Question, Partial<Answer>, number])[] = [
  [
    'nested 3,000 deep',
    withBody(nested(3000)),
    { status: 400, body: '{"badRequest": {"code": 400, "message": "Malformed request body"}}' },
    500,
  ],
  [
    'v2, which this Cinder has no more, without a token',
    { path: '/v2/{project}/volumes' },
    { status: 401 },
    404,
  ],
]

describe('the same answer as fixed Cinder', () => {
  let lab: Lab
  let gateways: readonly Gateway[]
  let project = ''
  const tokens = new Map<string, string>()
  beforeAll(async () => {
    lab = await sharedLab()
    gateways = await Promise.all(
      FORWARDERS.map((forwarder) =>
        gatewayFor(lab, lab.urls.cinder.legacy, { 'cinderguard.forwarder': forwarder }),
      ),
    )
    const member = await lab.token('member')
    project = member.projectId
    tokens.set('{member}', member.token).set('{nova}', (await lab.token('nova')).token)
  })
  afterAll(() => Promise.all(gateways.map((gateway) => gateway.stop())))
  beforeEach(() => {
    lab.reset(FIXTURE)
    lab.clearVerdicts()
  })

  function send(base: string, question: Question): Promise<Answer> {
    const filled = Object.entries(question.headers ?? {}).map(([name, value]) => {
      let text = value
      for (const [slot, token] of tokens) text = text.replace(slot, token)
      return [name, text]
    })
    return ask(base, project, { ...question, headers: Object.fromEntries(filled) })
  }

  /** What a fixed Cinder says, and what the legacy one says by way of each gateway. */
  async function sendToAll(question: Question) {
    const [fixed, ...guarded] = await Promise.all(
      [lab.urls.cinder.fixed, ...gateways.map(({ url }) => url)].map((base) => send(base, question)),
    )
    return { fixed, guarded: FORWARDERS.map((forwarder, at) => [forwarder, guarded[at]] as const) }
  }

  for (const [group, questions] of Object.entries(EQUAL)) {
    describe(group, () => {
      for (const [name, question] of Object.entries(questions)) {
        test(name, async () => {
          const { fixed, guarded } = await sendToAll(question)
          expect(guarded).toEqual(FORWARDERS.map((forwarder) => [forwarder, fixed]))
          expect(lab.readVerdicts().filter(({ allowed }) => !allowed)).toEqual([])
        })
      }
    })
  }

  describe('documented differences', () => {
    for (const [name, question, expected, fixedStatus] of DIFFERENT) {
      test(name, async () => {
        const { fixed, guarded } = await sendToAll(question)
        expect(fixed?.status).toBe(fixedStatus)
        expect(guarded).toMatchObject(FORWARDERS.map((forwarder) => [forwarder, expected]))
        expect(lab.readVerdicts()).toEqual([])
      })
    }
  })
})

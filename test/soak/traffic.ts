import http from 'node:http'
import type { Cloud } from '../../src/demo/cloud.ts'
import { attachmentId, PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'

/** What one client sees of one request; null: it hung up before the answer. */
export type Seen = { readonly status: number; readonly headers: http.IncomingHttpHeaders } | null

export interface Kind {
  readonly name: string
  readonly weight: number
  /** Statuses while all is well. */
  readonly well: readonly number[]
  send(asker: Asker): Promise<Seen>
}

export interface Asker {
  readonly cloud: Cloud
  readonly base: string
  readonly agent: http.Agent
  /** alice's token, an admin's, Nova's. */
  readonly tokens: { readonly user: string; readonly admin: string; readonly service: string }
}

/** Statuses with which a gateway says that something behind it is not well. */
export const UNWELL: readonly number[] = [502, 503, 504]

const used = VOLUMES['in-use']
const action = (
  body: object,
  asker: Asker,
  token: string,
  more: Record<string, string> = {},
): Promise<Seen> => ask(asker, 'POST', `/volumes/${used}/action`, token, JSON.stringify(body), more)

/** Mixed traffic: reads, writes, attacks of every kind, services, nonsense, and clients that misbehave. */
export const KINDS: readonly Kind[] = [
  {
    name: 'read, token known',
    weight: 30,
    well: [200],
    send: (a) => ask(a, 'GET', '/volumes', a.tokens.user),
  },
  {
    name: 'read, token new',
    weight: 10,
    well: [200],
    send: (a) => ask(a, 'GET', '/volumes', a.cloud.token('alice')),
  },
  {
    name: 'read, no such token',
    weight: 5,
    well: [401],
    send: (a) => ask(a, 'GET', '/volumes', `no-${Math.random()}`),
  },
  {
    name: 'write',
    weight: 6,
    well: [202],
    send: (a) => action({ 'os-set_bootable': { bootable: true } }, a, a.tokens.user),
  },
  { name: 'os-detach', weight: 8, well: [409], send: (a) => action({ 'os-detach': {} }, a, a.tokens.user) },
  {
    name: 'os-detach, named',
    weight: 4,
    well: [409],
    send: (a) => action({ 'os-detach': { attachment_id: attachmentId('in-use') } }, a, a.tokens.user),
  },
  {
    name: 'os-terminate_connection',
    weight: 4,
    well: [409],
    send: (a) => action({ 'os-terminate_connection': { connector: {} } }, a, a.tokens.user),
  },
  {
    name: 'os-force_detach by an admin',
    weight: 4,
    well: [409],
    send: (a) => action({ 'os-force_detach': { connector: {} } }, a, a.tokens.admin),
  },
  {
    name: 'os-force_detach by a member',
    weight: 4,
    well: [403],
    send: (a) => action({ 'os-force_detach': { connector: {} } }, a, a.tokens.user),
  },
  {
    name: 'attachment delete',
    weight: 4,
    well: [409],
    send: (a) =>
      ask(a, 'DELETE', `/attachments/${attachmentId('in-use')}`, a.tokens.user, undefined, {
        'openstack-api-version': 'volume 3.27',
      }),
  },
  {
    name: 'os-detach with a forged service token',
    weight: 4,
    well: [401],
    send: (a) =>
      action({ 'os-detach': {} }, a, a.tokens.user, { 'x-service-token': `forged-${Math.random()}` }),
  },
  {
    name: 'os-detach by a user as service',
    weight: 4,
    well: [409],
    send: (a) => action({ 'os-detach': {} }, a, a.tokens.user, { 'x-service-token': a.tokens.user }),
  },
  {
    name: 'os-detach by Nova',
    weight: 4,
    well: [202],
    send: (a) =>
      ask(
        a,
        'POST',
        `/volumes/${VOLUMES.stale}/action`,
        a.tokens.user,
        '{"os-terminate_connection": {"connector": {}}}',
        {
          'x-service-token': a.tokens.service,
        },
      ),
  },
  {
    name: 'no JSON',
    weight: 2,
    well: [400],
    send: (a) => ask(a, 'POST', `/volumes/${used}/action`, a.tokens.user, '{"os-detach"'),
  },
  {
    name: 'a body too large',
    weight: 1,
    well: [413],
    send: (a) => action({ 'os-detach': { x: 'x'.repeat(120_000) } }, a, a.tokens.user),
  },
  { name: 'a client that leaves', weight: 4, well: [], send: leaves },
  { name: 'a client that sends slowly', weight: 2, well: [409], send: drips },
]

function options(asker: Asker, method: string, path: string, token: string): http.RequestOptions {
  const { hostname, port } = new URL(asker.base)
  return {
    hostname,
    port,
    method,
    path: `/v3/${PROJECTS.demo}${path}`,
    headers: { 'x-auth-token': token, 'content-type': 'application/json' },
  }
}

function ask(
  asker: Asker,
  method: string,
  path: string,
  token: string,
  body?: string,
  more: Record<string, string> = {},
): Promise<Seen> {
  const all = options(asker, method, path, token)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const sent = http.request({ ...all, agent: asker.agent, headers: { ...all.headers, ...more, ...length } })
  sent.end(body)
  return answerOf(sent)
}

function answerOf(sent: http.ClientRequest): Promise<Seen> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject)
    sent.once('response', (answer) => {
      answer.resume()
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }))
    })
  })
}

function leaves(asker: Asker): Promise<Seen> {
  const all = options(asker, 'POST', `/volumes/${used}/action`, asker.tokens.user)
  const sent = http.request({ ...all, agent: false })
  sent.on('error', () => undefined)
  sent.end('{"os-detach": {}}')
  return new Promise((resolve) => {
    sent.once('close', () => resolve(null))
    setTimeout(() => sent.destroy(), Math.random() * 4)
  })
}

function drips(asker: Asker): Promise<Seen> {
  const body = '{"os-detach": {}}'
  const all = options(asker, 'POST', `/volumes/${used}/action`, asker.tokens.user)
  const headers = { ...all.headers, 'content-length': String(body.length) }
  const sent = http.request({ ...all, headers, agent: false })
  let at = 0
  const timer = setInterval(() => {
    sent.write(body.slice(at, at + 1))
    at += 1
    if (at < body.length) return
    clearInterval(timer)
    sent.end()
  }, 20)
  sent.once('close', () => clearInterval(timer))
  return answerOf(sent)
}

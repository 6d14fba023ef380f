import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Client } from 'undici'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { attachmentId, PROJECTS, VOLUMES, type VolumeName } from '../../src/demo/fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { freePorts } from './lab/freePorts.ts'
import { ensure } from './lab/install.ts'

/** nginx by deploy/nginx in front of a gateway: it changes nothing of what is asked and answered. */
const HOST = 'volume.example.org'
/** Where clients call from: nginx itself calls from 127.0.0.1. */
const CLIENT = '127.0.0.2'
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-nginx-'))
const records = join(folder, 'decisions.log')
let nginx: ChildProcess
let gateway: TestGateway
const clients: { direct?: Client; nginx?: Client } = {}

/** The shipped site with other ports, files and gateway; what is around it is only for a process of its own. */
function siteOf(port: number, gatewayPort: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  const site = readFileSync(join(import.meta.dirname, '../../deploy/nginx/cinderguard.conf'), 'utf8')
    .replace('server 127.0.0.1:8776;', `server 127.0.0.1:${gatewayPort};`)
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`)
    .replaceAll('/etc/ssl/', `${folder}/`)
  return `daemon off; user root; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {}
http { access_log off; ${temporary.join(' ')}
${site} }`
}

beforeAll(async () => {
  ensure(['nginx-light', 'openssl'])
  gateway = await startTestGateway({
    'cinderguard.trusted_proxies': '127.0.0.1',
    'cinderguard.audit_log': records,
  })
  const [cert, key] = [join(folder, 'volume.pem'), join(folder, 'volume.key')]
  const files = ['-newkey', 'rsa:2048', '-nodes', '-out', cert, '-keyout', key]
  execFileSync('openssl', ['req', '-x509', ...files, '-subj', `/CN=${HOST}`], { stdio: 'ignore' })
  const [port = 0] = await freePorts(1)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, siteOf(port, new URL(gateway.url).port))
  nginx = spawn('/usr/sbin/nginx', ['-p', folder, '-c', file], { stdio: 'ignore' })
  const tls = { ca: readFileSync(cert), servername: HOST }
  clients.direct = new Client(gateway.url, { localAddress: CLIENT })
  clients.nginx = new Client(`https://127.0.0.1:${port}`, { localAddress: CLIENT, connect: tls })
  const up = () => sent('nginx', { path: '/' }).then(({ status }) => status)
  await vi.waitFor(async () => expect(await up()).toBe(300), { timeout: 10_000 })
})
afterAll(async () => {
  for (const client of Object.values(clients)) await client.destroy()
  const gone = once(nginx, 'exit')
  nginx.kill('SIGTERM')
  await gone
  await gateway.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: string | readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly by?: 'alice' | 'nobody'
  readonly service?: 'nova'
}
interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  /** What came to Cinder of it, targets as they were sent. */
  readonly executed: readonly string[]
}
/** Of an answer; the others are of the hop, or differ from one answer to the next. */
const COMPARED = ['content-type', 'openstack-api-version', 'vary', 'www-authenticate', 'retry-after']

async function sent(way: 'direct' | 'nginx', asked: Asked): Promise<Answered> {
  const { method = 'GET', path, body, headers = {}, by = 'alice', service } = asked
  const client = clients[way]
  if (client === undefined) throw new Error('not started')
  // Nothing is known to have been asked, either.
  gateway.cloud.reset()
  const answer = await client.request({
    method,
    path,
    headers: {
      host: HOST,
      'x-auth-token': by === 'nobody' ? 'no-such-token' : gateway.cloud.token(by),
      ...(service === undefined ? {} : { 'x-service-token': gateway.cloud.token(service) }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    // A list goes out in chunks, without its length.
    body: typeof body === 'object' ? Readable.from(body) : (body ?? null),
  })
  const text = await answer.body.text()
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(COMPARED.map((name) => [name, answer.headers[name]])),
    body: text.replaceAll(/req-[0-9a-f-]{36}/g, 'REQUEST'),
    // The gateway's own questions are GETs for what it has to know.
    executed: gateway.cloud.cinder.requests
      .filter((each) => each.method === method)
      .map((each) => `${each.method} ${each.target}`),
  }
}

const V3 = `/v3/${PROJECTS.demo}`
const detach = (volume: VolumeName, more: Partial<Asked> = {}): Asked => ({
  method: 'POST',
  path: `${V3}/volumes/${VOLUMES[volume]}/action`,
  body: '{"os-detach": {}}',
  ...more,
})
const ON_VOLUME = `${V3}/volumes/${VOLUMES['in-use']}`
const REFUSED: readonly (readonly [string, number, Asked])[] = [
  ['the attack', 409, detach('in-use')],
  ['the attack, in chunks', 409, detach('in-use', { body: ['{"os-det', 'ach": {}}'] })],
  [
    'the attack, by its attachment',
    409,
    {
      method: 'DELETE',
      path: `${V3}/attachments/${attachmentId('in-use')}`,
      headers: { 'openstack-api-version': 'volume 3.27' },
    },
  ],
  ['a bad token', 401, detach('in-use', { by: 'nobody' })],
  ['an encoded slash', 400, detach('in-use', { path: `${ON_VOLUME}%2Faction` })],
  ['an encoded slash in lower case', 400, detach('in-use', { path: `${ON_VOLUME}%2faction` })],
  ['a doubled slash', 400, detach('in-use', { path: `${ON_VOLUME}//action` })],
  ['a doubled slash at the start', 400, detach('in-use', { path: `/${ON_VOLUME}/action` })],
  ['dots', 400, detach('in-use', { path: `${V3}/volumes/x/../${VOLUMES['in-use']}/action` })],
  ['encoded dots', 400, detach('in-use', { path: `${V3}/volumes/x/%2e%2e/${VOLUMES['in-use']}/action` })],
  ['encoded letters', 409, detach('in-use', { path: `${ON_VOLUME}/%61ction` })],
]
const PASSED: readonly (readonly [string, number, Asked])[] = [
  ["a service's detach", 202, detach('in-use', { service: 'nova' })],
  ['a detach of what no server uses', 202, detach('stale')],
  ['encoded letters', 202, detach('stale', { path: `${V3}/v%6Flumes/${VOLUMES.stale}/%61ction` })],
  ['what is not guarded', 200, { path: `${V3}/volumes/detail?name=a%2Fb%20c&limit=1` }],
]

describe('as without it', () => {
  test.each(REFUSED)('is refused: %s', async (_name, status, asked) => {
    const direct = await sent('direct', asked)
    expect([direct.status, direct.executed]).toEqual([status, []])
    expect(await sent('nginx', asked)).toEqual(direct)
  })

  test.each(PASSED)('passes, as it was written: %s', async (_name, status, asked) => {
    const direct = await sent('direct', asked)
    expect([direct.status, direct.executed.at(-1)]).toEqual([
      status,
      `${asked.method ?? 'GET'} ${asked.path}`,
    ])
    expect(await sent('nginx', asked)).toEqual(direct)
  })
})

test("the client's address is recorded, whatever the client says that it is", async () => {
  const agent = { 'user-agent': 'whose-address' }
  for (const way of ['direct', 'nginx'] as const)
    for (const more of [{}, { 'x-forwarded-for': '192.0.2.7' }, { 'x-forwarded-for': '127.0.0.1' }])
      expect((await sent(way, detach('in-use', { headers: { ...agent, ...more } }))).status).toBe(409)
  const addresses = () =>
    readFileSync(records, 'utf8')
      .split('\n')
      .filter((line) => line.includes(agent['user-agent']))
      .map((line) => (JSON.parse(line) as Recorded).initiator.host.address)
  await expect.poll(addresses).toEqual(Array.from({ length: 6 }, () => CLIENT))
})

interface Recorded {
  readonly initiator: { readonly host: { readonly address: string } }
}

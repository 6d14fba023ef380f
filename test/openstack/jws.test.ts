import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Gateway } from '../../src/serve.ts'
import { Faulty } from './faulty.ts'
import { labPassword } from './lab/accounts.ts'
import { freePorts } from './lab/freePorts.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/**
 * A second Keystone of the lab, on the same database, that issues JWS tokens (`[token] provider = jws`), and a gateway
 * that has its public keys. The lab's Cinder knows the first Keystone only, so another server stands in for it.
 */
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-jws-lab-'))
let lab: Lab
let keystone: ChildProcess
let before: Faulty
let upstream: Server
let gateway: Gateway

beforeAll(async () => {
  lab = await sharedLab()
  for (const name of ['private', 'public']) mkdirSync(join(folder, name))
  const sections = readFileSync(lab.paths.keystoneConf, 'utf8').replace('provider = fernet', 'provider = jws')
  const keys = `\n[jwt_tokens]\njws_private_key_repository = ${folder}/private\njws_public_key_repository = ${folder}/public\n`
  writeFileSync(join(folder, 'keystone.conf'), sections + keys)
  const owner = ['--keystone-user', 'root', '--keystone-group', 'root']
  const conf = ['--config-file', join(folder, 'keystone.conf')]
  execFileSync('/usr/bin/keystone-manage', [...conf, 'create_jws_keypair', ...owner], {
    cwd: folder,
    stdio: 'ignore',
  })
  execFileSync('mv', ['private.pem', 'private/private.pem'], { cwd: folder })
  execFileSync('mv', ['public.pem', 'public/1.pem'], { cwd: folder })
  const [port = 0] = await freePorts(1)
  const flags = [
    '--plugin',
    'python3',
    '--http-socket',
    `127.0.0.1:${port}`,
    '--enable-threads',
    '--buffer-size',
    '65535',
  ]
  keystone = spawn(
    '/usr/bin/uwsgi',
    [...flags, '--die-on-term', '--wsgi-file', '/usr/bin/keystone-wsgi-public'],
    {
      cwd: folder,
      stdio: 'ignore',
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: folder,
        OS_KEYSTONE_CONFIG_DIR: folder,
        OS_KEYSTONE_CONFIG_FILES: join(folder, 'keystone.conf'),
      },
    },
  )
  const url = `http://127.0.0.1:${port}/v3`
  await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200), {
    timeout: 60_000,
    interval: 200,
  })
  before = await Faulty.before(url)
  upstream = createServer((_request, response) => response.end('forwarded'))
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  gateway = await gatewayFor(lab, `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, {
    'keystone_authtoken.auth_url': before.url,
    'keystone_authtoken.token_cache_time': '-1',
    'cinderguard.token_negative_cache_time': '0',
    'cinderguard.jws_public_keys': join(folder, 'public'),
  })
}, 120_000)
afterAll(async () => {
  await gateway?.stop()
  upstream?.close()
  before?.stop()
  const gone = once(keystone, 'exit')
  keystone.kill('SIGKILL')
  await gone
  rmSync(folder, { recursive: true, force: true })
})

async function issued(): Promise<string> {
  const answer = await fetch(`${before.url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { id: lab.ids.users.member, password: labPassword } },
        },
        scope: { project: { id: lab.ids.projects.demo } },
      },
    }),
  })
  expect(answer.status).toBe(201)
  return answer.headers.get('x-subject-token') ?? ''
}

/** The status for a token, and whether Keystone was asked about it. */
async function asked(token: string): Promise<readonly [number, boolean]> {
  const count = before.asked
  const answer = await request(`${gateway.url}/v3/volumes`, { headers: { 'x-auth-token': token } })
  await answer.body.dump()
  return [answer.statusCode, before.asked > count]
}

test('a token of it is good', async () => {
  const token = await issued()
  expect(token.split('.')).toHaveLength(3)
  expect(await asked(token)).toEqual([200, true])
})

test('a changed one is refused, and Keystone is not asked', async () => {
  const [head, claims = '', signature] = (await issued()).split('.')
  const more = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: lab.ids.users.admin }
  const forged = [head, Buffer.from(JSON.stringify(more)).toString('base64url'), signature].join('.')
  expect(await asked(forged)).toEqual([401, false])
})

test('a revoked one is refused by Keystone', async () => {
  const token = await issued()
  const headers = { 'x-auth-token': token, 'x-subject-token': token }
  expect((await fetch(`${before.url}/auth/tokens`, { method: 'DELETE', headers })).status).toBe(204)
  expect(await asked(token)).toEqual([401, true])
})

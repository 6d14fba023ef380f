import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/options.ts'
import { Secret } from '../../src/config/secret.ts'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { GATEWAY_ACCOUNT } from '../../src/demo/fixture.ts'
import { type Given, look } from '../../src/doctor/look.ts'
import { upstreamReach } from '../../src/doctor/looks/reach.ts'
import type { Survey } from '../../src/doctor/survey.ts'

let cloud: Cloud
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-look-'))
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(async () => {
  await cloud.stop()
  rmSync(folder, { recursive: true })
})

const NOTHING: Given = {
  traffic: { problem: 'not asked' },
  policyFiles: [],
  policyJson: null,
  operator: null,
  saw: null,
}
function configured(overrides: Readonly<Record<string, string>>): Config {
  const loaded = loadConfig({
    env: {},
    overrides: {
      'cinderguard.upstream': cloud.urls.cinder,
      'cinderguard.nova_timeout': '1',
      'keystone_authtoken.auth_url': cloud.urls.keystone,
      ...GATEWAY_ACCOUNT,
      'service_user.send_service_user_token': 'true',
      ...overrides,
    },
  })
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}
const survey = (overrides: Readonly<Record<string, string>> = {}, given: Partial<Given> = {}) =>
  look(configured(overrides), { ...NOTHING, ...given })
/** An account of the stand-in cloud in one of the sections. */
const account = (section: string, user: string, project: string) => ({
  [`${section}.auth_url`]: cloud.urls.keystone,
  [`${section}.username`]: user,
  [`${section}.password`]: `${user}-secret`,
  [`${section}.user_domain_name`]: 'Default',
  [`${section}.project_name`]: project,
  [`${section}.project_domain_name`]: 'Default',
})

describe('looking at a cloud', () => {
  test('that is well', async () => {
    const found = await survey()
    expect(found.own).toMatchObject({ userName: 'cinderguard', roles: ['service'] })
    expect(found.service).toBeNull()
    expect(found.cinder).toEqual({ maximum: [3, 68] })
    expect(found.nova).toMatchObject({ maximum: [2, 95] })
    expect(Math.abs(found.clockAhead ?? 99)).toBeLessThan(2)
  })

  test('with a wrong password, which is not in the problem', async () => {
    const { own } = await survey({ 'keystone_authtoken.password': 'wrong-secret' })
    expect(own).toEqual({ problem: 'keystone: our own login was answered 401' })
  })

  test('without a Nova', async () => {
    cloud.nova.fault = () => true
    expect((await survey()).nova).toHaveProperty('problem')
    cloud.reset()
  })
})

describe("whether the account may check others' tokens", () => {
  test('shows on the account in [service_user], which is told apart', async () => {
    const found = await survey(account('service_user', 'nova', 'service'))
    expect(found.service).toMatchObject({ userName: 'nova', roles: ['service'] })
    expect(found.validated).toEqual({ userName: 'nova' })
  })
  test("shows on the operator's token", async () => {
    const operator = new Secret(cloud.token('alice'))
    expect((await survey({}, { operator })).validated).toEqual({ userName: 'alice' })
  })
  test('it may not: alice checks her own token, and no other', async () => {
    const { own, validated } = await survey({
      ...account('keystone_authtoken', 'alice', 'demo'),
      ...account('service_user', 'nova', 'service'),
    })
    expect(own).toMatchObject({ userName: 'alice' })
    expect(validated).toMatchObject({ problem: expect.stringContaining('answered 403') })
  })
  test('is not known without a token to try', async () => {
    expect((await survey()).validated).toBeNull()
  })
})

describe('who reaches Cinder', () => {
  test('another address than loopback: not seen from here', async () => {
    const reach = (
      await survey({ 'cinderguard.upstream': 'http://192.0.2.1:8776', 'cinderguard.cinder_timeout': '0.1' })
    ).reach
    expect(reach).toEqual({ kind: 'network', answersAnybody: null })
  })
  test.each([
    [0o660, false],
    [0o666, true],
  ])('a unix socket with mode %o', async (mode, isOpen) => {
    const path = join(folder, `cinder-${mode}.sock`)
    const server = createServer().listen(path)
    await once(server, 'listening')
    chmodSync(path, mode)
    const { reach } = await survey({
      'cinderguard.upstream_socket': path,
      'cinderguard.cinder_timeout': '0.1',
    })
    expect(reach).toEqual({ kind: 'socket', path, isOpen })
    server.close()
  })
  test('a loopback address, and which other addresses of this machine answer', async () => {
    expect((await survey()).reach).toEqual({ kind: 'loopback', openAt: [] })
    const server = createServer().listen(0, '127.0.0.3')
    const server6 = createServer()
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await once(server6.listen(port, '::1'), 'listening')
    const config = configured({ 'cinderguard.upstream': `http://127.0.0.1:${port}` })
    expect(await upstreamReach(config, ['127.0.0.2', '127.0.0.3', '::1'])).toEqual({
      kind: 'loopback',
      openAt: [`127.0.0.3:${port}`, `[::1]:${port}`],
    })
    server.close()
    server6.close()
  })
})

describe('a Cinder that speaks TLS', () => {
  const pem = (name: string) => join('test/support/tls', name)
  const CASES = [
    ['demands a client certificate', true, false],
    ['takes everybody', false, true],
  ] as const
  test.each(CASES)('and %s', async (_name, requestCert, answersAnybody) => {
    const { reach, certificates } = await overTls(requestCert)
    expect(reach).toEqual({ kind: 'network', answersAnybody })
    const mine = certificates.map(({ of, validTo }) => [of, typeof validTo])
    expect(mine).toEqual([
      ['the certificate of Cinder', 'number'],
      ['the certificate shown to Cinder', 'number'],
      ["the authority of Cinder's certificate", 'number'],
    ])
  })

  async function overTls(requestCert: boolean): Promise<Survey> {
    const files = { cert: readFileSync(pem('server.pem')), key: readFileSync(pem('server.key')) }
    const options = {
      ...files,
      ca: readFileSync(pem('ca.pem')),
      requestCert,
      rejectUnauthorized: requestCert,
    }
    const server = createHttps(options, (_request, response) => response.end('{}')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    // A form that the doctor does not know for a loopback address.
    const found = await survey({
      'cinderguard.upstream': `https://[::ffff:127.0.0.1]:${port}`,
      'cinderguard.upstream_cafile': pem('ca.pem'),
      'cinderguard.upstream_certfile': pem('client.pem'),
      'cinderguard.upstream_keyfile': pem('client.key'),
    })
    server.closeAllConnections()
    server.close()
    return found
  }
})

describe("the catalogue's endpoints", () => {
  const CASES = [
    ['lead to the gateway', async () => true, 'seen'],
    ['lead elsewhere', async () => false, 'not-seen'],
    [
      'the gateway cannot be asked',
      async () => {
        throw new Error('no gateway')
      },
      { problem: 'no gateway' },
    ],
  ] as const
  test.each(CASES)('%s', async (_name, saw, result) => {
    const { proofs } = await survey({}, { saw })
    expect(proofs.map((proof) => [proof.interface, proof.result])).toEqual([
      ['public, internal, admin', result],
    ])
  })
  test('are asked without a token, under a new id each time', async () => {
    const ids: string[] = []
    await survey({}, { saw: async (id) => ids.push(id) > 5 })
    expect(new Set(ids).size).toBe(2)
    const asked = cloud.cinder.requests.filter(({ target }) => target.includes('limit=1')).slice(-2)
    expect(
      asked.map((request) => [
        request.header('x-auth-token'),
        ids.includes(request.header('x-openstack-request-id') ?? ''),
      ]),
    ).toEqual([
      [undefined, true],
      [undefined, true],
    ])
  })
})

describe('what expires', () => {
  test('is read of every file that is named, and what cannot be is told', async () => {
    const file = join(folder, 'empty.pem')
    writeFileSync(file, '')
    const { certificates } = await survey({
      'cinderguard.tls_cert_file': file,
      'cinderguard.tls_key_file': file,
      'policy.bundle_url': 'http://127.0.0.1:1/bundle',
      'policy.bundle_public_keys': file,
      'policy.bundle_cache': join(folder, 'none.jws'),
    })
    expect(certificates).toEqual([
      {
        of: "the gateway's own certificate",
        where: file,
        validTo: { problem: 'the file holds no PEM certificate' },
      },
      { of: 'the policy bundle', where: join(folder, 'none.jws'), validTo: { problem: expect.any(String) } },
    ])
  })
})

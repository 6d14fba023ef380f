import { readFileSync } from 'node:fs'
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminAddress, askAdmin } from '../src/commands/ask-admin.ts'
import { readTls, watchTls } from '../src/tls.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'

const FILES = join(import.meta.dirname, 'support/tls')
const CA = readFileSync(join(FILES, 'ca.pem'))
const ENDS = Date.parse('2126-10-30T20:57:53Z')
let dir = ''
let gateway: TestGateway | undefined
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cinderguard-'))
  await install('server')
})
afterEach(async () => {
  await gateway?.stop()
  gateway = undefined
  await rm(dir, { recursive: true })
})

async function install(name: string): Promise<void> {
  await copyFile(join(FILES, `${name}.pem`), join(dir, 'cert.pem'))
  await copyFile(join(FILES, `${name}.key`), join(dir, 'key.pem'))
}
const files = (clientCaFile?: string) => ({
  certFile: join(dir, 'cert.pem'),
  keyFile: join(dir, 'key.pem'),
  clientCaFile,
})

/** Status and the name in the server's certificate. */
function visit(url: string, client?: string): Promise<readonly [number | undefined, string]> {
  const own =
    client === undefined
      ? {}
      : { cert: readFileSync(join(FILES, `${client}.pem`)), key: readFileSync(join(FILES, `${client}.key`)) }
  return new Promise((resolve, reject) => {
    get(`${url}/healthcheck`, { ca: CA, agent: false, ...own }, (response) => {
      response.resume()
      const { subject } = (response.socket as TLSSocket).getPeerCertificate()
      resolve([response.statusCode, String(subject.CN)])
    }).on('error', reject)
  })
}

describe('the listener', () => {
  test('speaks TLS', async () => {
    gateway = await startTestGateway({
      'cinderguard.tls_cert_file': join(dir, 'cert.pem'),
      'cinderguard.tls_key_file': join(dir, 'key.pem'),
    })
    expect(gateway.url).toMatch(/^https:/)
    expect(await visit(gateway.url)).toEqual([200, 'server'])
  })

  test('asks for a client certificate when told whose', async () => {
    gateway = await startTestGateway({
      'cinderguard.tls_cert_file': join(dir, 'cert.pem'),
      'cinderguard.tls_key_file': join(dir, 'key.pem'),
      'cinderguard.tls_client_ca_file': join(FILES, 'ca.pem'),
    })
    await expect(visit(gateway.url)).rejects.toThrow()
    expect(await visit(gateway.url, 'client')).toEqual([200, 'server'])
  })

  test('does not start with a certificate and a key that do not belong together', async () => {
    await copyFile(join(FILES, 'other.key'), join(dir, 'key.pem'))
    const starting = startTestGateway({
      'cinderguard.tls_cert_file': join(dir, 'cert.pem'),
      'cinderguard.tls_key_file': join(dir, 'key.pem'),
    })
    await expect(starting).rejects.toThrow('are not a certificate and its key')
  })

  test('shows in metrics when its certificate ends', async () => {
    gateway = await startTestGateway({
      'cinderguard.tls_cert_file': join(dir, 'cert.pem'),
      'cinderguard.tls_key_file': join(dir, 'key.pem'),
    })
    expect(await gateway.gateway.metrics.registry.metrics()).toContain(
      `cinderguard_certificate_expiry_timestamp_seconds{certificate="listener"} ${ENDS / 1000}\n`,
    )
  })

  const ALONE = [
    ['tls_cert_file', 'tls_cert_file and tls_key_file go together'],
    ['tls_key_file', 'tls_cert_file and tls_key_file go together'],
    ['tls_client_ca_file', 'tls_client_ca_file needs tls_cert_file'],
    ['admin_tls_cert_file', 'admin_tls_cert_file and admin_tls_key_file go together'],
    ['admin_tls_key_file', 'admin_tls_cert_file and admin_tls_key_file go together'],
  ] as const
  test.each(ALONE)('%s alone is a wrong configuration', async (name, problem) => {
    await expect(startTestGateway({ [`cinderguard.${name}`]: '/x' })).rejects.toThrow(problem)
  })
})

describe('the admin listener', () => {
  const start = () =>
    startTestGateway({
      'cinderguard.admin_tls_cert_file': join(dir, 'cert.pem'),
      'cinderguard.admin_tls_key_file': join(dir, 'key.pem'),
    })
  const addressOf = (url: string): AdminAddress => ({
    admin_bind: { kind: 'tcp', host: '127.0.0.1', port: Number(new URL(url).port) },
    admin_tls_cert_file: join(dir, 'cert.pem'),
  })

  test('speaks TLS too, tells when its certificate ends, and takes a replaced one', async () => {
    gateway = await start()
    expect([gateway.url, gateway.adminUrl]).toEqual([
      expect.stringMatching('^http:'),
      expect.stringMatching('^https:'),
    ])
    expect(await visit(gateway.adminUrl)).toEqual([404, 'server'])
    expect(await gateway.gateway.metrics.registry.metrics()).toContain(
      `cinderguard_certificate_expiry_timestamp_seconds{certificate="admin"} ${ENDS / 1000}\n`,
    )
    await install('other')
    const { adminUrl } = gateway
    await expect.poll(() => visit(adminUrl), { timeout: 10_000 }).toEqual([404, 'other'])
  })

  test('is asked by the commands, which know its certificate and take no other', async () => {
    gateway = await start()
    const address = addressOf(gateway.adminUrl)
    expect(await askAdmin(address, '/api/v1/report', undefined)).toMatchObject({ mode: 'enforce' })
    const other = { ...address, admin_tls_cert_file: join(FILES, 'other.pem') }
    await expect(askAdmin(other, '/api/v1/report', undefined)).rejects.toThrow('no gateway answers')
  })
})

describe('replaced files', () => {
  test('that cannot even be looked at are reported, and nothing ends of it', async () => {
    const problems: string[] = []
    const end = watchTls(
      files(),
      () => undefined,
      (problem) => problems.push(problem),
      10,
    )
    await rm(join(dir, 'key.pem'))
    await symlink('key.pem', join(dir, 'key.pem'))
    await expect.poll(() => problems.at(-1) ?? '').toContain('ELOOP')
    end()
  })

  test('are read; a pair that is no pair is reported, and the old one stays', async () => {
    const names: string[] = []
    const problems: string[] = []
    const end = watchTls(
      files(),
      ({ cert }) => names.push(String(cert).slice(0, 27)),
      (problem) => problems.push(problem),
      10,
    )
    await writeFile(join(dir, 'key.pem'), 'half a key')
    await expect.poll(() => problems.length).toBeGreaterThan(0)
    expect(names).toEqual([])
    await install('other')
    await expect.poll(() => names.length).toBeGreaterThan(0)
    end()
    expect(String(readTls(files()).cert)).toBe(readFileSync(join(FILES, 'other.pem'), 'utf8'))
  })
})

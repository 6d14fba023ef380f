import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { look } from '../../src/doctor/look.ts'
import { readTraffic } from '../../src/doctor/recorded.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.stop())

function survey(password = 'cinderguard-secret') {
  const loaded = loadConfig({
    env: {},
    overrides: {
      'cinderguard.upstream': cloud.urls.cinder,
      'cinderguard.nova_timeout': '0.3',
      'keystone_authtoken.auth_url': cloud.urls.keystone,
      'keystone_authtoken.username': 'cinderguard',
      'keystone_authtoken.password': password,
      'keystone_authtoken.user_domain_name': 'Default',
      'keystone_authtoken.project_name': 'service',
      'keystone_authtoken.project_domain_name': 'Default',
      'service_user.send_service_user_token': 'true',
    },
  })
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  return look(loaded.config, { traffic: { problem: 'not asked' }, policyFiles: [] })
}

describe('looking at a cloud', () => {
  test('that is well', async () => {
    const found = await survey()
    expect(found.own).toMatchObject({ userName: 'cinderguard', roles: ['service'] })
    expect(found.cinder).toEqual({ maximum: [3, 68] })
    expect(found.nova).toMatchObject({ maximum: [2, 95] })
    expect(Math.abs(found.clockAhead ?? 99)).toBeLessThan(2)
  })

  test('with a wrong password, which is not in the problem', async () => {
    const { own } = await survey('wrong-secret')
    expect(own).toEqual({ problem: 'keystone: our own login was answered 401' })
  })

  test('without a Nova', async () => {
    cloud.nova.fault = () => true
    expect((await survey()).nova).toHaveProperty('problem')
    cloud.reset()
  })
})

describe('recorded traffic', () => {
  const record = (content: object) => JSON.stringify({ eventTime: 'T', attachments: [{ content }] })
  test('adds up rows and services; what is no record is passed over', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cinderguard-'))
    const file = join(dir, 'audit.log')
    const missing = { reason: 'service_token_missing', operation: 'volume-detach', client: '192.0.2.1' }
    const service = { is_service: true, service: { id: 'n', name: 'nova', roles: ['service'] }, reason: null }
    writeFileSync(file, [record(missing), 'half a li', record(missing), record(service), ''].join('\n'))
    expect(readTraffic(file)).toMatchObject({
      guarded: 3,
      rows: [{ reason: 'service_token_missing', count: 2, address: '192.0.2.1' }],
      services: [{ userName: 'nova', count: 1 }],
    })
    rmSync(dir, { recursive: true })
  })
})

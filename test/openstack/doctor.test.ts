import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Finding, FindingId } from '../../src/doctor/finding.ts'
import type { Gateway } from '../../src/serve.ts'
import { type Fixture, IDS, OPERATIONS, SITUATIONS } from './cases.ts'
import { exchange } from './exchange.ts'
import { type LabUser, labPassword, labUsers } from './lab/accounts.ts'
import type { Lab } from './lab/lab.ts'
import { gatewayFor, sharedLab } from './shared.ts'

/** What operators run before they enforce, against the real thing: well, and with each of the main faults once. */
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-doctor-'))
const conf = join(folder, 'cinderguard.conf')
let lab: Lab
let gateway: Gateway

beforeAll(async () => {
  lab = await sharedLab()
})
beforeEach(async () => {
  gateway = await gatewayFor(lab, lab.urls.cinder.legacy, { 'cinderguard.mode': 'observe' })
  lab.pointVolumesAt(gateway.url)
})
afterEach(async () => {
  lab.pointVolumesAt(lab.urls.cinder.legacy)
  await gateway.stop()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The variables of OpenStack's clients for a user of the lab. */
function variablesOf(user: LabUser): Readonly<Record<string, string>> {
  return {
    OS_USERNAME: user,
    OS_PASSWORD: labPassword,
    OS_PROJECT_NAME: labUsers[user].home,
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
  }
}

interface Run {
  readonly code: number | null
  readonly text: string
}

/** A command, with Cinder's own cinder.conf and the gateway's few lines; `lines` are further ones. */
async function run(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  lines: readonly string[] = [],
): Promise<Run> {
  writeFileSync(
    conf,
    [
      '[cinderguard]',
      `upstream = ${lab.urls.cinder.legacy}`,
      `admin_bind = ${new URL(gateway.adminUrl).host}`,
      'mode = observe',
      ...lines,
    ].join('\n'),
  )
  const files = ['--config-file', lab.paths.cinderConf, '--config-file', conf]
  const child = spawn('bin/cinderguard.js', [...words, ...files], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, text }
}

async function doctor(env: Readonly<Record<string, string>> = {}, lines: readonly string[] = []) {
  const { code, text } = await run(['doctor', '--format', 'json'], env, lines)
  const { findings } = JSON.parse(text) as { findings: Finding[] }
  const of = (id: FindingId) => findings.filter((finding) => finding.id === id)
  return { code, of, bad: findings.filter(({ level }) => level === 'error' || level === 'warning') }
}

const AS_NOVA = {
  'user-agent': 'python-cinderclient',
  'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
}
/** A detach as Nova asks for it, with the service token of somebody or of nobody. */
async function detach(service?: LabUser): Promise<number> {
  const fixture = SITUATIONS['Nova uses this attachment']
  const shape = OPERATIONS['os-detach']
  if (fixture === undefined || shape === undefined) throw new Error('no such case')
  lab.reset(fixture)
  const { token, projectId } = await lab.token('member')
  const tokens = service === undefined ? {} : { service: (await lab.token(service)).token }
  return (await exchange(gateway.url, projectId, shape, { user: token, ...tokens }, AS_NOVA)).status
}

describe('cinderguard doctor on a real cloud', () => {
  test('where all is well', async () => {
    expect(await detach('nova')).toBe(202)
    const { code, bad, of } = await doctor(variablesOf('member'))
    expect(bad.map(({ id }) => id)).toEqual(['mode'])
    expect(code).toBe(0)
    expect(of('service-nova')).toMatchObject([{ level: 'ok' }])
    expect(of('token-validation')).toMatchObject([
      { level: 'ok', what: expect.stringContaining('that of member') },
    ])
    expect(of('catalogue')).toMatchObject([{ level: 'ok', what: expect.stringContaining(gateway.url) }])
    expect(await run(['report'])).toMatchObject({
      code: 0,
      text: expect.stringContaining('READY to enforce'),
    })
  })

  test('Nova sends no service token; then it does', async () => {
    expect(await detach()).toBe(202)
    const { code, of } = await doctor()
    expect(code).toBe(1)
    expect(of('service-token-missing')).toMatchObject([
      { level: 'error', fix: expect.arrayContaining(['[service_user]', 'send_service_user_token = true']) },
    ])
    expect(await run(['report'])).toMatchObject({
      code: 1,
      text: expect.stringContaining('service_token_missing'),
    })
    expect(await detach('nova')).toBe(202)
    expect((await doctor()).of('service-token-missing')).toEqual([])
    expect((await run(['report'])).code).toBe(0)
  })

  test('the user of a service has no service role', async () => {
    expect(await detach('plain')).toBe(202)
    const { code, of } = await doctor()
    expect(code).toBe(1)
    const { userId, projectId } = await lab.token('plain')
    expect(of('service-role-missing')).toMatchObject([
      {
        level: 'error',
        what: expect.stringContaining('a service token of plain'),
        fix: [
          expect.stringContaining("only if that is a service's own account"),
          'openstack role create --or-show service',
          `openstack role add --user ${userId} --project ${projectId} service`,
        ],
      },
    ])
  })

  test('the catalogue leads to Cinder, or elsewhere', async () => {
    lab.pointVolumesAt(lab.urls.cinder.legacy)
    const around = (await doctor()).of('catalogue')
    expect(around).toMatchObject([{ level: 'error', what: expect.stringContaining('to Cinder itself') }])
    lab.pointVolumesAt(lab.urls.cinder.fixed)
    const elsewhere = (await doctor()).of('catalogue')
    expect(elsewhere).toMatchObject([
      { level: 'error', what: expect.stringContaining('saw none of the requests') },
    ])
  })

  test('Cinder is reached by an address that others may reach, too', async () => {
    const { port } = new URL(lab.urls.cinder.legacy)
    const { of } = await doctor({}, [`upstream = http://[::ffff:127.0.0.1]:${port}`])
    expect(of('cinder')).toMatchObject([{ level: 'ok' }])
    expect(of('upstream-reachable')).toMatchObject([
      { level: 'warning', fix: expect.arrayContaining([expect.stringContaining(`dport ${port} `)]) },
    ])
  })

  test("the gateway's account may not check others' tokens, and has no service role", async () => {
    const account = ['[keystone_authtoken]', 'username = plain', '[service_user]', 'username = plain']
    const { code, of } = await doctor(variablesOf('member'), account)
    expect(code).toBe(1)
    expect(of('keystone')).toMatchObject([{ level: 'ok' }])
    expect(of('token-validation')).toMatchObject([
      { level: 'error', what: expect.stringContaining('answered 403') },
    ])
    expect(of('service-role')).toMatchObject([{ level: 'error' }])
    expect((await doctor({}, account)).of('token-validation')).toMatchObject([{ level: 'warning' }])
  })
})

describe('cinderguard attachments audit on a real cloud', () => {
  const audit = async (name: string, change: (fixture: Fixture) => Fixture = (fixture) => fixture) => {
    const fixture = SITUATIONS[name]
    if (fixture === undefined) throw new Error('no such situation')
    lab.reset(change(fixture))
    const { code, text } = await run(['attachments', 'audit', '--format', 'json'], variablesOf('admin'))
    expect(text).toMatch(/^\{/)
    const { disagreements } = JSON.parse(text) as {
      disagreements: { kind: string; serverId: string; commands: string[] }[]
    }
    return { code, found: disagreements.map(({ kind, commands }) => [kind, commands[0]]) }
  }
  const REMOVE = `openstack server remove volume ${IDS.server} ${IDS.volume}`

  test('nothing where both agree', async () => {
    expect(await audit('Nova uses this attachment')).toEqual({ code: 0, found: [] })
  })
  test('Nova uses an attachment that Cinder does not have: nothing is deleted under it', async () => {
    expect(await audit('Nova uses another attachment')).toEqual({
      code: 1,
      found: [['other-attachment', REMOVE]],
    })
  })
  test('the footprint of the attack: Nova has the volume, and Cinder no record', async () => {
    const attacked = await audit('Nova uses this attachment', (fixture) => ({
      ...fixture,
      attachments: fixture.attachments.filter(({ id }) => id !== IDS.attachment),
    }))
    expect(attacked).toEqual({ code: 1, found: [['only-nova', `openstack server stop ${IDS.server}`]] })
  })
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, USERS, VOLUMES } from '../../src/demo/fixture.ts'
import { GatewayProcess } from '../support/process.ts'

// A start under load takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 })
const WAIT = { timeout: 20_000 }

let cloud: Cloud
let gateway: GatewayProcess
let url: string
let admin: string
beforeEach(async () => {
  cloud = await startCloud()
})
afterEach(async () => {
  await gateway.end('SIGKILL')
  await cloud.stop()
})

async function start(options: Readonly<Record<string, string>> = {}): Promise<void> {
  gateway = new GatewayProcess(cloud, options)
  ;({ url, admin } = await gateway.listening())
}

/** The attack, on a connection of its own, so that any worker may have it. */
async function attack(): Promise<number> {
  cloud.reset()
  const answer = await fetch(`${url}/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-auth-token': cloud.token('alice'),
      connection: 'close',
    },
    body: '{"os-detach": {}}',
  })
  return answer.status
}

interface Line {
  readonly msg: string
  readonly [name: string]: unknown
}
const lines = (): readonly Line[] =>
  gateway.said
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
const READ = 'the configuration was re-read'
const REFUSED = 'the configuration is invalid and was rejected; the old one remains in force'

/** Changes the file and says so; resolves with the line that the log then has. */
async function reloaded(options: Readonly<Record<string, string>>, message = READ): Promise<Line> {
  const count = () => lines().filter(({ msg }) => msg === message)
  const before = count().length
  gateway.configure(options)
  gateway.child.kill('SIGHUP')
  await expect.poll(() => count().length, WAIT).toBe(before + 1)
  return count().at(-1) as Line
}
const modeShown = async (): Promise<unknown> => {
  const report = (await (await fetch(`${admin}/api/v1/report`)).json()) as { mode: string }
  const metrics = await (await fetch(`${admin}/metrics`)).text()
  return [report.mode, /cinderguard_mode[a-z_]*\{mode="observe"\} (\d)/.exec(metrics)?.[1]]
}

describe('SIGHUP', () => {
  test('backs out in one step, and in again', async () => {
    await start()
    expect(await attack()).toBe(409)
    expect(await reloaded({ mode: 'observe' })).toMatchObject({
      changed: ['[cinderguard] mode'],
      mode: 'observe',
    })
    expect(await attack()).toBe(202)
    expect(await modeShown()).toEqual(['observe', '1'])
    await reloaded({ mode: 'enforce' })
    expect(await attack()).toBe(409)
    expect(await modeShown()).toEqual(['enforce', '0'])
  })

  test('takes overrides, trusted users and the log level', async () => {
    await start()
    await reloaded({ mode_overrides: 'volume-detach=observe' })
    expect(await attack()).toBe(202)
    await reloaded({ mode_overrides: '' })
    expect(await attack()).toBe(409)
    await reloaded({ trusted_service_users: USERS.alice })
    expect(await attack()).toBe(202)
    await reloaded({ trusted_service_users: '' })
    expect(await attack()).toBe(409)
    gateway.configure({ log_level: 'error', mode: 'observe' })
    gateway.child.kill('SIGHUP')
    await expect.poll(attack, WAIT).toBe(202)
    expect(lines().filter(({ msg }) => msg === READ)).toHaveLength(4)
  })

  test('says which changes it does not take, each time, secrets by name alone', async () => {
    await start()
    const change = { nova_timeout: '7', 'keystone_authtoken.password': 'another', mode: 'observe' }
    for (const changed of [['[cinderguard] mode'], []]) {
      expect(await reloaded(change)).toMatchObject({ changed })
      const told = lines().filter(
        ({ msg }) => msg === 'changed options that take effect only after a restart',
      )
      expect(told.at(-1)?.options).toEqual(['[cinderguard] nova_timeout', '[keystone_authtoken] password'])
    }
    expect(gateway.said).not.toContain('another')
  })

  test.each([
    ['an option that cannot be read', { mode: 'observ' }, 'mode'],
    ['another one, though mode is good', { mode: 'observe', nova_timeout: 'soon' }, 'nova_timeout'],
    ['overrides that name nothing', { mode: 'observe', mode_overrides: 'nobody=observe' }, 'nobody'],
  ])('refuses a wrong configuration whole: %s', async (_name, change, named) => {
    await start()
    const { problems } = await reloaded(change, REFUSED)
    expect(String(problems)).toContain(named)
    expect(await attack()).toBe(409)
    await reloaded({ mode: 'observe', mode_overrides: '', nova_timeout: '5' })
    expect(await attack()).toBe(202)
  })

  test('reaches every worker', async () => {
    await start({ workers: '2' })
    const attacks = async () => {
      const statuses = new Set<number>()
      for (let at = 0; at < 8; at += 1) statuses.add(await attack())
      return [...statuses]
    }
    expect(await attacks()).toEqual([409])
    await reloaded({ mode: 'observe' })
    await expect.poll(attacks, WAIT).toEqual([202])
    expect(await modeShown()).toEqual(['observe', '1'])
    expect(lines().filter(({ msg }) => msg === READ)).toHaveLength(1)
  })
})

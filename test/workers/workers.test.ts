import { type ChildProcess, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { signBundle } from '../../src/organisation/bundle.ts'
import { GatewayProcess } from '../support/process.ts'

/** A gateway of two workers, as a process of its own. */
let cloud: Cloud
let gateway: GatewayProcess | null
let url: string
let admin: string

beforeEach(async () => {
  cloud = await startCloud()
  gateway = null
})
afterEach(async () => {
  await gateway?.end('SIGKILL')
  await cloud.stop()
})

async function listening(options: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
  gateway = new GatewayProcess(cloud, { workers: '2', ...options })
  ;({ url, admin } = await gateway.listening())
  return gateway.child
}
const workers = (parent: ChildProcess): readonly number[] =>
  execFileSync('pgrep', ['-P', String(parent.pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
/** On a connection of its own, so that all workers have their share. */
const ask = (path = '/volumes', init: RequestInit = {}) =>
  fetch(`${url}/v3/${PROJECTS.demo}${path}`, {
    ...init,
    headers: { 'x-auth-token': cloud.token('alice'), connection: 'close', ...init.headers },
  })
async function counted(name: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

describe('two workers are one gateway', () => {
  test('to clients and to operators: what each counts, refuses and sees is told as one', async () => {
    await listening()
    for (let at = 0; at < 8; at += 1) expect((await ask()).status).toBe(200)
    const detach = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"os-detach": {}}',
    }
    for (let at = 0; at < 4; at += 1)
      expect((await ask(`/volumes/${VOLUMES['in-use']}/action`, detach)).status).toBe(409)
    expect(await counted('cinderguard_requests_total{')).toBe(12)
    expect(await counted('cinderguard_workers ')).toBe(2)
    expect(await counted('cinderguard_build_info{')).toBe(1)
    expect(await counted('cinderguard_policy_info{')).toBe(1)
    expect(await counted('cinderguard_policy_loads_total{result="taken"}')).toBe(1)
    expect(await counted('cinderguard_decision_duration_seconds_count{')).toBe(12)
    expect(await counted('cinderguard_stage_duration_seconds_count{stage="forward"}')).toBe(8)
    expect(await counted('process_start_time_seconds ')).toBeGreaterThan(Date.now() / 1000 - 60)
    const { decisions } = (await (await fetch(`${admin}/api/v1/decisions`)).json()) as { decisions: object[] }
    expect(decisions).toHaveLength(4)
    const report = (await (await fetch(`${admin}/api/v1/report`)).json()) as {
      guarded: number
      rows: object[]
    }
    expect([report.guarded, report.rows]).toMatchObject([4, [{ reason: 'attachment_in_use', count: 4 }]])
    expect((await fetch(`${admin}/readyz`)).status).toBe(200)
  })

  test('operations on one volume take turns with each other, whichever worker has them', async () => {
    await listening()
    let underWay = 0
    let most = 0
    cloud.cinder.fault = async ({ method }) => {
      if (method !== 'POST') return false
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setTimeout(resolve, 50))
      underWay -= 1
      return false
    }
    const body = JSON.stringify({ attachment: { volume_uuid: VOLUMES.available } })
    const headers = { 'content-type': 'application/json', 'openstack-api-version': 'volume 3.27' }
    await Promise.all(Array.from({ length: 6 }, () => ask('/attachments', { method: 'POST', body, headers })))
    expect(most).toBe(1)
  })

  test('one that is killed is replaced, its counts stay, and the turn that it held ends', async () => {
    const parent = await listening()
    for (let at = 0; at < 6; at += 1) await ask()
    expect(await counted('cinderguard_requests_total{')).toBe(6)
    const [first = 0] = workers(parent)
    process.kill(first, 'SIGKILL')
    await expect.poll(() => counted('cinderguard_workers_lost_total'), { timeout: 5000 }).toBe(1)
    await expect.poll(() => counted('cinderguard_workers '), { timeout: 5000 }).toBe(2)
    expect(workers(parent)).not.toContain(first)
    expect(await counted('cinderguard_requests_total{')).toBe(6)
    await expect.poll(async () => (await ask()).status, { timeout: 5000 }).toBe(200)
    expect(gateway?.said).toContain('a worker ended; another takes its place')
  }, 20_000)
})

test("the organisation's policy: the primary alone asks for it and keeps it, all workers decide by it", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cinderguard-workers-'))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(folder, 'key.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
  const now = Math.floor(Date.now() / 1000)
  const bundle = (version: number, check: string) =>
    signBundle(
      { version, issuedAt: now, expiresAt: now + 3600, rules: { 'volume:get_all': check }, locked: [] },
      privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    )
  let text = await bundle(1, '@')
  let asked = 0
  const server = createHttpServer((_request, response) => {
    asked += 1
    response.end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const child = await listening({
      'policy.bundle_url': `http://127.0.0.1:${(server.address() as AddressInfo).port}/b`,
      'policy.bundle_public_keys': join(folder, 'key.pub'),
      'policy.bundle_cache': join(folder, 'cache/b.jws'),
    })
    expect(asked).toBe(1)
    expect((await ask()).status).toBe(200)
    text = await bundle(2, '!')
    child.kill('SIGHUP')
    const readyz = async () => (await (await fetch(`${admin}/readyz`)).json()) as { policy: object }
    await expect.poll(readyz, { timeout: 8000 }).toMatchObject({ policy: { version: 2, problem: null } })
    for (let at = 0; at < 6; at += 1) expect((await ask()).status).toBe(403)
    expect(asked).toBe(2)
    expect(readdirSync(join(folder, 'cache'))).toEqual(['b.jws'])
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
}, 30_000)

describe('ending', () => {
  test('SIGTERM lets requests under way finish in every worker, and ends with 0', async () => {
    const parent = await listening()
    cloud.cinder.fault = async ({ url: target }) => {
      if (target?.includes('/volumes') === true) await new Promise((resolve) => setTimeout(resolve, 400))
      return false
    }
    const answers = Promise.all(Array.from({ length: 4 }, () => ask()))
    await expect.poll(() => cloud.cinder.requests.length).toBeGreaterThanOrEqual(4)
    parent.kill('SIGTERM')
    expect((await answers).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    if (parent.exitCode === null) await once(parent, 'exit')
    expect(parent.exitCode).toBe(0)
    expect(gateway?.said).not.toContain('another takes its place')
  })

  test('a primary that is killed leaves no workers behind', async () => {
    const parent = await listening()
    const left = workers(parent)
    parent.kill('SIGKILL')
    const lives = (pid: number): boolean => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    await expect.poll(() => left.some(lives), { timeout: 8000 }).toBe(false)
  })
})

test('an address that is taken stops the start with 1 and says why', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  gateway = new GatewayProcess(cloud, { workers: '2', bind: `127.0.0.1:${port}` })
  await once(gateway.child, 'exit')
  taken.close()
  expect([gateway.child.exitCode, gateway.said]).toEqual([1, expect.stringContaining('EADDRINUSE')])
}, 15_000)

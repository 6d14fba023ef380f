import { type ChildProcess, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer as createHttpServer, get } from 'node:http'
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
/** The clients' ports of those connections to the gateway that a worker has. */
function portsAt(pid: number): ReadonlySet<number> {
  const folder = `/proc/${pid}/fd`
  const targetOf = (name: string): string => {
    try {
      return readlinkSync(join(folder, name))
    } catch {
      return 'closed meanwhile'
    }
  }
  const files = readdirSync(folder).map(targetOf)
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1)
  const portIn = (address = '') => Number.parseInt(address.split(':')[1] ?? '', 16)
  return new Set(
    rows
      .map((row) => row.trim().split(/\s+/))
      .filter(([, local]) => portIn(local) === Number(new URL(url).port))
      .filter((row) => files.includes(`socket:[${row[9]}]`))
      .map(([, , remote]) => portIn(remote)),
  )
}
interface Read {
  /** Null for one that got no answer, or not the whole of it. */
  readonly status: number | null
  readonly port: number
}
/** A read on the connection that the agent has, or on a new one. */
const read = (agent: Agent): Promise<Read> =>
  new Promise((resolve) => {
    let port = 0
    const headers = { 'x-auth-token': cloud.token('alice') }
    const asked = get(`${url}/v3/${PROJECTS.demo}/volumes`, { agent, headers, timeout: 5000 })
    asked.on('socket', (socket) => {
      const note = (): void => {
        port = socket.localPort ?? 0
      }
      if (socket.connecting) socket.once('connect', note)
      else note()
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve({ status: null, port }))
    asked.on('response', (answer) => {
      answer.resume()
      answer.on('error', () => undefined)
      answer.on('close', () => resolve({ status: answer.complete ? (answer.statusCode ?? 0) : null, port }))
    })
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

  test('one that is killed under load takes with it what was on its own connections, and no more', async () => {
    const parent = await listening()
    // So that there is always something under way.
    cloud.cinder.fault = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      return false
    }
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    const reads: Read[] = []
    const totals: number[] = []
    let isOver = false
    const clients = Promise.all(
      agents.map(async (agent) => {
        while (!isOver) reads.push(await read(agent))
      }),
    )
    const total = async () => {
      totals.push(await counted('cinderguard_requests_total{'))
      return totals.at(-1) ?? 0
    }
    let [killed, other, before, from] = [0, 0, 0, 0]
    let doomed: ReadonlySet<number> = new Set()
    try {
      await expect.poll(total, { timeout: 10_000 }).toBeGreaterThan(50)
      ;[killed = 0, other = 0] = workers(parent)
      before = await total()
      from = reads.length
      doomed = portsAt(killed)
      // Both have their share of clients.
      expect(doomed.size).toBeGreaterThan(0)
      expect(doomed.size + portsAt(other).size).toBe(agents.length)
      expect(doomed.size).toBeLessThan(agents.length)

      process.kill(killed, 'SIGKILL')
      await expect.poll(() => counted('cinderguard_workers_lost_total'), { timeout: 5000 }).toBe(1)
      await expect.poll(() => counted('cinderguard_workers '), { timeout: 5000 }).toBe(2)
      const [replacement = 0] = workers(parent).filter((pid) => pid !== other)
      const untilThere = async () => {
        reads.push(await read(new Agent({ keepAlive: true })))
        await total()
        return portsAt(replacement).size
      }
      await expect.poll(untilThere, { timeout: 10_000 }).toBeGreaterThan(0)
    } finally {
      isOver = true
      await clients
      for (const agent of agents) agent.destroy()
    }

    const failed = reads.filter(({ status }) => status !== 200)
    expect(failed.filter(({ status, port }) => status !== null || !doomed.has(port))).toEqual([])
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.length).toBeLessThanOrEqual(doomed.size)
    // What the dead one had told is kept, and what the others answer comes on top of it.
    const counting = reads.slice(from).filter(({ status, port }) => status === 200 && !doomed.has(port))
    await expect.poll(total, { timeout: 5000 }).toBeGreaterThanOrEqual(before + counting.length)
    expect(totals.at(-1)).toBeLessThanOrEqual(reads.length)
    expect(totals).toEqual(totals.toSorted((a, b) => a - b))
  }, 30_000)
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

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { GatewayProcess } from '../support/process.ts'
import { RawClient } from '../support/raw.ts'

/** Several gateways: real memcached between them, real HAProxy in front. */
let cloud: Cloud
let folder: string
const running: { end(): Promise<unknown> }[] = []
beforeEach(async () => {
  cloud = await startCloud()
  folder = mkdtempSync(join(tmpdir(), 'cinderguard-fleet-'))
})
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.end()
  await cloud.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
async function program(command: readonly string[], port: number): Promise<ChildProcess> {
  const [name = '', ...args] = command
  const child = spawn(name, args, { stdio: 'ignore' })
  running.push({
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  })
  await expect
    .poll(() => RawClient.connect(`http://127.0.0.1:${port}`).then((client) => client.destroy()), {
      timeout: 5000,
    })
    .toBeUndefined()
  return child
}
async function memcached(): Promise<{ child: ChildProcess; port: number; address: string }> {
  const port = await freePort()
  const child = await program(['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', String(port)], port)
  return { child, port, address: `127.0.0.1:${port}` }
}
async function gateway(
  options: Readonly<Record<string, string>>,
): Promise<{ url: string; admin: string; process: GatewayProcess }> {
  const started = new GatewayProcess(cloud, options)
  running.push({ end: () => started.end('SIGKILL') })
  return { ...(await started.listening()), process: started }
}
const sharing = (servers: readonly { address: string }[]) => ({
  'keystone_authtoken.memcached_servers': servers.map(({ address }) => address).join(','),
  'keystone_authtoken.memcache_security_strategy': 'ENCRYPT',
  'keystone_authtoken.memcache_secret_key': 'a secret of all gateways',
})
const ask = (base: string, token: string, init: RequestInit = {}) =>
  fetch(
    `${base}/v3/${PROJECTS.demo}/volumes${init.method === 'POST' ? `/${VOLUMES['in-use']}/action` : ''}`,
    {
      ...init,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
    },
  ).then(async (answer) => {
    await answer.text()
    return answer.status
  })
const detach = { method: 'POST', body: '{"os-detach": {}}' }
async function metric(admin: string, line: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(line))
      ?.split(' ')
      .at(-1) ?? 0,
  )
}
const lookups = () =>
  cloud.keystone.requests.filter(
    ({ method, target }) => method === 'GET' && target.startsWith('/v3/auth/tokens'),
  ).length

describe('memcached', () => {
  test('what one gateway asked Keystone the others know; nobody reads a token in it', async () => {
    const servers = [await memcached(), await memcached()]
    const [first, second] = [await gateway(sharing(servers)), await gateway(sharing(servers))]
    const tokens = Array.from({ length: 10 }, () => cloud.token('alice'))
    const before = lookups()
    for (const token of tokens) expect(await ask(first.url, token)).toBe(200)
    expect(lookups() - before).toBe(10)
    for (const token of tokens) expect(await ask(second.url, token)).toBe(200)
    expect(lookups() - before).toBe(10)
    expect(await metric(second.admin, 'cinderguard_shared_cache_lookups_total{result="hit"}')).toBe(10)
    for (const { child } of servers) {
      const memory = memoryOf(child.pid ?? 0)
      for (const secret of [...tokens, PROJECTS.demo, '"roles"']) expect(memory.includes(secret)).toBe(false)
      expect(memory.includes('cinderguard/1/')).toBe(true)
    }
  })

  test.for([
    ['killed', 'SIGKILL'],
    ['hanging', 'SIGSTOP'],
  ] as const)('one server %s under load: no request fails, and a metric says so', async ([, signal]) => {
    const servers = [await memcached(), await memcached()]
    const one = await gateway(sharing(servers))
    let isOver = false
    const seen = new Map<number, number>()
    const load = async (): Promise<void> => {
      while (!isOver) {
        const status = await ask(one.url, cloud.token('alice'))
        seen.set(status, (seen.get(status) ?? 0) + 1)
      }
    }
    const loads = [load(), load(), load(), load()]
    await new Promise((resolve) => setTimeout(resolve, 700))
    servers[0]?.child.kill(signal)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    isOver = true
    await Promise.all(loads)
    servers[0]?.child.kill('SIGCONT')
    expect([...seen.keys()]).toEqual([200])
    expect(seen.get(200)).toBeGreaterThan(100)
    expect(await metric(one.admin, 'cinderguard_shared_cache_lookups_total{result="error"}')).toBeGreaterThan(
      0,
    )
  })
})

describe('HAProxy in front of two gateways, by deploy/haproxy', () => {
  interface Ports {
    readonly front: number
    readonly gw: readonly number[]
    readonly admin: readonly number[]
  }
  const balance = async (ports: Ports): Promise<void> => {
    const file = join(folder, 'haproxy.cfg')
    const text = readFileSync('deploy/haproxy/cinderguard.cfg', 'utf8')
    writeFileSync(
      file,
      text
        .replace('127.0.0.1:8776', `127.0.0.1:${ports.front}`)
        .replace('127.0.0.1:18701 check port 19701', `127.0.0.1:${ports.gw[0]} check port ${ports.admin[0]}`)
        .replace('127.0.0.1:18702 check port 19702', `127.0.0.1:${ports.gw[1]} check port ${ports.admin[1]}`),
    )
    await program(['haproxy', '-db', '-f', file], ports.front)
  }

  test('one failed look at Keystone, which both share, takes neither away', async () => {
    const gateways = [await gateway({}), await gateway({})]
    const front = await freePort()
    const portsOf = (name: 'url' | 'admin') => gateways.map((each) => Number(new URL(each[name]).port))
    await balance({ front, gw: portsOf('url'), admin: portsOf('admin') })
    const token = cloud.token('alice')
    for (const each of gateways) expect(await ask(each.url, token)).toBe(200)
    const base = `http://127.0.0.1:${front}`
    const seen = new Set<number>()
    // By their own tokens.
    const looked = new Set<unknown>()
    cloud.keystone.fault = ({ headers }, response) => {
      const own = headers['x-auth-token']
      if (looked.has(own)) return false
      looked.add(own)
      response.writeHead(500).end()
      return true
    }
    let end = Date.now() + 4000
    while (Date.now() < end) {
      seen.add(await ask(base, token))
      await new Promise((resolve) => setTimeout(resolve, 50))
      if (looked.size < 2) end = Date.now() + 4000
    }
    expect([looked.size, [...seen]]).toEqual([2, [200]])
  }, 30_000)

  test('a rolling restart under load loses no request, read or write', async () => {
    const ports = {
      front: await freePort(),
      gw: [await freePort(), await freePort()],
      admin: [await freePort(), await freePort()],
    }
    const start = (at: 0 | 1) =>
      gateway({
        bind: `127.0.0.1:${ports.gw[at]}`,
        admin_bind: `127.0.0.1:${ports.admin[at]}`,
        shutdown_delay: '3.5',
        shutdown_timeout: '5',
      })
    const gateways = [await start(0), await start(1)]
    await balance(ports)
    const base = `http://127.0.0.1:${ports.front}`
    const token = cloud.token('alice')
    await expect.poll(() => ask(base, token), { timeout: 5000 }).toBe(200)
    let isOver = false
    const seen = { GET: new Map<number | string, number>(), POST: new Map<number | string, number>() }
    const load = async (method: 'GET' | 'POST'): Promise<void> => {
      while (!isOver) {
        const status = await ask(base, token, method === 'POST' ? detach : {}).catch(
          (error: Error) => error.message,
        )
        seen[method].set(status, (seen[method].get(status) ?? 0) + 1)
      }
    }
    const loads = [load('GET'), load('GET'), load('POST'), load('POST')]
    for (const at of [0, 1] as const) {
      await new Promise((resolve) => setTimeout(resolve, 800))
      expect(await gateways[at]?.process.end()).toBe(0)
      gateways[at] = await start(at)
      // Until the balancer has taken it back.
      await new Promise((resolve) => setTimeout(resolve, 1500))
    }
    isOver = true
    await Promise.all(loads)
    expect([[...seen.GET.keys()], [...seen.POST.keys()]]).toEqual([[200], [409]])
    expect((seen.GET.get(200) ?? 0) + (seen.POST.get(409) ?? 0)).toBeGreaterThan(500)
  }, 60_000)
})

/** All that a process has in memory that may be written. */
function memoryOf(pid: number): Buffer {
  const parts: Buffer[] = []
  const { openSync, readSync, closeSync } = process.getBuiltinModule('node:fs')
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
    if (from === '') continue
    const size = Number.parseInt(to, 16) - Number.parseInt(from, 16)
    const part = Buffer.alloc(Math.min(size, 64 * 1024 * 1024))
    try {
      parts.push(part.subarray(0, readSync(memory, part, 0, part.length, Number.parseInt(from, 16))))
    } catch {
      // not to be read, such as guard pages
    }
  }
  closeSync(memory)
  return Buffer.concat(parts)
}

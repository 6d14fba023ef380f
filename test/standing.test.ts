import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../src/demo/cloud.ts'
import { PROJECTS, VOLUMES } from '../src/demo/fixture.ts'
import { GatewayProcess } from './support/process.ts'

/** The gateway as a process of its own, whose clients and machine are unkind to it. */
let cloud: Cloud
let process: GatewayProcess
let url = ''
let admin = ''
const sockets: Socket[] = []
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })

async function start(options: Readonly<Record<string, string>> = {}, wrapper: readonly string[] = []) {
  process = new GatewayProcess(cloud, options, wrapper)
  ;({ url, admin } = await process.listening())
}
beforeEach(async () => {
  cloud = await startCloud()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await process.end('SIGKILL')
  await cloud.stop()
})

/** The status of an attack by os-detach, on a kept connection. */
function attack(): Promise<number> {
  const body = '{"os-detach": {}}'
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const sent = http.request({
      agent,
      hostname,
      port,
      method: 'POST',
      path: `/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`,
      headers: {
        'x-auth-token': cloud.token('alice'),
        'content-type': 'application/json',
        'content-length': String(body.length),
      },
    })
    sent.once('error', reject)
    sent.once('response', (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.end(body)
  })
}
function open(): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket))
    socket.once('close', () => resolve(socket))
  })
}
async function openAll(count: number): Promise<readonly Socket[]> {
  const all: Socket[] = []
  while (all.length < count)
    all.push(...(await Promise.all(Array.from({ length: Math.min(500, count - all.length) }, open))))
  return all
}
const descriptors = () => readdirSync(`/proc/${process.child.pid}/fd`).length
const mebibytes = () =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${process.child.pid}/status`, 'utf8'))?.[1]) / 1024

describe('clients', () => {
  test('ten thousand idle connections: others are served, and the memory is bounded', async () => {
    await start()
    expect(await attack()).toBe(409)
    const before = mebibytes()
    await openAll(10_000)
    await expect.poll(descriptors, { timeout: 5000 }).toBeGreaterThan(10_000)
    expect(await attack()).toBe(409)
    expect(mebibytes() - before).toBeLessThan(400)
    for (const socket of sockets.splice(0)) socket.destroy()
    await expect.poll(descriptors, { timeout: 10_000 }).toBeLessThan(100)
    expect(await attack()).toBe(409)
  }, 60_000)

  test.each([
    ['headers', 'GET /v3/ HTTP/1.1\r\nHost: c\r\nX-A: '],
    [
      'bodies',
      `POST /v3/${PROJECTS.demo}/volumes/v/action HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{`,
    ],
  ])(
    'five hundred that send their %s a byte at a time: others are served meanwhile',
    async (_what, begin) => {
      await start()
      for (const socket of await openAll(500)) socket.write(begin)
      for (let round = 0; round < 5; round += 1) {
        for (const socket of sockets) socket.write('x')
        expect(await attack()).toBe(409)
      }
    },
  )

  test('one that sends a thousand requests without waiting is cut off, and counted', async () => {
    await start()
    const socket = await open()
    const gone = once(socket, 'close')
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nHost: c\r\n\r\n'.repeat(1000))
    await gone
    expect(await attack()).toBe(409)
    expect(await metrics()).toMatch(
      /^cinderguard_refusals_total\{[^}]*reason="bad_request_framing"[^}]*\} 1$/m,
    )
  })

  test.each([
    ['os-detach', 'attachment_id'],
    ['os-migrate_volume_completion', 'new_volume'],
  ])('bodies of %s that are made to be expensive: others are served meanwhile', async (action, name) => {
    await start()
    expect(await attack()).toBe(409)
    const body = JSON.stringify({ [action]: { [name]: `x${'{'.repeat(100_000)}x` } })
    const answer = fetch(`${url}/v3/${PROJECTS.demo}/volumes/v/action`, {
      method: 'POST',
      headers: { 'x-auth-token': cloud.token('alice'), 'content-type': 'application/json' },
      body,
    })
    expect(await attack()).toBe(409)
    expect((await answer).status).toBe(400)
  })

  test('a flood of tokens that Keystone takes long over does not make it unready', async () => {
    await start({ keystone_timeout: '8', decision_timeout: '9' })
    expect(await attack()).toBe(409)
    cloud.keystone.fault = ({ headers }) => String(headers['x-subject-token']).startsWith('flood')
    const flood = await openAll(700)
    for (const [at, socket] of flood.entries())
      socket.write(
        `GET /v3/${PROJECTS.demo}/volumes HTTP/1.1\r\nHost: c\r\nX-Auth-Token: flood-${at}\r\n\r\n`,
      )
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect((await fetch(`${admin}/readyz`)).status).toBe(200)
  })

  test('hundreds that leave at once: what they asked is not lost count of', async () => {
    await start()
    for (const socket of await openAll(300)) {
      socket.write(
        `GET /v3/${PROJECTS.demo}/volumes HTTP/1.1\r\nHost: c\r\nX-Auth-Token: ${cloud.token('alice')}\r\n\r\n`,
      )
      setImmediate(() => socket.resetAndDestroy())
    }
    await expect.poll(descriptors, { timeout: 5000 }).toBeLessThan(100)
    await expect
      .poll(async () => /^cinderguard_requests_in_flight (\d+)$/m.exec(await metrics())?.[1], {
        timeout: 5000,
      })
      .toBe('0')
    expect(await attack()).toBe(409)
  })
})

const metrics = async (): Promise<string> => (await fetch(`${admin}/metrics`)).text()

describe('the machine', () => {
  test('no file descriptors left: what came in is served, and all is well when there are some again', async () => {
    await start({}, ['prlimit', '--nofile=100'])
    expect(await attack()).toBe(409)
    await openAll(300)
    await expect.poll(descriptors, { timeout: 5000 }).toBeGreaterThan(90)
    // On its kept connection it still gets an answer, and never one that lets it through.
    expect([409, 503]).toContain(await attack())
    for (const socket of sockets.splice(0)) socket.destroy()
    await expect.poll(attack, { timeout: 10_000 }).toBe(409)
    expect(cloud.attachment('in-use')?.status).toBe('attached')
  })

  test('a full disk: decisions go on, and lost records are counted', async () => {
    await start({ audit_log: '/dev/full' })
    for (let at = 0; at < 20; at += 1) expect(await attack()).toBe(409)
    await expect
      .poll(
        async () =>
          /^cinderguard_decision_records_total\{result="failed"\} (\d+)$/m.exec(await metrics())?.[1],
      )
      .toMatch(/^[1-9]/)
  })
})

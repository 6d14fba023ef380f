import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { IDS, OPERATIONS, SITUATIONS } from './cases.ts'
import { exchange } from './exchange.ts'
import { freePorts } from './lab/freePorts.ts'
import type { Lab } from './lab/lab.ts'
import { sharedLab } from './shared.ts'

/** The README's sidecar deployment: the command itself, Cinder's own cinder.conf, and three lines of ours. */
describe('cinderguard serve beside a legacy Cinder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cinderguard-serve-'))
  const socket = join(folder, 'admin.sock')
  let lab: Lab
  let gateway: ChildProcess
  let url = ''
  let output = ''

  beforeAll(async () => {
    lab = await sharedLab()
    const [port = 0] = await freePorts(1)
    url = `http://127.0.0.1:${port}`
    const own = join(folder, 'cinderguard.conf')
    writeFileSync(own, `[cinderguard]\nbind = 127.0.0.1:${port}\nupstream = ${lab.urls.cinder.legacy}\n`)
    const args = ['serve', '--config-file', lab.paths.cinderConf, '--config-file', own]
    gateway = spawn('bin/cinderguard.js', args, {
      env: { ...process.env, OS_CINDERGUARD__ADMIN_BIND: `unix:${socket}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [gateway.stdout, gateway.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    await vi.waitFor(() => expect(output).toContain('cinderguard is listening'), { timeout: 20_000 })
  })
  afterAll(() => {
    gateway.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  async function admin(path: string): Promise<{ status: number; text: string }> {
    const answer = await request(`http://admin${path}`, {
      dispatcher: new Agent({ connect: { socketPath: socket } }),
    })
    return { status: answer.statusCode, text: await answer.body.text() }
  }

  test('is ready, with Keystone, Cinder and Nova found from cinder.conf, and its admin listener on a unix socket', async () => {
    const { status, text } = await admin('/readyz')
    expect([status, JSON.parse(text)]).toMatchObject([
      200,
      {
        ready: true,
        draining: false,
        services: { keystone: 'ok', cinder: 'ok', nova: 'ok' },
        policy: { version: null, problem: null },
      },
    ])
  })

  test('refuses the attack, lets Nova through, and counts both', async () => {
    const fixture = SITUATIONS['Nova uses this attachment']
    const shape = OPERATIONS['os-detach']
    if (fixture === undefined || shape === undefined) throw new Error('no such case')
    lab.reset(fixture)
    const { token, projectId } = await lab.token('member')
    const nova = await lab.token('nova')
    const attack = await exchange(url, projectId, shape, { user: token })
    expect([attack.status, attack.body]).toEqual([
      409,
      `{"conflictingRequest": {"code": 409, "message": "ConflictNovaUsingAttachment: Detach volume from instance ${IDS.server} using the Compute API"}}`,
    ])
    expect((await exchange(url, projectId, shape, { user: token, service: nova.token })).status).toBe(202)
    const { text } = await admin('/metrics')
    expect(text).toContain(
      'cinderguard_refusals_total{operation="volume-detach",reason="attachment_in_use",status="409"} 1',
    )
    expect(text).toContain(
      'cinderguard_requests_total{operation="volume-detach",verdict="forwarded",status="202",service="true"} 1',
    )
  })

  test('writes a record of both and no token anywhere', async () => {
    const { token } = await lab.token('member')
    expect(output).toContain('"reason":"attachment_in_use"')
    expect(output).not.toContain(token)
    expect(output).not.toContain('lab-password')
  })

  test('check-config finds nothing wrong with the same files', async () => {
    const own = join(folder, 'cinderguard.conf')
    const check = spawn('bin/cinderguard.js', [
      'check-config',
      '--config-file',
      lab.paths.cinderConf,
      '--config-file',
      own,
    ])
    const [code] = (await once(check, 'exit')) as [number]
    expect(code).toBe(0)
    expect(readFileSync(own, 'utf8')).not.toContain('password')
  })

  test('ends cleanly at SIGTERM', async () => {
    gateway.kill('SIGTERM')
    const [code] = (await once(gateway, 'exit')) as [number]
    expect(code).toBe(0)
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { versionOf } from '../../src/version.ts'

/** The command as an operator types it. */
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-cli-'))
const conf = join(folder, 'cinderguard.conf')
let cloud: Cloud
const running: ChildProcess[] = []
beforeAll(async () => {
  cloud = await startCloud()
})
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
afterAll(async () => {
  await cloud.stop()
  rmSync(folder, { recursive: true, force: true })
})

function configure(...lines: readonly string[]): void {
  writeFileSync(
    conf,
    [
      '[keystone_authtoken]',
      `auth_url = ${cloud.urls.keystone}/v3`,
      'username = cinderguard\npassword = cinderguard-secret\nuser_domain_name = Default',
      'project_name = service\nproject_domain_name = Default',
      '[cinderguard]\nbind = 127.0.0.1:0\nadmin_bind = 127.0.0.1:0',
      `upstream = ${cloud.urls.cinder}`,
      ...lines,
    ].join('\n'),
  )
}

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  text(): string
}
function cinderguard(...args: readonly string[]): Run {
  const child = spawn('bin/cinderguard.js', [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, ended, text: () => text }
}
async function finished(...args: readonly string[]): Promise<readonly [number | null, string]> {
  const run = cinderguard(...args)
  return [await run.ended, run.text()]
}

describe('the command line', () => {
  test('--version', async () => {
    expect(await finished('--version')).toEqual([0, expect.stringContaining(versionOf())])
  })
  test('--help names every command and the exit codes', async () => {
    const [code, text] = await finished('--help')
    expect(code).toBe(0)
    for (const word of ['serve', 'check-config', 'doctor', 'explain', 'report', 'Exit codes'])
      expect(text).toContain(word)
  })
  test('an unknown command', async () => {
    const [code, text] = await finished('serv')
    expect(code).toBe(2)
    expect(text).toContain('serve')
  })
})

describe('check-config', () => {
  const check = () => finished('check-config', '--config-file', conf)
  test('a good configuration', async () => {
    configure()
    expect(await check()).toEqual([0, 'The configuration is good.\n'])
  })
  test('tells all problems at once, with the place of each', async () => {
    configure('nova_timeout = soon', 'modes = observe')
    const [code, text] = await check()
    expect(code).toBe(2)
    expect(text).toContain('nova_timeout')
    expect(text).toContain('modes')
    expect(text).toContain('2 problem(s)')
  })
  test('a policy file that somebody named must be there', async () => {
    configure('[oslo_policy]', 'policy_file = polcy.yaml')
    const [code, text] = await check()
    expect(code).toBe(2)
    expect(text).toContain('[oslo_policy] policy_file: there is no polcy.yaml')
  })
  test('and those of what the options name', async () => {
    configure('mode_overrides = volume-detach=observ, nobody=observe')
    const [code, text] = await check()
    expect(code).toBe(2)
    expect(text).toContain('mode_overrides: "volume-detach=observ" is not NAME=enforce or NAME=observe')
    expect(text).toContain('"nobody" is no operation')
  })
})

test('serve: writes decision records, opens their file anew at SIGHUP, ends at SIGTERM', async () => {
  const records = join(folder, 'audit.log')
  configure(`audit_log = ${records}`)
  const { child, ended, text } = cinderguard('serve', '--config-file', conf)
  await expect.poll(text, { timeout: 10_000 }).toContain('cinderguard is listening')
  const url = /"url":"([^"]+)"/.exec(text())?.[1]
  const attack = async () => {
    const answer = await fetch(`${url}/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-auth-token': cloud.token('alice') },
      body: '{"os-detach": {}}',
    })
    expect(answer.status).toBe(409)
  }
  const linesOf = (file: string) => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n').length
    } catch {
      return 0
    }
  }
  await attack()
  await expect.poll(() => linesOf(records)).toBe(1)
  renameSync(records, `${records}.1`)
  child.kill('SIGHUP')
  await expect
    .poll(() => {
      try {
        return readFileSync(records, 'utf8')
      } catch {
        return null
      }
    })
    .toBe('')
  await attack()
  await expect.poll(() => readFileSync(records, 'utf8')).toContain('update/os-detach')
  expect(linesOf(`${records}.1`)).toBe(1)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(text()).not.toContain(cloud.token('alice'))
})

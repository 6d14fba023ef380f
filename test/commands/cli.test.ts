import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { doctor } from '../../src/commands/doctor.ts'
import { explainCommand } from '../../src/commands/explain.ts'
import { report } from '../../src/commands/report.ts'
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
  errors(): string
}
function cinderguard(...args: readonly string[]): Run {
  const child = spawn('bin/cinderguard.js', [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  let text = ''
  let errors = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (stream === child.stderr) errors += chunk.toString()
    })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, ended, text: () => text, errors: () => errors }
}
async function finished(...args: readonly string[]): Promise<readonly [number | null, string]> {
  const run = cinderguard(...args)
  return [await run.ended, run.text()]
}

type Command = (argv: readonly string[]) => Promise<number>
/** A command in this process, which costs no start of another. */
async function here(command: Command, ...argv: readonly string[]): Promise<readonly [number, string]> {
  let text = ''
  const keep = (chunk: unknown) => {
    text += String(chunk)
    return true
  }
  const spies = [process.stdout, process.stderr].map((to) => vi.spyOn(to, 'write').mockImplementation(keep))
  try {
    return [await command(argv), text]
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
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
  test('nothing at all is wrong, and answered with the same', async () => {
    const run = cinderguard()
    expect(await run.ended).toBe(2)
    expect(run.errors()).toBe((await finished('--help'))[1])
  })
  test('an unknown command', async () => {
    const [code, text] = await finished('serv')
    expect(code).toBe(2)
    expect(text).toContain('did you mean "serve"')
  })
  test('an unknown flag', async () => {
    const [code, text] = await finished('report', '--sinse', '2d')
    expect(code).toBe(2)
    expect(text).toContain('did you mean --since?')
  })
  test('help of a command, however it is asked for; all options at serve alone', async () => {
    const [code, text] = await finished('policy', 'list', '--help')
    expect([code, text]).toEqual([0, expect.stringContaining('Usage: cinderguard policy list')])
    expect(await finished('help', 'policy', 'list')).toEqual([0, text])
    expect(text).not.toContain('[keystone_authtoken]')
    expect((await finished('serve', '-h'))[1]).toContain('[keystone_authtoken]')
  })
  test('help of an unknown command', async () => {
    expect(await finished('help', '--help')).toEqual([0, expect.stringContaining('Usage: cinderguard help')])
    expect(await finished('help', 'policy', '--help')).toEqual([0, expect.stringContaining('policy COMMAND')])
    expect(await finished('help', 'reprot')).toEqual([2, expect.stringContaining('"report"')])
  })
  test('completion', async () => {
    expect(await finished('completion', 'bash')).toEqual([0, expect.stringContaining('complete -F')])
    expect((await finished('completion', 'tcsh'))[0]).toBe(2)
  })
})

describe('check-config', () => {
  const check = () => finished('check-config', '--config-file', conf)
  test('a good configuration', async () => {
    configure()
    expect(await check()).toEqual([0, 'The configuration is valid.\n'])
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
  test('and opens the files that they name', async () => {
    const none = join(folder, 'none.pem')
    const text = join(folder, 'text.pem')
    writeFileSync(text, 'no certificate')
    configure(
      `tls_cert_file = ${none}\ntls_key_file = ${none}\nupstream_cafile = ${text}`,
      `audit_log = ${text}/audit.log\nadmin_bind = unix:/nowhere/admin.sock`,
      `[policy]\nbundle_url = http://127.0.0.1:1/b\nbundle_cache = ${folder}`,
    )
    const [code, told] = await check()
    expect(code).toBe(2)
    for (const line of [
      `[cinderguard] tls_cert_file: cannot read ${none}: no such file`,
      `[cinderguard] upstream_cafile: ${text} holds no PEM certificate`,
      `[cinderguard] audit_log: ${text} is not a directory`,
      '[cinderguard] admin_bind: cannot use /nowhere: no such file',
      '[policy] bundle_public_keys: is empty',
      `[policy] bundle_cache: ${folder} is a directory`,
    ])
      expect(told).toContain(line)
  })
  test('and those of what the options name', async () => {
    configure('mode_overrides = volume-detach=observ, nobody=observe')
    const [code, text] = await check()
    expect(code).toBe(2)
    expect(text).toContain('mode_overrides: "volume-detach=observ" is not NAME=enforce or NAME=observe')
    expect(text).toContain('"nobody" is no operation')
  })
})

describe('report and doctor', () => {
  test('--help says what the command itself takes, and no list of all options', async () => {
    const [code, text] = await finished('report', '--help')
    expect([code, text]).toEqual([0, expect.stringContaining('--audit-log FILE')])
    expect(text).not.toContain('memcache')
  })
  test.each([[['report']], [['doctor']], [['attachments', 'audit']]])(
    '%s explains its own flags',
    async (words) => {
      expect(await finished(...words, '--help')).toEqual([
        0,
        expect.stringMatching(/--format json[\s\S]*Exit codes:\n {2}0 /),
      ])
    },
  )

  test('need no account in Keystone to ask where admin_bind is', async () => {
    writeFileSync(conf, '[cinderguard]\nadmin_bind = 127.0.0.1:1\n')
    const [code, text] = await finished('report', '--config-file', conf)
    expect([code, text]).toEqual([3, expect.stringContaining('no gateway answers on admin_bind 127.0.0.1:1')])
    const id = 'req-00000000-0000-4000-8000-000000000000'
    expect((await finished('explain', id, '--config-file', conf))[1]).toContain('no gateway answers')
  })

  const WRONG: readonly (readonly [string, Command, readonly string[], string])[] = [
    ['another format', report, ['--format', 'xml'], 'Usage'],
    ['no moment', report, ['--since', 'yesterday'], '--since yesterday is not a time'],
    ['no address', report, ['--admin', 'ftp://x'], 'ftp://x'],
    ['two sources', report, ['--admin', 'http://127.0.0.1:1', '--audit-log', '/dev/null'], 'not both'],
    ['a log without a decision record', report, ['--audit-log', '/dev/null'], '/dev/null'],
    ['https without the certificate', report, ['--admin', 'https://127.0.0.1:1'], 'admin_tls_cert_file'],
    ['a word too many', report, ['now'], '"now"'],
    ['a level that is none', doctor, ['--fail-on', 'info'], 'Usage'],
    ['nothing to explain', explainCommand, [], 'needs a REQUEST-ID'],
    ['two things to explain', explainCommand, ['req-1', '--request', 'GET /v3/x'], 'not both'],
  ]
  test.each(WRONG)('a wrong command line: %s', async (_name, command, words, told) => {
    expect(await here(command, ...words)).toEqual([2, expect.stringContaining(told)])
  })
  test('a file that is not there is named', async () => {
    const told = await here(explainCommand, 'req-1', '--token-file', '/nope')
    expect(told).toEqual([1, 'cinderguard explain: cannot read /nope: no such file\n'])
  })

  test('ask a running gateway, or several', async () => {
    configure('mode = observe')
    const { text } = cinderguard('serve', '--config-file', conf)
    await expect.poll(text, { timeout: 10_000 }).toContain('cinderguard is listening')
    const { url, admin } = JSON.parse(/\{.*"url".*\}/.exec(text())?.[0] ?? '{}') as Record<string, string>
    const detach = (headers: Readonly<Record<string, string>>) =>
      fetch(`${url}/v3/${PROJECTS.demo}/volumes/${VOLUMES['in-use']}/action`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-auth-token': cloud.token('alice'), ...headers },
        body: '{"os-detach": {}}',
      })
    const byNova = {
      'user-agent': 'python-cinderclient',
      'x-openstack-request-id': 'req-00000000-0000-4000-8000-000000000000',
    }
    await detach(byNova)
    const ask = () => here(report, '--admin', `${admin}/`, '--admin', `${admin}`)
    expect(await ask()).toEqual([1, expect.stringContaining('2 × volume-detach: service_token_missing')])
    cloud.reset()
    await detach({ ...byNova, 'x-service-token': cloud.token('nova') })
    expect(await ask()).toEqual([0, expect.stringContaining('READY to enforce')])
    expect((await ask())[1]).toContain('succeeded at')

    const [code, found] = await here(doctor, '--config-file', conf, '--admin', `${admin}`)
    expect(code).toBe(1)
    expect(found).toContain('The service catalogue sends clients to Cinder itself')
    expect(found).toContain('ok       Nova sends valid service tokens, as nova')
    expect(found).toContain('has a service role')
  })
})

describe('attachments audit', () => {
  const audit = (env: Readonly<Record<string, string>>) => {
    const child = spawn('bin/cinderguard.js', ['attachments', 'audit', '--config-file', conf], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.push(child)
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
    return new Promise<readonly [number | null, string]>((resolve) =>
      child.once('close', (code) => resolve([code, text])),
    )
  }
  const ADMIN = {
    OS_USERNAME: 'admin',
    OS_PASSWORD: 'admin-secret',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_NAME: 'admin',
    OS_PROJECT_DOMAIN_NAME: 'Default',
  }
  test('without an account', async () => {
    configure()
    expect(await audit({})).toEqual([2, expect.stringContaining('Set OS_USERNAME and OS_PASSWORD')])
  })
  test("with an admin's password: finds the footprint of the attack", async () => {
    configure()
    cloud.reset()
    const before = await audit(ADMIN)
    for (const [id, attachment] of cloud.attachments)
      if (attachment.volumeId === VOLUMES['in-use']) (cloud.attachments as Map<string, unknown>).delete(id)
    const after = await audit(ADMIN)
    cloud.reset()
    expect(before[1]).not.toContain('footprint')
    expect(after).toEqual([1, expect.stringContaining('the footprint of CVE-2023-2088')])
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
      return readFileSync(file, 'utf8').split('\n').length - 1
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

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CORPUS } from '../fuzz/corpus.ts'
import { compareJudged, enter, type Ledger, type Seen, startJudging } from '../fuzz/judged.ts'
import { freePorts } from './lab/freePorts.ts'

/** What is judged is what the upstream reads, for the servers that Cinder runs under or behind, by each forwarder. */
const PYTHON = join(import.meta.dirname, 'lab', 'python')
const NAMES = { project: 'p', volume: 'v', attachment: 'a', newVolume: 'n', token: 'alice', admin: 'root' }
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-judged-'))
const children: ChildProcess[] = []
afterAll(async () => {
  // With the workers that it has: those of Apache and nginx outlive them.
  for (const { pid, exitCode, signalCode } of children)
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function nginxConf(port: number, backend: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  return `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {}
http { access_log off; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${backend}; } } }`
}
function apacheConf(port: number): string {
  const modules = ['mpm_event', 'authz_core', 'wsgi'].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  )
  return `ServerName cinder
Listen 127.0.0.1:${port}
${modules.join('\n')}
User www-data
Group www-data
PidFile ${folder}/apache.pid
ErrorLog ${folder}/apache.log
WSGIScriptAlias / ${join(PYTHON, 'recorder.py')}
<Directory ${PYTHON}>
  Require all granted
</Directory>
`
}
const WSGI = ['--chdir', PYTHON, '-b']
const UWSGI =
  '--plugin python3 --need-app --buffer-size 65535 --post-buffering 65536 --die-on-term --http-socket'
const SERVERS: Readonly<Record<string, (port: number, backend: number) => readonly string[]>> = {
  uWSGI: (port) => [
    '/usr/bin/uwsgi',
    ...UWSGI.split(' '),
    `127.0.0.1:${port}`,
    '--wsgi-file',
    join(PYTHON, 'recorder.py'),
  ],
  eventlet: (port) => ['/usr/bin/python3', join(PYTHON, 'recorder.py'), String(port)],
  gunicorn: (port) => ['/usr/bin/gunicorn', ...WSGI, `127.0.0.1:${port}`, 'recorder:application'],
  'Apache with mod_wsgi': (port) => {
    writeFileSync(join(folder, 'apache.conf'), apacheConf(port))
    // Apache gives up root for its workers.
    chmodSync(folder, 0o777)
    return ['/usr/sbin/apache2', '-DFOREGROUND', '-d', folder, '-f', join(folder, 'apache.conf')]
  },
  'nginx before gunicorn': (port, backend) => {
    writeFileSync(join(folder, 'nginx.conf'), nginxConf(port, backend))
    return ['/usr/sbin/nginx', '-p', folder, '-c', join(folder, 'nginx.conf')]
  },
}

function start(command: readonly string[], records: string): void {
  const [program = '', ...args] = command
  const env = { ...process.env, RECORDS: records, PYTHONDONTWRITEBYTECODE: '1' }
  children.push(spawn(program, args, { env, stdio: 'ignore', detached: true }))
}
async function untilUp(port: number): Promise<void> {
  const asked = async () => expect((await fetch(`http://127.0.0.1:${port}/up`)).status).toBe(200)
  await vi.waitFor(asked, { timeout: 15_000, interval: 100 })
}
const linesOf = (records: string): readonly string[] =>
  existsSync(records) ? readFileSync(records, 'utf8').trim().split('\n') : []
function read(lines: readonly string[]): Ledger {
  const ledger: Ledger = new Map()
  for (const line of lines) {
    const { id, ...seen } = JSON.parse(line) as Seen & { id: string }
    if (id !== '') enter(ledger, id, seen)
  }
  return ledger
}

describe.each(Object.entries(SERVERS))('before %s', (name, command) => {
  const records = join(folder, `${name}.jsonl`)
  let url: string
  beforeAll(async () => {
    const [port = 0, backend = 0] = await freePorts(2)
    if (name.includes('before')) {
      start(SERVERS.gunicorn?.(backend, 0) ?? [], records)
      await untilUp(backend)
    }
    start(command(port, backend), records)
    await untilUp(port)
    url = `http://127.0.0.1:${port}`
  })

  test.each(['http-proxy-3', 'undici'] as const)('%s: judged equals forwarded', async (engine) => {
    // Ids that clients bring along come again with the other forwarder.
    const already = linesOf(records).length
    const judging = await startJudging(url, engine)
    const received = () => read(linesOf(records).slice(already))
    const { difference, forwarded } = await compareJudged(judging, received, {
      runs: 400,
      seed: 7,
      also: CORPUS.map(({ bytes }) => bytes(NAMES)),
    })
    await judging.stop()
    expect(difference).toBeNull()
    expect(forwarded).toBeGreaterThan(120)
  })
})

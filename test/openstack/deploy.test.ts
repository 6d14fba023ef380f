import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { ensure } from './lab/install.ts'

/** What deploy/ ships, held against the programs that will read it; and the package, in folders that know nothing. */
const ROOT = join(import.meta.dirname, '../..')
const NODE = join(ROOT, 'node_modules/node/bin/node')
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
let folder = ''
beforeAll(() => {
  ensure([
    'haproxy',
    'nginx-light',
    'systemd',
    'openssl',
    'apache2-bin',
    'libapache2-mod-wsgi-py3',
    'logrotate',
  ])
  folder = mkdtempSync(join(tmpdir(), 'cinderguard-deploy-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (program: string, args: readonly string[], cwd = ROOT): string =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const cinderguard = (file: string, ...args: string[]): string => run(NODE, [file, ...args])

describe('configuration that others read', () => {
  test('HAProxy takes its part', () => {
    run('haproxy', ['-c', '-f', 'deploy/haproxy/cinderguard.cfg'])
  })

  test('nginx takes its part', () => {
    const [cert, key] = [join(folder, 'volume.pem'), join(folder, 'volume.key')]
    const files = ['-newkey', 'rsa:2048', '-nodes', '-out', cert, '-keyout', key]
    run('openssl', ['req', '-x509', ...files, '-subj', '/CN=volume.example.org'])
    const site = readFileSync(join(ROOT, 'deploy/nginx/cinderguard.conf'), 'utf8')
      .replaceAll('/etc/ssl/volume.pem', cert)
      .replaceAll('/etc/ssl/volume.key', key)
    writeFileSync(join(folder, 'nginx.conf'), `pid ${folder}/nginx.pid; events {} http { ${site} }`)
    run('/usr/sbin/nginx', ['-t', '-c', join(folder, 'nginx.conf')])
  })

  test("Apache takes kolla's override, filled in", () => {
    const site = readFileSync(join(ROOT, 'deploy/kolla-ansible/cinder-wsgi.conf'), 'utf8')
      .replaceAll(/\{\{.*?\}\}/g, '5')
      .replaceAll('/var/log/kolla/cinder', folder)
      .replaceAll(/user=cinder group=cinder/g, 'user=nobody group=nogroup')
    const modules = ['mpm_event', 'wsgi', 'authz_core'].map(
      (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
    )
    const file = join(folder, 'apache.conf')
    writeFileSync(
      file,
      [...modules, 'ServerName x', `DefaultRuntimeDir ${folder}`, `ErrorLog ${folder}/error.log`, site].join(
        '\n',
      ),
    )
    run('/usr/sbin/apache2', ['-t', '-f', file])
  })

  test('systemd takes the unit, and calls it safe', () => {
    const unit = 'deploy/systemd/cinderguard.service'
    const said = run('systemd-analyze', ['security', '--offline=true', unit])
    expect(Number(/Overall exposure level for cinderguard\.service: ([0-9.]+)/.exec(said)?.[1])).toBeLessThan(
      1.5,
    )
  })

  test('systemd finds nothing in the unit to complain about, but that its program is not here', () => {
    const verified = (name: string, change: (unit: string) => string): readonly string[] => {
      const file = join(folder, name)
      writeFileSync(file, change(readFileSync(join(ROOT, 'deploy/systemd/cinderguard.service'), 'utf8')))
      // Of this unit alone: what it comes after may be wrong on its own account.
      const { stderr } = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', file], {
        encoding: 'utf8',
      })
      return stderr.split('\n').filter((line) => line.includes(name))
    }
    const here = (unit: string): string => unit.replaceAll('/opt/cinderguard/bin/cinderguard', NODE)
    expect(verified('cinderguard.service', here)).toEqual([])
    const misspelt = (unit: string): string => here(unit).replace('RestartSec=', 'RestartSecs=')
    expect(verified('misspelt.service', misspelt)).toEqual([expect.stringContaining("'RestartSecs'")])
  })

  test('logrotate takes its part', () => {
    const state = join(folder, 'logrotate.state')
    run('logrotate', ['--debug', '--state', state, 'deploy/logrotate/cinderguard'])
  })

  test.each(globSync('deploy/{kubernetes,openstack-helm}/**/*.yaml', { cwd: ROOT }))('%s is YAML', (file) => {
    const documents = parseAllDocuments(readFileSync(join(ROOT, file), 'utf8'))
    for (const document of documents) expect(document.errors).toEqual([])
  })

  test('the gateway takes the configuration in the manifests', () => {
    for (const name of ['sidecar', 'fleet']) {
      const [map] = parseAllDocuments(readFileSync(join(ROOT, `deploy/kubernetes/${name}.yaml`), 'utf8'))
      if (map === undefined) throw new Error('no document')
      const { data } = map.toJS() as { data: Record<string, string> }
      const file = join(folder, `${name}.conf`)
      const account = 'auth_url = http://127.0.0.1:5000\nusername = u\npassword = p\nproject_name = service\n'
      const domains = 'user_domain_name = Default\nproject_domain_name = Default\n'
      writeFileSync(file, `${data['cinderguard.conf']}\n[keystone_authtoken]\n${account}${domains}`)
      expect(cinderguard('bin/cinderguard.js', 'check-config', '--config-file', file)).toContain('is valid')
    }
  })
})

describe('the package', () => {
  test('npm pack yields a command that works in a clean folder, of exactly the locked versions', () => {
    run('npm', ['pack', '--pack-destination', folder])
    const home = join(folder, 'installed')
    mkdirSync(home)
    run('npm', ['install', '--no-audit', '--no-fund', join(folder, `cinderguard-${version}.tgz`)], home)
    const installed = join(home, 'node_modules/cinderguard')
    expect(cinderguard(join(installed, 'bin/cinderguard.js'), '--version')).toBe(`cinderguard ${version}\n`)
    const tour = cinderguard(join(installed, 'bin/cinderguard.js'), 'demo', '--once', '--any-port')
    expect(tour).toContain('409')
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
    for (const name of ['express', 'undici', 'jose', 'http-proxy-3'])
      expect(versionIn([join(home, 'node_modules'), join(installed, 'node_modules')], name)).toBe(
        lock.packages[`node_modules/${name}`]?.version,
      )
    expect(readdirSync(ROOT)).not.toContain('npm-shrinkwrap.json')
  })

  test("the Containerfile's steps, without an engine", () => {
    const text = readFileSync(join(ROOT, 'deploy/Containerfile'), 'utf8').replaceAll(/\\\n/g, ' ')
    const inside = (path: string): string => join(folder, 'image', path)
    let at = inside('/')
    for (const [, step = '', rest = ''] of text.matchAll(/^(WORKDIR|COPY|RUN) (.*)$/gm)) {
      if (rest.startsWith('--from')) continue
      const words = rest.split(' ')
      const to = words.at(-1) ?? ''
      if (step === 'WORKDIR') {
        at = inside(rest)
        mkdirSync(at, { recursive: true })
      } else if (step === 'RUN') run('sh', ['-c', rest.replaceAll('/src', inside('/src'))], at)
      else
        for (const from of words.slice(0, -1))
          cpSync(join(ROOT, from), join(at, to === './' ? from : to), { recursive: true })
    }
    const program = join(inside('/app'), 'bin/cinderguard.js')
    expect(cinderguard(program, '--version')).toBe(`cinderguard ${version}\n`)
    expect(cinderguard(program, 'demo', '--once', '--any-port')).toContain('409')
    expect(readdirSync(inside('/app')).toSorted()).toEqual([
      'bin',
      'dist',
      'node_modules',
      'package-lock.json',
      'package.json',
      'policies',
    ])
  })
})

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string } | undefined>>
}

function versionIn(folders: readonly string[], name: string): string | undefined {
  for (const each of folders)
    try {
      return (JSON.parse(readFileSync(join(each, name, 'package.json'), 'utf8')) as { version: string })
        .version
    } catch {
      // not in this one
    }
  return undefined
}

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labPassword } from './accounts.ts'
import type { Lab } from './lab.ts'

/** What this lab has not: backups, images, servers, a second back end. */
const LEFT_OUT =
  /backup|image|attach|qos|migrate|retype|encrypt|manage|multi_?backend|extend_attached|server|scheduler_stats_pools/i

function configure(folder: string, lab: Lab): void {
  const sections: Record<string, Record<string, string | number | boolean>> = {
    DEFAULT: { log_dir: folder, use_stderr: false },
    oslo_concurrency: { lock_path: folder },
    auth: {
      use_dynamic_credentials: true,
      create_isolated_networks: false,
      admin_username: 'admin',
      admin_password: labPassword,
      admin_project_name: 'admin',
      admin_domain_name: 'Default',
      tempest_roles: 'member',
    },
    identity: { uri_v3: lab.urls.keystone, auth_version: 'v3', region: 'RegionOne' },
    service_available: { cinder: true, glance: false, nova: false, neutron: false, swift: false },
    volume: {
      catalog_type: 'volumev3',
      region: 'RegionOne',
      min_microversion: '3.0',
      max_microversion: '3.70',
      build_interval: 1,
      build_timeout: 20,
      volume_size: 1,
    },
    'volume-feature-enabled': { backup: false, snapshot: true, extend_attached_volume: false },
  }
  const text = Object.entries(sections)
    .map(([name, values]) =>
      [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`)].join('\n'),
    )
    .join('\n\n')
  writeFileSync(join(folder, 'tempest.conf'), text)
  writeFileSync(
    join(folder, '.stestr.conf'),
    '[DEFAULT]\ntest_path=/usr/lib/python3/dist-packages/tempest/test_discover\ntop_dir=/usr/lib/python3/dist-packages\n',
  )
}

function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      TEMPEST_CONFIG_DIR: cwd,
      TEMPEST_CONFIG: 'tempest.conf',
      PATH: `/usr/bin:/bin:${process.env.PATH ?? ''}`,
    }
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
    child.once('error', reject)
    child.once('close', () => resolve(text))
  })
}

/** Runs Tempest's volume tests whose names fit, and those of cinder-tempest-plugin, wherever the catalogue points. */
export async function tempest(lab: Lab, regex: string): Promise<ReadonlyMap<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'cinderguard-tempest-'))
  try {
    configure(folder, lab)
    await run('/usr/bin/stestr', ['init'], folder)
    const listed = await run('/usr/bin/stestr', ['list', regex], folder)
    const names = listed
      .split('\n')
      .filter(
        (name) => /^(?:tempest\.api\.volume|cinder_tempest_plugin\.api)\./.test(name) && !LEFT_OUT.test(name),
      )
    if (names.length === 0) throw new Error(`Tempest lists no tests: ${listed.slice(-2000)}`)
    writeFileSync(join(folder, 'names'), `${names.join('\n')}\n`)
    const output = await run('/usr/bin/stestr', ['run', '--serial', '--load-list', 'names'], folder)
    const results = new Map<string, string>()
    for (const [, name = '', result = ''] of output.matchAll(
      /^\{\d+\} (\S+?)(?:\[\S*\])? (?:\[[\d.]+s\] )?\.\.\. (ok|FAILED|SKIPPED)/gm,
    ))
      results.set(name, result)
    if (results.size === 0) throw new Error(`Tempest ran nothing: ${output.slice(-3000)}`)
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

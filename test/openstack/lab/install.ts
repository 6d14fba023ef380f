import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

const packages = [
  ...['keystone', 'cinder-api', 'cinder-volume', 'cinder-scheduler', 'nova-api', 'rabbitmq-server'],
  ...['memcached', 'haproxy', 'prometheus', 'openssl'],
  ...['gunicorn', 'nginx-light', 'tempest', 'cinder-tempest-plugin'],
  ...['uwsgi-core', 'uwsgi-plugin-python3', 'python3-openstackclient', 'python3-cinderclient', 'sqlite3'],
  ...['python3-pycadf', 'python3-keystonemiddleware'],
  ...['chromium', 'fonts-inter', 'fonts-jetbrains-mono'],
]
const policy = '/usr/sbin/policy-rc.d'
const saved = `${policy}.before-cinderguard-lab`

function isInstalled(packages: readonly string[]): boolean {
  const answer = spawnSync('dpkg-query', ['-W', '-f', `\${db:Status-Status}\n`, ...packages], {
    encoding: 'utf8',
  })
  if (answer.error || answer.status !== 0) return false
  const states = answer.stdout.trim().split('\n')
  return states.length === packages.length && states.every((state) => state === 'installed')
}

function apt(...args: string[]): void {
  const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300']
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const done = spawnSync('apt-get', [...options, ...args], { env, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (done.status !== 0)
    throw new Error(
      `apt-get ${args[0]} failed (${done.status ?? done.error?.message}):\n${done.stderr?.slice(-3000)}`,
    )
}

/** Installs the Debian packages of the lab; takes about a minute, or a moment when all is there. See {@link ensure}. */
export const install = (): boolean => ensure(packages)

/**
 * Installs Debian packages; no service is started by it. Returns whether it had to install. Throws when this is not
 * Debian 12 as root, or apt-get fails.
 */
export function ensure(wanted: readonly string[]): boolean {
  if (isInstalled(wanted)) return false
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  if (!/^ID=debian$/m.test(release) || !/^VERSION_ID="12"$/m.test(release) || process.getuid?.() !== 0)
    throw new Error(`root on Debian 12 is needed to install: ${wanted.join(' ')}`)
  if (existsSync(policy)) renameSync(policy, saved)
  try {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    apt('update')
    apt('install', '--no-install-recommends', ...wanted)
  } finally {
    rmSync(policy, { force: true })
    if (existsSync(saved)) renameSync(saved, policy)
  }
  return true
}

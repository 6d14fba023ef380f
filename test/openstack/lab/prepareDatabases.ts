import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { labPassword } from './accounts.ts'
import { type LabLayout, labPaths } from './LabLayout.ts'
import { writeAccounts, writeEndpoint } from './writeAccounts.ts'
import { writeConfigs } from './writeConfigs.ts'

const run = promisify(execFile)

/** Named by all that the prepared databases depend on: package versions and the files that write them. */
function preparedPath(): string {
  const versions = spawnSync('dpkg-query', [
    '-W',
    '-f',
    `\${Version}\n`,
    'keystone',
    'cinder-api',
    'nova-api',
  ])
  const hash = createHash('sha256').update(versions.stdout ?? '')
  for (const name of ['prepareDatabases', 'writeAccounts', 'writeConfigs', 'accounts', 'LabLayout'])
    hash.update(readFileSync(join(import.meta.dirname, `${name}.ts`)))
  return join(tmpdir(), `cinderguard-lab-prepared-${process.getuid?.()}-${hash.digest('hex').slice(0, 16)}`)
}

async function prepare(target: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'cinderguard-lab-preparing-'))
  const ports = { epmd: 1, distribution: 1, rabbit: 1, keystone: 1, nova: 1, eventlet: 1 }
  writeConfigs({ root, ports: { ...ports, fixed: 1, legacy: 1, fixedRequired: 1, legacyRequired: 1 } })
  const paths = labPaths(root)
  for (const keys of ['fernet', 'credential']) mkdirSync(join(paths.data, keys), { mode: 0o700 })
  const manager = (program: string, conf: string) => (args: string) =>
    run(program, ['--config-file', conf, ...args.split(' ')], { cwd: root, maxBuffer: 1 << 26 })
  const keystone = manager('/usr/bin/keystone-manage', paths.keystoneConf)
  const cinder = manager('/usr/bin/cinder-manage', paths.cinderConf)
  const nova = manager('/usr/bin/nova-manage', paths.novaConf)
  await Promise.all([
    (async () => {
      await keystone('db_sync')
      await Promise.all(
        ['fernet_setup', 'credential_setup'].map((name) =>
          keystone(`${name} --keystone-user root --keystone-group root`),
        ),
      )
      const names =
        '--bootstrap-username bootstrap --bootstrap-project-name bootstrap --bootstrap-region-id RegionOne'
      await keystone(`bootstrap --bootstrap-password ${labPassword} ${names}`)
      writeAccounts(paths.databases.keystone)
      await cinder('db sync')
    })(),
    (async () => {
      await nova('api_db sync')
      await nova(`cell_v2 map_cell0 --database_connection sqlite:///${paths.databases.novaCell0}`)
      await nova('db sync')
      await nova('cell_v2 create_cell --name cell1')
    })(),
  ])
  for (const [name, path] of Object.entries(paths.databases)) {
    const db = new DatabaseSync(path)
    if (name === 'cinder') db.exec('UPDATE quota_classes SET hard_limit = -1')
    db.exec('PRAGMA journal_mode=WAL; PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()
  }
  try {
    renameSync(paths.data, target)
  } catch (error) {
    if (!existsSync(target)) throw error // another lab has just prepared the same
  }
  rmSync(root, { recursive: true, force: true })
}

/**
 * Fills the lab's data directory with databases and keys. The first time (per package versions and lab files) they
 * are made, about 15 s, and kept in the system's temp directory; after that copied. Throws when a db sync fails.
 */
export async function prepareDatabases({ root, ports }: LabLayout): Promise<void> {
  const prepared = preparedPath()
  if (!existsSync(prepared)) await prepare(prepared)
  const paths = labPaths(root)
  cpSync(prepared, paths.data, { recursive: true })
  writeEndpoint(paths.databases.keystone, 'identity', `http://127.0.0.1:${ports.keystone}/v3`)
  writeEndpoint(paths.databases.keystone, 'compute', `http://127.0.0.1:${ports.nova}/v2.1`)
  writeEndpoint(paths.databases.keystone, 'volumev3', `http://127.0.0.1:${ports.fixed}/v3/%(project_id)s`)
  // Nobody is there: the openstack client only wants it to be in the catalogue.
  writeEndpoint(paths.databases.keystone, 'image', 'http://127.0.0.1:9/v2')
  const db = new DatabaseSync(paths.databases.novaApi)
  const cell = db.prepare(
    'UPDATE cell_mappings SET database_connection = ?, transport_url = ? WHERE name = ?',
  )
  cell.run(`sqlite:///${paths.databases.novaCell0}?timeout=30`, 'none:///', 'cell0')
  cell.run(
    `sqlite:///${paths.databases.nova}?timeout=30`,
    `rabbit://guest:guest@127.0.0.1:${ports.rabbit}/`,
    'cell1',
  )
  db.close()
}

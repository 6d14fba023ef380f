import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { type LabProject, type LabUser, labProjects, labUsers } from './accounts.ts'

export type LabIds = {
  readonly projects: Record<LabProject, string>
  readonly users: Record<LabUser, string>
}

const services = { identity: 'keystone', compute: 'nova', volumev3: 'cinder', image: 'glance' } as const
const interfaces = ['public', 'internal', 'admin'] as const
const fixedId = (text: string) => createHash('md5').update(`cinderguard lab ${text}`).digest('hex')

/** The ids of the lab's projects and users: always the same ones. */
export function labIds(): LabIds {
  const of = <K extends string>(kind: string, names: readonly K[]) =>
    Object.fromEntries(names.map((name) => [name, fixedId(`${kind} ${name}`)])) as Record<K, string>
  return { projects: of('project', labProjects), users: of('user', Object.keys(labUsers) as LabUser[]) }
}

/** Writes projects, users, roles and the catalogue into a Keystone database that has been bootstrapped. */
export function writeAccounts(keystoneDatabase: string): void {
  const db = new DatabaseSync(keystoneDatabase, { timeout: 10_000, enableForeignKeyConstraints: false })
  const ids = labIds()
  const run = (sql: string, ...values: (string | number | null)[]) => db.prepare(sql).run(...values)
  const hash = String(db.prepare('SELECT password_hash AS hash FROM password').get()?.hash)
  db.exec('BEGIN IMMEDIATE; DELETE FROM endpoint; DELETE FROM service;')
  for (const name of labProjects)
    run(
      `INSERT INTO project (id, name, extra, description, enabled, domain_id, parent_id, is_domain)
       VALUES (?, ?, '{}', '', 1, 'default', 'default', 0)`,
      ids.projects[name],
      name,
    )
  run("INSERT OR IGNORE INTO role (id, name, extra) VALUES (?, 'service', '{}')", fixedId('role service'))
  for (const [name, { roles }] of Object.entries(labUsers) as [LabUser, (typeof labUsers)[LabUser]][]) {
    const id = ids.users[name]
    run(
      "INSERT INTO user (id, extra, enabled, created_at, domain_id) VALUES (?, '{}', 1, datetime(), 'default')",
      id,
    )
    const local = run(
      "INSERT INTO local_user (user_id, domain_id, name, failed_auth_count) VALUES (?, 'default', ?, 0)",
      id,
      name,
    )
    run(
      `INSERT INTO password (local_user_id, self_service, password_hash, created_at_int, created_at)
       VALUES (?, 0, ?, unixepoch() * 1000000, datetime() || '.000000')`,
      Number(local.lastInsertRowid),
      hash,
    )
    for (const [project, names] of Object.entries(roles) as [LabProject, readonly string[]][])
      for (const role of names)
        run(
          `INSERT INTO assignment (type, actor_id, target_id, role_id, inherited)
           SELECT 'UserProject', ?, ?, id, 0 FROM role WHERE name = ?`,
          id,
          ids.projects[project],
          role,
        )
  }
  for (const [type, name] of Object.entries(services)) {
    run(
      'INSERT INTO service (id, type, enabled, extra) VALUES (?, ?, 1, ?)',
      fixedId(`service ${type}`),
      type,
      JSON.stringify({ name }),
    )
    for (const kind of interfaces)
      run(
        `INSERT INTO endpoint (id, interface, service_id, url, extra, enabled, region_id) VALUES (?, ?, ?, '', '{}', 1, 'RegionOne')`,
        fixedId(`endpoint ${type} ${kind}`),
        kind,
        fixedId(`service ${type}`),
      )
  }
  db.exec('COMMIT')
  db.close()
}

/** Points one service of the catalogue at `url`, for all three interfaces. Valid for tokens issued from now on. */
export function writeEndpoint(keystoneDatabase: string, type: keyof typeof services, url: string): void {
  const db = new DatabaseSync(keystoneDatabase, { timeout: 10_000 })
  db.prepare('UPDATE endpoint SET url = ? WHERE service_id = ?').run(url, fixedId(`service ${type}`))
  db.close()
}

import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { type LivePolicy, startPolicy } from '../../../src/organisation/live.ts'
import { CALLS } from '../../../src/policy/calls.ts'
import { CATALOGUE } from '../../../src/policy/catalogue.ts'
import { NOT_ENFORCED } from '../../../src/policy/operations.ts'
import { type Gateway, startGateway } from '../../../src/serve.ts'
import { IDS } from '../cases.ts'
import type { Lab } from '../lab/lab.ts'
import { sharedLab } from '../shared.ts'
import { BODIES, QUERIES } from './bodies.ts'
import { MARK, startWitness, type Witness } from './witness.ts'

/**
 * Each rule set to "nobody" in turn: a fixed Cinder, asked by an admin for a call that the rule stands before, names that
 * rule in its 403, and so does the gateway, before a legacy Cinder that has no policy file and never sees the call.
 */
const ROWS = CATALOGUE.filter(({ name }) => !NOT_ENFORCED.has(name)).flatMap(({ name }) =>
  Object.entries(CALLS)
    .filter(([, rules]) => rules.some((asked) => (typeof asked === 'string' ? asked : asked.rule) === name))
    .map(([operation]) => [name, operation] as const),
)
// A migration moves its attachments before it is refused: last, as then there is none.
ROWS.sort(([a], [b]) => Number(a.endsWith(':attach')) - Number(b.endsWith(':attach')))
/** Calls for which Cinder's own refusal of `volume:get` says so. */
const OPENLY: ReadonlySet<string> = new Set(['POST /volumes', 'POST /volumes/{volume_id}/action revert'])
const OBJECT = '40000000-0000-4000-8000-00000000000'
const IDS_BY_SLOT: Readonly<Record<string, string>> = {
  volume_id: IDS.volume,
  attachment_id: IDS.attachment,
  snapshot_id: `${OBJECT}1`,
  backup_id: `${OBJECT}2`,
  group_id: `${OBJECT}3`,
  group_snapshot_id: `${OBJECT}4`,
  g_snapshot_id: `${OBJECT}4`,
  message_id: `${OBJECT}5`,
  action: 'enable',
  g_spec_id: 'a',
  key: 'a',
  extra_spec_key: 'a',
}
let lab: Lab
let gateway: Gateway
let witness: Witness
let policy: LivePolicy
let admin: { token: string; projectId: string }
const made: Record<string, string> = {}

beforeAll(async () => {
  lab = await sharedLab()
  setRules({})
  witness = await startWitness(lab.urls.cinder.legacy)
  admin = await lab.token('admin', 'demo')
  const loaded = loadConfig({
    files: [lab.paths.cinderConf],
    overrides: {
      'cinderguard.bind': '127.0.0.1:0',
      'cinderguard.admin_bind': '127.0.0.1:0',
      'cinderguard.upstream': witness.url,
      'policy.enforce': 'all',
    },
  })
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
  const started = await startPolicy(loaded.config, { loaded: () => undefined, refused: () => undefined })
  if ('problems' in started) throw new Error(started.problems.join('; '))
  policy = started
  gateway = await startGateway(loaded.config, policy, pino({ level: 'silent' }))
  await fill()
})
afterAll(async () => {
  setRules({})
  policy.stop()
  await gateway.stop()
  witness.close()
  lab.reset({})
})

function setRules(rules: Record<string, string>): void {
  writeFileSync(lab.paths.policy, JSON.stringify(rules))
}

/** One object of each kind. */
async function fill(): Promise<void> {
  lab.reset({
    volumes: [
      { id: IDS.volume, project: 'demo', status: 'available', attachStatus: 'detached' },
      { id: IDS.otherVolume, project: 'demo', status: 'available', attachStatus: 'detached' },
    ],
    attachments: [
      {
        id: IDS.attachment,
        volumeId: IDS.volume,
        instanceId: null,
        attachStatus: 'reserved',
        connectionInfo: null,
      },
    ],
  })
  const db = new DatabaseSync(lab.paths.databases.cinder, {
    timeout: 10_000,
    enableForeignKeyConstraints: false,
  })
  const insert = (table: string, row: Record<string, string | number>) => {
    const all = {
      created_at: '2026-01-01 00:00:00',
      deleted: 0,
      ...(table.endsWith('_metadata') ? {} : { project_id: admin.projectId }),
      ...row,
    }
    const names = Object.keys(all)
    db.prepare(
      `INSERT OR REPLACE INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    ).run(...Object.values(all))
  }
  const type = db.prepare("SELECT id FROM volume_types WHERE name = '__DEFAULT__'").get()?.id as string
  const owner = { user_id: lab.ids.users.admin }
  insert('snapshots', {
    id: `${OBJECT}1`,
    volume_id: IDS.volume,
    volume_size: 1,
    status: 'available',
    volume_type_id: type,
    use_quota: 1,
    ...owner,
  })
  insert('backups', { id: `${OBJECT}2`, volume_id: IDS.volume, status: 'available', ...owner })
  insert('groups', {
    id: `${OBJECT}3`,
    name: 'g',
    status: 'available',
    group_type_id: 'x',
    host: 'lab',
    ...owner,
  })
  insert('group_snapshots', {
    id: `${OBJECT}4`,
    group_id: `${OBJECT}3`,
    status: 'available',
    group_type_id: 'x',
    ...owner,
  })
  insert('messages', {
    id: `${OBJECT}5`,
    event_id: 'e',
    message_level: 'ERROR',
    action_id: '001',
    detail_id: '001',
    resource_type: 'VOLUME',
    resource_uuid: IDS.volume,
    expires_at: '2036-01-01 00:00:00',
  })
  insert('snapshot_metadata', { snapshot_id: `${OBJECT}1`, key: 'a', value: 'b' })
  insert('volume_glance_metadata', { volume_id: IDS.volume, key: 'a', value: 'b' })
  insert('volume_metadata', { volume_id: IDS.volume, key: 'a', value: 'b' })
  db.close()
  made.type_id = type
  const hosts = await send(lab.urls.cinder.fixed, 'GET', '/os-hosts')
  made.host_name = (JSON.parse(hosts[1]) as { hosts: { host_name: string }[] }).hosts[0]?.host_name ?? ''
  made.transfer_id = await create(
    '/volume-transfers',
    { transfer: { volume_id: IDS.otherVolume, name: 't' } },
    'transfer',
  )
  made.qos_id = await create('/qos-specs', { qos_specs: { name: `q${Date.now()}` } }, 'qos_specs')
  made.group_type_id = await create('/group_types', { group_type: { name: `g${Date.now()}` } }, 'group_type')
}

/** Rules that count only while the volume is like this. */
const STATES: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
  'volume:extend_attached_volume': { status: 'in-use' },
  'volume:reimage_reserved': { status: 'reserved' },
  'volume:multiattach_bootable_volume': { status: 'in-use', multiattach: 1, bootable: 1 },
}
function putInto(state: Readonly<Record<string, string | number>>): void {
  const { status, multiattach, bootable } = { status: 'available', multiattach: 0, bootable: 0, ...state }
  const db = new DatabaseSync(lab.paths.databases.cinder, { timeout: 10_000 })
  db.prepare('UPDATE volumes SET status = ?, multiattach = ?, bootable = ? WHERE id = ?').run(
    status,
    multiattach,
    bootable,
    IDS.volume,
  )
  db.close()
}

async function create(path: string, body: object, key: string): Promise<string> {
  const [status, text] = await send(lab.urls.cinder.fixed, 'POST', path, body)
  if (status >= 300) throw new Error(`${path}: ${status} ${text}`)
  return (JSON.parse(text) as Record<string, { id: string }>)[key]?.id ?? ''
}

async function send(
  base: string,
  method: string,
  path: string,
  body?: object,
): Promise<readonly [number, string]> {
  const answer = await fetch(
    `${base}/v3${path.startsWith('/default-types') ? '' : `/${admin.projectId}`}${path}`,
    {
      method,
      headers: {
        'x-auth-token': admin.token,
        [MARK]: 'yes',
        'openstack-api-version': `volume ${path.startsWith('/default-types') || path.includes('action') ? '3.70' : '3.66'}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  )
  return [answer.status, await answer.text()]
}

/** Cinder refuses for another reason before it asks the rule: without Glance, or in a release that lacks the action. */
const CINDER_FIRST: ReadonlySet<string> = new Set([
  'volume:create_from_image',
  'POST /volumes/{volume_id}/action os-extend_volume_completion',
  'PUT /group_snapshots/{group_snapshot_id}',
])

describe.each(ROWS)('%s', (name, operation) => {
  test(operation, async () => {
    const [method = '', path = '', action] = operation.split(' ')
    const filled = path.replace(
      /\{([^}]+)\}/g,
      (_slot, slot: string) => made[slot] ?? IDS_BY_SLOT[slot] ?? admin.projectId,
    )
    const fallback = action === undefined ? undefined : { [action]: {} }
    const body = BODIES[`${name} ${operation}`] ?? BODIES[operation] ?? fallback
    const target = `${filled}${QUERIES[name] ?? ''}`
    putInto(STATES[name] ?? {})
    setRules({ [name]: '!' })
    await policy.refresh()
    const wanted =
      name === 'volume:get' && !OPENLY.has(operation)
        ? /could not be found/
        : new RegExp(`Policy doesn't allow ${name} to be performed|You are not authorized`)
    witness.seen.length = 0
    const guarded = await send(gateway.url, method, target, body)
    expect(guarded[1]).toMatch(wanted)
    expect(witness.seen).toEqual([])
    const fixed = await send(lab.urls.cinder.fixed, method, target, body)
    if (CINDER_FIRST.has(name) || CINDER_FIRST.has(operation)) return
    expect(fixed[1]).toMatch(wanted)
    // Cinder wraps these refusals into a 400.
    if (!/create[-_]from[-_]src/.test(operation)) expect(guarded).toEqual(fixed)
  })
})

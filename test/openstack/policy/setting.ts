import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pino } from 'pino'
import { loadConfig } from '../../../src/config/load.ts'
import { startPolicy } from '../../../src/organisation/live.ts'
import { startGateway } from '../../../src/serve.ts'
import { IDS } from '../cases.ts'
import type { Lab, LabToken } from '../lab/lab.ts'
import { sharedLab } from '../shared.ts'
import { MARK, startWitness, type Witness } from './witness.ts'

/** A cloud with one object of each kind, a gateway that enforces every rule, and a witness behind it. */
export interface Setting {
  readonly lab: Lab
  readonly gatewayUrl: string
  readonly witness: Witness
  readonly admin: LabToken
  /** Of the objects, by the slots of `src/policy/calls.ts`. */
  readonly ids: Readonly<Record<string, string>>
  /** For the fixed Cinder and the gateway; the legacy Cinder has none. */
  setRules(rules: Record<string, string>): Promise<void>
  send: Send
  stop(): Promise<void>
}
type Send = (
  base: string,
  method: string,
  path: string,
  body?: object,
  caller?: LabToken,
) => Promise<readonly [number, string]>

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

export async function startSetting(): Promise<Setting> {
  const lab = await sharedLab()
  const write = (rules: Record<string, string>) => writeFileSync(lab.paths.policy, JSON.stringify(rules))
  write({})
  const witness = await startWitness(lab.urls.cinder.legacy)
  const admin = await lab.token('admin', 'demo')
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
  const policy = await startPolicy(loaded.config, { loaded: () => undefined, refused: () => undefined })
  if ('problems' in policy) throw new Error(policy.problems.join('; '))
  const gateway = await startGateway(loaded.config, policy, pino({ level: 'silent' }))
  const send: Send = async (base, method, path, body, { token, projectId } = admin) => {
    const isOfDefaults = path.startsWith('/default-types')
    const version = isOfDefaults || path.includes('action') ? '3.70' : '3.66'
    const answer = await fetch(`${base}/v3${isOfDefaults ? '' : `/${projectId}`}${path}`, {
      method,
      headers: {
        'x-auth-token': token,
        [MARK]: 'yes',
        'openstack-api-version': `volume ${version}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return [answer.status, await answer.text()]
  }
  return {
    lab,
    gatewayUrl: gateway.url,
    witness,
    admin,
    ids: { ...IDS_BY_SLOT, ...(await fill(lab, admin, send)) },
    async setRules(rules) {
      write(rules)
      await policy.refresh()
    },
    send,
    async stop() {
      write({})
      policy.stop()
      await gateway.stop()
      witness.close()
      lab.reset({})
    },
  }
}

/** One object of each kind, in the project demo. @returns ids that Cinder has made up */
async function fill(lab: Lab, admin: LabToken, send: Send): Promise<Record<string, string>> {
  const create = async (path: string, body: object, key: string): Promise<string> => {
    const [status, text] = await send(lab.urls.cinder.fixed, 'POST', path, body)
    if (status >= 300) throw new Error(`${path}: ${status} ${text}`)
    return (JSON.parse(text) as Record<string, { id: string }>)[key]?.id ?? ''
  }
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
  const hosts = await send(lab.urls.cinder.fixed, 'GET', '/os-hosts')
  const transfer = { volume_id: IDS.otherVolume, name: 't' }
  const name = `n${Date.now()}`
  return {
    type_id: type,
    host_name: (JSON.parse(hosts[1]) as { hosts: { host_name: string }[] }).hosts[0]?.host_name ?? '',
    transfer_id: await create('/volume-transfers', { transfer }, 'transfer'),
    qos_id: await create('/qos-specs', { qos_specs: { name } }, 'qos_specs'),
    group_type_id: await create('/group_types', { group_type: { name } }, 'group_type'),
  }
}

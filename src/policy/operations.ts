import type { ApiRule, RuleTarget } from '../operation/operation.ts'
import { CATALOGUE, type TargetFamily } from './catalogue.ts'

/** A call of the block storage API, as Cinder's router sees it. */
export interface ApiCall {
  readonly method: string
  /** Below `/v3`, decoded, with or without the project id. */
  readonly segments: readonly string[]
  readonly query: string
  /** The only key of the body of an `.../action`, or null. */
  readonly action: string | null
  /** Plain text at a path of keys in the body, such as `volume.imageRef`; undefined where there is none. */
  readonly bodyAt: (path: readonly string[]) => unknown
}

/** Where the documentation of Cinder's rules names another path than its router serves, or leaves one out. */
export const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  'backup:backup-import': ['POST /backups/import_record'],
  'backup:export-import': ['GET /backups/{backup_id}/export_record'],
  'group:create': ['POST /groups', 'POST /groups/action create-from-src'],
  'group:group_types:create': ['POST /group_types'],
  'volume:create_transfer': ['POST /os-volume-transfer', 'POST /volume-transfers'],
  'volume:get_all_transfers': [
    'GET /os-volume-transfer',
    'GET /os-volume-transfer/detail',
    'GET /volume-transfers',
    'GET /volume-transfers/detail',
  ],
  'volume:update': ['PUT /volumes/{volume_id}', 'POST /volumes/{volume_id}/action os-set_bootable'],
  'volume:update_snapshot_metadata': [
    'POST /snapshots/{snapshot_id}/metadata',
    'PUT /snapshots/{snapshot_id}/metadata',
    'PUT /snapshots/{snapshot_id}/metadata/{key}',
  ],
  'volume_extension:default_get_all': ['GET /default-types'],
  'volume_extension:default_set_or_update': ['PUT /default-types/{project-id}'],
  'volume_extension:quotas:show': [
    'GET /os-quota-sets/{project_id}',
    'GET /os-quota-sets/{project_id}/defaults',
  ],
  'volume_extension:type_delete': ['DELETE /types/{type_id}'],
  'volume_extension:type_get_all': ['GET /types'],
  'volume_extension:type_update': ['PUT /types/{type_id}'],
}

/** Rules that count only for some calls of their operation. */
const ONLY_IF: Readonly<Record<string, (call: ApiCall) => boolean>> = {
  'volume:create_from_image': ({ bodyAt }) =>
    Boolean(bodyAt(['volume', 'imageRef'])) || Boolean(bodyAt(['volume', 'image_id'])),
  'volume:multiattach': ({ bodyAt }) => Boolean(bodyAt(['volume', 'multiattach'])),
  'volume:force_delete': ({ query }) => /(?:^|&)force=(?:t|true|on|y|yes|1)(?:&|$)/i.test(query),
  'volume_extension:volume_actions:upload_public': ({ action, bodyAt }) =>
    bodyAt([action ?? '', 'visibility']) === 'public',
}
/** Rules that count only while the volume is in this status. */
const ONLY_WHILE: Readonly<Record<string, string>> = {
  'volume:extend_attached_volume': 'in-use',
  'volume:reimage_reserved': 'reserved',
}
/**
 * Rules that the gateway cannot enforce, as it cannot tell when Cinder asks them (or Cinder asks them of itself, as
 * an admin); those of target `fields` hide parts of an answer and refuse nothing.
 */
export const NOT_ENFORCED: ReadonlySet<string> = new Set([
  'volume:multiattach_bootable_volume',
  'volume:update_volume_admin_metadata',
  ...CATALOGUE.filter(({ targets }) => targets.includes('fields')).map(({ name }) => name),
])

/** Served by Cinder without any rule of their own. */
const WITHOUT_RULE = [
  ...[
    'GET /attachments',
    'GET /attachments/detail',
    'GET /attachments/{id}',
    'GET /limits',
    'GET /extensions',
  ],
  ...['GET /extensions/{alias}', 'GET /os-availability-zone', 'GET /resource_filters', 'GET /group_types'],
  ...['GET /group_types/{id}'],
]

interface Row {
  readonly method: string
  readonly path: readonly string[]
  readonly action: string | null
  readonly rules: { readonly name: string; readonly family: TargetFamily }[]
}

const ROWS: readonly Row[] = table()
const BY_SHAPE: ReadonlyMap<string, readonly Row[]> = Map.groupBy(ROWS, ({ method, path }) =>
  shapeOf(method, path),
)
/** First words of paths: what else comes first is a project id. */
const RESOURCES: ReadonlySet<string> = new Set(ROWS.map(({ path }) => path[0] ?? ''))

function table(): readonly Row[] {
  const rows = new Map<string, Row>()
  const row = (operation: string): Row => {
    const [method = '', where = '', action = null] = operation.split(' ')
    const path = where.split('/').slice(1)
    const made: Row = { method, path: path[0] === '' ? [] : path, action, rules: [] }
    const key = [method, ...path.map((part) => (isSlot(part) ? '{}' : part)), action].join('/')
    const found = rows.get(key)
    if (found === undefined) rows.set(key, made)
    return found ?? made
  }
  for (const operation of WITHOUT_RULE) row(operation)
  for (const { name, operations, targets } of CATALOGUE) {
    if (NOT_ENFORCED.has(name)) continue
    for (const operation of OPERATIONS[name] ?? operations) {
      const isImageMetadata = operation.endsWith(' os-show_image_metadata')
      const family =
        name === 'volume:get_volume_metadata' ? (isImageMetadata ? 'context' : 'volume') : targets[0]
      row(operation).rules.push({ name, family: family ?? 'context' })
    }
  }
  // A path without slots goes before one with them: /os-services/freeze is not /os-services/{action}.
  return [...rows.values()].sort((a, b) => slots(a) - slots(b))
}

function isSlot(part: string): boolean {
  return part.startsWith('{')
}
function slots({ path }: Row): number {
  return path.filter(isSlot).length
}

/**
 * The rules that Cinder asks for a call, in its order, each with its target; none where Cinder asks none.
 * @returns null for a call that this table does not know.
 */
export function rulesFor(call: ApiCall): readonly ApiRule[] | null {
  const { segments } = call
  if (segments.every((segment) => segment === '')) return []
  const own = withoutFormat(RESOURCES.has(segments[0] ?? '') ? segments : segments.slice(1))
  const row = BY_SHAPE.get(shapeOf(call.method, own))?.find(
    ({ path, action }) =>
      action === (path.at(-1) === 'action' ? call.action : null) &&
      path.every((part, at) => (isSlot(part) ? own[at] !== '' : part === own[at])),
  )
  if (row === undefined) return null
  return row.rules.flatMap(({ name, family }): readonly ApiRule[] => {
    if (ONLY_IF[name]?.(call) === false) return []
    const target = targetOf(family, row, own, call)
    const status = ONLY_WHILE[name]
    return target === null ? [] : [{ name, target, ...(status === undefined ? {} : { onlyWhile: status }) }]
  })
}

function shapeOf(method: string, path: readonly string[]): string {
  return `${method} ${path.length}`
}

function withoutFormat(segments: readonly string[]): readonly string[] {
  const last = segments.at(-1)
  return last?.endsWith('.json') === true ? [...segments.slice(0, -1), last.slice(0, -5)] : segments
}

/** Body fields that name the object of a call which has none in its path. */
const IN_BODY: Readonly<Record<string, readonly string[]>> = {
  'POST attachments volume': ['attachment', 'volume_uuid'],
  'POST snapshots volume': ['snapshot', 'volume_id'],
  'POST backups volume': ['backup', 'volume_id'],
  'POST manageable_snapshots volume': ['snapshot', 'volume_id'],
  'POST os-volume-transfer volume': ['transfer', 'volume_id'],
  'POST volume-transfers volume': ['transfer', 'volume_id'],
  'POST group_snapshots group': ['group_snapshot', 'group_id'],
}
const COLLECTIONS = {
  snapshot: 'snapshots',
  backup: 'backups',
  group: 'groups',
  group_snapshot: 'group_snapshots',
  message: 'messages',
  volume_type: 'types',
} as const

/** @returns null when the call does not say what it is about: Cinder then finds nothing to do. */
function targetOf(
  family: TargetFamily,
  row: Row,
  own: readonly string[],
  { method, bodyAt }: ApiCall,
): RuleTarget | null {
  if (family === 'context' || family === 'fields') return { kind: 'context' }
  const field = IN_BODY[`${method} ${own[0]} ${family}`]
  const id = field === undefined ? own[row.path.findIndex(isSlot)] : bodyAt(field)
  if (typeof id !== 'string' || id === '') return null
  if (family === 'project') return { kind: 'project', projectId: id }
  // A transfer's volume is known to Cinder alone.
  if (own[0]?.endsWith('-transfer') || own[0]?.endsWith('-transfers'))
    return field === undefined ? { kind: 'context' } : { kind: 'volume', volumeId: id }
  if (family === 'volume') return { kind: 'volume', volumeId: id }
  if (family === 'attachment') return { kind: 'attachment', attachmentId: id }
  return { kind: 'object', collection: COLLECTIONS[family], id }
}

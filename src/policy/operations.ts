import { withoutFormat } from '../operation/format.ts'
import type { ApiRule, ObjectCollection, RuleTarget } from '../operation/operation.ts'
import { type CallRule, LOOKS } from './calls/call-rule.ts'
import { CALLS } from './calls.ts'
import { CATALOGUE, type TargetFamily } from './catalogue.ts'

/** A call of the block storage API, as Cinder's router sees it. */
export interface ApiCall {
  readonly method: string
  /** Below `/v3`, decoded, with or without the project id. */
  readonly segments: readonly string[]
  readonly query: string
  /** The body of a request that says it is a form. */
  readonly form?: string
  /** Effective microversion, such as `3.27`; empty when unknown, and then the newest is meant. */
  readonly version: string
  /** The only key of the body of an `.../action`, or null. */
  readonly action: string | null
  /** Plain text at a path of keys in the body, such as `volume.imageRef`; undefined where there is none. */
  readonly bodyAt: (path: readonly string[]) => unknown
}

/**
 * Rules that the gateway cannot enforce, and why; docs/policy.md shows them. Those of target `fields` hide parts of an
 * answer and refuse nothing.
 */
export const NOT_ENFORCED: ReadonlyMap<string, string> = new Map([
  [
    'volume:multiattach',
    "asked where the volume type's extra specs say multiattach, at create and at retype",
  ],
  ['volume:update_volume_admin_metadata', 'Cinder asks it of itself, as an admin'],
  ...CATALOGUE.filter(({ targets }) => targets.includes('fields')).map(
    ({ name }) => [name, 'hides a part of an answer, and refuses nothing'] as const,
  ),
])

interface Row {
  readonly operation: string
  readonly method: string
  readonly path: readonly string[]
  readonly action: string | null
  readonly rules: readonly CallRule[]
}

const ROWS: readonly Row[] = Object.entries(CALLS)
  .map(([operation, rules]) => {
    const [method = '', where = '', action = null] = operation.split(' ')
    const asked = rules.map((rule) => (typeof rule === 'string' ? { rule } : rule))
    return { operation, method, path: where.split('/').slice(1), action, rules: asked }
  })
  // A path without slots goes before one with them: /os-services/freeze is not /os-services/{action}.
  .sort((a, b) => slots(a) - slots(b))
const BY_SHAPE: ReadonlyMap<string, readonly Row[]> = Map.groupBy(ROWS, ({ method, path }) =>
  shapeOf(method, path),
)
/** First words of paths: what else comes first is a project id. */
const RESOURCES: ReadonlySet<string> = new Set(ROWS.map(({ path }) => path[0] ?? ''))
const FAMILIES: ReadonlyMap<string, TargetFamily> = new Map(
  // The image metadata of a volume are asked for with the same rule, and with the volume as well.
  CATALOGUE.map(({ name, targets }) => [name, targets.find((family) => family !== 'context') ?? 'context']),
)

/** Where a rule is asked, as `METHOD /path action`, but for rules that only look up what another one is about. */
export function operationsOf(name: string): readonly string[] {
  return ROWS.filter(({ rules }) =>
    rules.some(({ rule }) => rule === name && (rules.length === 1 || !LOOKS.has(rule))),
  ).map(({ operation }) => operation)
}

function isSlot(part: string): boolean {
  return part.startsWith('{')
}
function slots({ path }: Pick<Row, 'path'>): number {
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
  return row === undefined ? null : row.rules.flatMap((asked) => askedOf(asked, row, own, call))
}

function askedOf(asked: CallRule, row: Row, own: readonly string[], call: ApiCall): readonly ApiRule[] {
  const { rule, when, at, ...condition } = asked
  if (when?.(call) === false) return []
  const id = at === undefined ? own[row.path.findIndex(isSlot)] : call.bodyAt(at)
  const target = targetOf(FAMILIES.get(rule) ?? 'context', own[0] ?? '', id, at !== undefined)
  return target === null ? [] : [{ name: rule, target, ...condition }]
}

function shapeOf(method: string, path: readonly string[]): string {
  return `${method} ${path.length}`
}

const COLLECTIONS = {
  snapshot: 'snapshots',
  backup: 'backups',
  group: 'groups',
  group_snapshot: 'group_snapshots',
  message: 'messages',
  volume_type: 'types',
} as const satisfies Partial<Record<TargetFamily, ObjectCollection>>

/** @returns null when the call does not say what it is about: Cinder then finds nothing to do. */
function targetOf(family: TargetFamily, first: string, id: unknown, isInBody: boolean): RuleTarget | null {
  if (family === 'context' || family === 'fields') return { kind: 'context' }
  if (typeof id !== 'string' || id === '') return null
  if (family === 'project') return { kind: 'project', projectId: id }
  if (family === 'attachment') return { kind: 'attachment', attachmentId: id }
  if (family !== 'volume') return { kind: 'object', collection: COLLECTIONS[family], id }
  const isOfTransfer = !isInBody && (first === 'os-volume-transfer' || first === 'volume-transfers')
  return isOfTransfer ? { kind: 'transfer', transferId: id } : { kind: 'volume', volumeId: id }
}

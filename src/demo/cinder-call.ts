import type { CinderStore, Volume } from './cinder-store.ts'
import { apiFault } from './faults.ts'
import type { Reply } from './listener.ts'

/** Who asks, as Cinder's request context sees it. */
export interface Caller {
  readonly userId: string
  /** undefined for a token without a project. */
  readonly projectId: string | undefined
  readonly isAdmin: boolean
}

/** A routed request, ready for the code that answers it. */
export interface Call {
  readonly store: CinderStore
  readonly caller: Caller
  /** Parts of the path that the route's pattern captured. */
  readonly parts: readonly string[]
  readonly query: URLSearchParams
  /** The parsed body: undefined when there was none. */
  readonly body: unknown
  readonly microversion: string
  readonly publicUrl: string
}

/** The volume when this caller's queries can reach it: admins see all, others their project's. */
export function visibleVolume(
  { store, caller }: Pick<Call, 'store' | 'caller'>,
  id: unknown,
): Volume | undefined {
  const volume = store.volumes.get(String(id))
  return volume && (caller.isAdmin || volume.projectId === caller.projectId) ? volume : undefined
}

export function volumeNotFound(id: string): Reply {
  return apiFault(404, `Volume ${id} could not be found.`)
}

export function policyDenies(rule: string): Reply {
  return apiFault(403, `Policy doesn't allow ${rule} to be performed.`)
}

/** A member of the body that must be an object, or an empty one. */
export function member(body: unknown, name: string): Record<string, unknown> {
  const value =
    typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Whole-list queries: an admin who says `all_tenants` gets every project, others their own. */
export function listed<T>(
  { caller, query }: Call,
  rows: readonly T[],
  projectOf: (row: T) => string | undefined,
): T[] {
  const everything = caller.isAdmin && query.has('all_tenants') && query.get('all_tenants') !== '0'
  const mine = rows.filter((row) => everything || projectOf(row) === caller.projectId)
  const limit = Number(query.get('limit') ?? 1000)
  return mine.slice(0, Number.isInteger(limit) && limit >= 0 ? Math.min(limit, 1000) : 1000)
}

import { withoutFormat } from './format.ts'
import type { Mount } from './target.ts'

/**
 * The paths below `/v3` (and `/v2`, `/v1`) that the gateway looks into, by Cinder's Routes: each with and without a
 * leading project id, and with a format suffix. `null` stands for an id.
 */
const ROUTES = {
  'volume-action': { method: 'POST', path: ['volumes', null, 'action'] },
  'attachment-delete': { method: 'DELETE', path: ['attachments', null] },
  'attachment-update': { method: 'PUT', path: ['attachments', null] },
  'attachment-create': { method: 'POST', path: ['attachments'] },
} as const satisfies Record<string, { method: string; path: readonly (string | null)[] }>

export type RouteName = keyof typeof ROUTES
const BY_METHOD: ReadonlyMap<string, readonly [RouteName, (typeof ROUTES)[RouteName]][]> = Map.groupBy(
  Object.entries(ROUTES) as [RouteName, (typeof ROUTES)[RouteName]][],
  ([, { method }]) => method,
)

export interface Route {
  readonly name: RouteName
  /** Project id in the URL, as typed, or null. */
  readonly project: string | null
  /** The volume's or attachment's id, as typed and decoded; empty where the path has none. */
  readonly id: string
}

export function routeOf(mount: Mount, method: string, segments: readonly string[]): Route | null {
  if (mount === 'versions' || mount === 'healthcheck') return null
  for (const [name, route] of BY_METHOD.get(method) ?? []) {
    const extra = segments.length - route.path.length
    if (extra < 0 || extra > 1) continue
    const own = withoutFormat(segments.slice(extra))
    if (!route.path.every((part, index) => (part === null ? own[index] !== '' : own[index] === part)))
      continue
    const at = (route.path as readonly (string | null)[]).indexOf(null)
    return { name, project: extra === 1 ? (segments[0] ?? '') : null, id: own[at] ?? '' }
  }
  return null
}

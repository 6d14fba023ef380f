/** What Keystone knows besides tokens: who there is, and who may do what where. */
export interface Named {
  readonly id: string
  readonly name: string
}

export interface User extends Named {
  readonly password: string
  /** Scope of a token asked for without one; unscoped when there is none. */
  readonly defaultProject?: string
}

export interface ApplicationCredential extends Named {
  readonly secret: string
  readonly userId: string
  readonly projectId: string
  readonly roles: readonly string[]
  readonly accessRules?: readonly AccessRule[]
}

export interface AccessRule {
  readonly id: string
  readonly service: string
  readonly method: string
  readonly path: string
}

export interface Assignment {
  readonly userId: string
  /** A project id, or `system`. */
  readonly on: string
  readonly roles: readonly string[]
}

export const DEFAULT_DOMAIN: Named = { id: 'default', name: 'Default' }

export interface Directory {
  readonly users: User[]
  readonly projects: Named[]
  readonly assignments: Assignment[]
  readonly applicationCredentials: ApplicationCredential[]
}

/** Finds by id, or by name when a domain is named too (there is only the default one). */
export function find<T extends Named>(all: readonly T[], by: unknown): T | undefined {
  if (typeof by !== 'object' || by === null) return undefined
  const { id, name, domain } = by as {
    id?: unknown
    name?: unknown
    domain?: { id?: unknown; name?: unknown }
  }
  if (id !== undefined) return all.find((one) => one.id === id)
  const inDomain = domain?.id === DEFAULT_DOMAIN.id || domain?.name === DEFAULT_DOMAIN.name
  return inDomain ? all.find((one) => one.name === name) : undefined
}

/** Role names of a user on a project (or `system`), with the roles that admin and member imply. */
export function rolesOn(directory: Directory, userId: string, on: string): string[] {
  const direct = directory.assignments
    .filter((a) => a.userId === userId && a.on === on)
    .flatMap((a) => a.roles)
  const ladder = ['admin', 'member', 'reader']
  const implied = direct.flatMap((role) =>
    ladder.includes(role) ? ladder.slice(ladder.indexOf(role) + 1) : [],
  )
  return [...new Set([...direct, ...implied])]
}

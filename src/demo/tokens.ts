import { createHash, randomBytes } from 'node:crypto'
import { type AccessRule, DEFAULT_DOMAIN, type Named } from './directory.ts'

export interface TokenRecord {
  readonly user: Named
  readonly project?: Named
  readonly scope: 'project' | 'system' | 'domain' | 'unscoped'
  readonly roles: readonly string[]
  readonly methods: readonly string[]
  readonly auditId: string
  /** Milliseconds since 1970, both. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly applicationCredential?: Named & { readonly accessRules?: readonly AccessRule[] }
  readonly bind?: Readonly<Record<string, unknown>>
}

/** Keystone's default `[token] allow_expired_window`. */
const ALLOW_EXPIRED_WINDOW_MS = 172_800_000

/** All tokens given out. Revoking forgets the token: Keystone answers for it as for one it never made. */
export class Tokens {
  readonly #records = new Map<string, TokenRecord>()

  add(record: TokenRecord, id = `gAAAAA${randomBytes(132).toString('base64url')}`): string {
    this.#records.set(id, record)
    return id
  }

  /** True when there was such a token. */
  revoke(id: string): boolean {
    return this.#records.delete(id)
  }

  revokeAllOf(userId: string): void {
    for (const [id, record] of this.#records) if (record.user.id === userId) this.#records.delete(id)
  }

  /** The token when it counts at `now`; an expired one counts for two more days if `allowExpired`. */
  valid(id: string | undefined, now: number, allowExpired = false): TokenRecord | undefined {
    const record = this.#records.get(id?.trim() ?? '')
    if (record === undefined) return undefined
    return record.expiresAt + (allowExpired ? ALLOW_EXPIRED_WINDOW_MS : 0) < now ? undefined : record
  }
}

/** The `token` object of Keystone's answers. */
export function tokenBody(
  record: TokenRecord,
  catalog: readonly unknown[] | undefined,
): Record<string, unknown> {
  const credential = record.applicationCredential
  return {
    methods: record.methods,
    user: { domain: DEFAULT_DOMAIN, ...named(record.user), password_expires_at: null },
    audit_ids: [record.auditId],
    expires_at: stamp(record.expiresAt),
    issued_at: stamp(record.issuedAt),
    ...(record.scope === 'project' && record.project
      ? { project: { domain: DEFAULT_DOMAIN, ...named(record.project) }, is_domain: false }
      : {}),
    ...(record.scope === 'domain' ? { domain: DEFAULT_DOMAIN } : {}),
    ...(record.scope === 'system' ? { system: { all: true } } : {}),
    ...(record.scope === 'unscoped'
      ? {}
      : { roles: record.roles.map((name) => ({ id: roleId(name), name })) }),
    ...(record.scope !== 'unscoped' && catalog ? { catalog } : {}),
    ...(credential
      ? {
          application_credential: {
            ...named(credential),
            restricted: true,
            ...(credential.accessRules ? { access_rules: credential.accessRules } : {}),
          },
        }
      : {}),
    ...(record.bind ? { bind: record.bind } : {}),
  }
}

function named({ id, name }: Named): Named {
  return { id, name }
}

function roleId(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}

function stamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z')
}

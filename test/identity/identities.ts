import { Secret } from '../../src/config/secret.ts'
import type { Identity, Token, TokenValidator } from '../../src/identity/identity.ts'

/** A member of the project `demo`, for an hour from the epoch on; `more` says what is different. */
export function tokenOf(more: Partial<Token> = {}): Token {
  return {
    userId: 'alice',
    userName: 'Alice',
    userDomainId: 'default',
    roles: ['member'],
    scope: { kind: 'project', projectId: 'demo', projectDomainId: 'default' },
    isAdminProject: true,
    expiresAt: 3_600_000,
    hasAccessRules: false,
    ...more,
  }
}

export const SERVICE = tokenOf({
  userId: 'nova',
  userName: 'nova',
  roles: ['service'],
  scope: { kind: 'project', projectId: 'service', projectDomainId: 'default' },
})

export const alice: Identity = { user: tokenOf(), isService: false, userToken: new Secret('alice-token') }
export const admin: Identity = {
  user: tokenOf({ userId: 'admin', roles: ['admin'] }),
  isService: false,
  userToken: new Secret('admin-token'),
}
/** Nova, on behalf of alice. */
export const nova: Identity = { ...alice, service: SERVICE, isService: true }

export interface Recorded extends TokenValidator {
  /** What was asked, as `<token>` or `<token> expired`. */
  readonly asked: string[]
}

/** A validator that knows `tokens` by their text; a function is called for its answer. */
export function fakeValidator(
  tokens: Readonly<Record<string, Token | ((allowExpired: boolean) => Promise<Token | 'invalid'>)>>,
): Recorded {
  const asked: string[] = []
  return {
    asked,
    async validate(token, allowExpired) {
      const text = token.reveal()
      asked.push(allowExpired ? `${text} expired` : text)
      const found = tokens[text]
      return typeof found === 'function' ? found(allowExpired) : (found ?? 'invalid')
    },
  }
}

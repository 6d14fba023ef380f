import { randomUUID } from 'node:crypto'
import type { FactBook } from '../checking.ts'
import { isAdmin, type PolicyRules } from '../checks/policy.ts'
import type { Caller } from '../clouds/cinder.ts'
import { Secret } from '../config/secret.ts'
import { type Identity, projectOf, type TokenValidator } from '../identity/identity.ts'
import { nameOf } from './words.ts'

/** Through whose token facts are read anew. */
export interface Eyes {
  readonly who: string
  /** What is not shown to them may still be there. */
  sees(projectId: string | null): boolean
  facts(): FactBook
}

export interface EyesSources {
  readonly validator: TokenValidator
  /** The gateway's own token. */
  ownToken(): Promise<Secret>
  policy(): PolicyRules
  bookFor(caller: Caller): FactBook
}

/**
 * The eyes of a token's holder, or without one those of the gateway's own account.
 * @returns what keeps them shut, when the token is no good or Keystone cannot be asked.
 */
export async function openEyes(token: string | undefined, sources: EyesSources): Promise<Eyes | string> {
  const { validator, ownToken, policy, bookFor } = sources
  try {
    const userToken = token === undefined ? await ownToken() : new Secret(token)
    const requestId = `req-${randomUUID()}`
    const user = await validator.validate(userToken, false, requestId)
    if (user === 'invalid') return 'Keystone does not know the token'
    const identity: Identity = { user, userToken, isService: false }
    const seesAll = isAdmin(identity, policy())
    const projectId = projectOf(user)
    const headers = { 'x-auth-token': userToken.reveal(), 'x-openstack-request-id': requestId }
    return {
      who: token === undefined ? `the gateway's own account, ${nameOf(user)}` : nameOf(user),
      sees: (project) => seesAll || (project !== null && project === projectId),
      facts: () => bookFor({ headers, projectId, isAdmin: seesAll }),
    }
  } catch (error) {
    return error instanceof Error ? error.message : 'Keystone cannot be asked'
  }
}

import { randomUUID } from 'node:crypto'
import type { TokenValidator } from '../identity/identity.ts'
import type { SessionKeeper } from './session.ts'

/**
 * Asks a service with the gateway's own service token beside the caller's. A 401 may be for either: when Keystone too
 * refuses ours, it is asked once more with a new one.
 *
 * @param isRefused tells the answer that a 401 became.
 */
export function withServiceToken(session: SessionKeeper, keystone: TokenValidator) {
  return async <T>(
    ask: (header: { readonly 'x-service-token': string }) => Promise<T>,
    isRefused: (answer: T) => boolean,
    requestId: string = `req-${randomUUID()}`,
  ): Promise<T> => {
    const own = await session.get(requestId)
    const answer = await ask({ 'x-service-token': own.token.reveal() })
    if (!isRefused(answer)) return answer
    if ((await keystone.validate(own.token, false, requestId)) !== 'invalid') return answer
    session.invalidate(own)
    return ask({ 'x-service-token': (await session.get(requestId)).token.reveal() })
  }
}

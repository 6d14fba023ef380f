import { randomUUID } from 'node:crypto'
import type { TokenValidator } from '../identity/identity.ts'
import { CloudError } from './client.ts'
import type { SessionKeeper } from './session.ts'

/** Our own token is looked up like anybody's: that shows Keystone there, our account good and allowed to ask. */
export async function checkOwnToken(session: SessionKeeper, validator: TokenValidator): Promise<void> {
  const requestId = `req-${randomUUID()}`
  for (let tries = 0; tries < 2; tries += 1) {
    const own = await session.get(requestId)
    const found = await validator.validate(own.token, false, requestId)
    if (found !== 'invalid') return
    // It may only have been revoked: a new one tells.
    session.invalidate(own)
  }
  throw new CloudError('keystone', 'our own token is refused')
}

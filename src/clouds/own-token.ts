import { randomUUID } from 'node:crypto'
import type { TokenValidator } from '../identity/identity.ts'
import { CloudError } from './client.ts'
import type { SessionKeeper } from './session.ts'

/** Our own token is looked up like anybody's: that shows Keystone there, our account good and allowed to ask. */
export async function checkOwnToken(session: SessionKeeper, validator: TokenValidator): Promise<void> {
  const own = await session.get()
  const found = await validator.validate(own.token, false, `req-${randomUUID()}`)
  if (found !== 'invalid') return
  session.invalidate(own)
  throw new CloudError('keystone', 'our own token is refused')
}

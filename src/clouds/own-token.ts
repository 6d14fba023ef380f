import { randomUUID } from 'node:crypto'
import type { TokenValidator } from '../identity/identity.ts'
import { CloudError } from './client.ts'
import type { SessionKeeper } from './session.ts'

/**
 * Our own token is looked up like anybody's: that shows Keystone there and our account good. Whether it may also ask
 * about others' tokens shows only on one of another user: that of [service_user], where it is one.
 * @param service the account that vouches for users to Nova; the same as `session` where there is no other
 */
export async function checkOwnToken(
  session: SessionKeeper,
  validator: TokenValidator,
  service: SessionKeeper,
): Promise<void> {
  await check(session, validator, 'our own token')
  if (service !== session) await check(service, validator, 'the token of [service_user]')
}

async function check(session: SessionKeeper, validator: TokenValidator, name: string): Promise<void> {
  const own = await session.get()
  const found = await validator.validate(own.token, false, `req-${randomUUID()}`)
  if (found !== 'invalid') return
  session.invalidate(own)
  throw new CloudError('keystone', `${name} is refused`)
}

import type { GuardedRequest } from '../http/request.ts'
import { traceContextOf } from '../http/trace-context.ts'
import { type Identity, projectOf } from '../identity/identity.ts'
import type { Caller } from './cinder.ts'
import type { SessionKeeper } from './session.ts'

/** The eyes of who sent a request. @param isAdmin what Cinder takes them for. */
export function callerOf(request: GuardedRequest, identity: Identity, isAdmin: boolean): Caller {
  return {
    headers: {
      'x-auth-token': identity.userToken.reveal(),
      'x-openstack-request-id': request.requestId,
      ...traceContextOf(request.headers),
    },
    projectId: projectOf(identity.user),
    isAdmin,
  }
}

/** The same headers, with a service token of the gateway's own account beside the caller's. @throws CloudError */
export async function withServiceToken(
  headers: Readonly<Record<string, string>>,
  session: SessionKeeper,
): Promise<Readonly<Record<string, string>>> {
  return { ...headers, 'x-service-token': (await session.get()).token.reveal() }
}

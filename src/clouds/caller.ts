import type { GuardedRequest } from '../http/request.ts'
import { traceContextOf } from '../http/trace-context.ts'
import { type Identity, projectOf } from '../identity/identity.ts'
import type { Caller } from './cinder.ts'

/** The eyes of who sent a request. @param isAdmin what Cinder takes them for. */
export function callerOf(request: GuardedRequest, identity: Identity, isAdmin: boolean): Caller {
  return {
    headers: {
      'x-auth-token': identity.userToken.reveal(),
      'x-openstack-request-id': request.requestId,
      ...(identity.serviceToken === undefined ? {} : { 'x-service-token': identity.serviceToken.reveal() }),
      ...traceContextOf(request.headers),
    },
    projectId: projectOf(identity.user),
    isAdmin,
  }
}

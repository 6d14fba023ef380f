import type { Logger } from 'pino'
import { OddIdError, TokenRefusedError } from './clouds/cinder.ts'
import { CloudError } from './clouds/client.ts'
import { ClientGoneError } from './http/body.ts'
import { type Rejection, reject } from './http/rejection.ts'

/** Fail closed: every fault is a refusal, and says which dependency it was. */
export function reasonOf(fault: unknown, requestId: string, log: Logger): Rejection {
  if (fault instanceof ClientGoneError) return reject('client_gone')
  if (fault instanceof TokenRefusedError) return reject('invalid_user_token')
  if (fault instanceof OddIdError) return reject('malformed_url')
  if (fault instanceof CloudError) {
    log.warn(
      { request_id: requestId, dependency: fault.service, problem: fault.message },
      'a dependency failed',
    )
    return reject(`${fault.service}_unavailable`)
  }
  log.error(
    { request_id: requestId, problem: fault instanceof Error ? fault.message : 'unknown' },
    'no decision',
  )
  return reject('undecided')
}

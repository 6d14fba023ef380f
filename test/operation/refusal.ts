import { isRejection, messageOf, type Rejection, rowOf } from '../../src/http/rejection.ts'

/** A refusal as the client sees it, `<status> <message>`, after the reason that operators see. */
export function refusalOf(rejection: Rejection): string {
  return `${rejection.reason}: ${rowOf(rejection.reason).status} ${messageOf(rejection)}`
}

/** The value itself, or its refusal in words. */
export function seen<T extends object>(value: T | Rejection): T | string {
  return isRejection(value) ? refusalOf(value) : value
}

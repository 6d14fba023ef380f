import type { Facts } from '../checks/check.ts'
import type { Send } from './client.ts'

/**
 * Asks another server about a rule as oslo.policy's http: check does: a form with `rule`, `target` and `credentials`
 * as JSON (or one JSON object), allowed if the answer is the word True, whatever its status.
 *
 * @param contentType `[oslo_policy] remote_content_type`.
 * @throws CloudError when the server does not answer.
 */
export function remotePolicy(
  send: Send,
  contentType: string,
): (question: Facts['remote']['question'], requestId?: string) => Promise<boolean> {
  return async ({ url, rule, target, credentials }, requestId) => {
    const body =
      contentType === 'application/json'
        ? JSON.stringify({ rule, target, credentials })
        : new URLSearchParams({
            rule: JSON.stringify(rule),
            target: JSON.stringify(target),
            credentials: JSON.stringify(credentials),
          }).toString()
    const headers = {
      'content-type': contentType,
      ...(requestId === undefined ? {} : { 'x-openstack-request-id': requestId }),
    }
    const answer = await send({ method: 'POST', url, headers, body })
    return answer.text.replace(/^"+|"+$/g, '') === 'True'
  }
}

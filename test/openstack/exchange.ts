import { request } from 'undici'
import type { Shape } from './cases.ts'

/** An answer, as far as two Cinders must agree on it. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Headers that a client acts on; request ids only by being there. */
const COMPARED = [
  'content-type',
  'openstack-api-version',
  'vary',
  'www-authenticate',
  'location',
  'retry-after',
]
const PRESENT = ['x-openstack-request-id', 'x-compute-request-id']

/** Sends one request and reads the answer. */
export async function exchange(
  base: string,
  projectId: string,
  shape: Shape,
  tokens: { readonly user: string; readonly service?: string },
  extra: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await request(`${base}/v3/${projectId}${shape.path}`, {
    method: shape.method,
    headers: {
      accept: 'application/json',
      'x-auth-token': tokens.user,
      ...(tokens.service === undefined ? {} : { 'x-service-token': tokens.service }),
      ...(shape.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(shape.method === 'DELETE' ? { 'openstack-api-version': 'volume 3.27' } : {}),
      ...extra,
    },
    body: shape.body === undefined ? null : JSON.stringify(shape.body),
  })
  const headers: Record<string, string> = {}
  for (const name of COMPARED) {
    const value = answer.headers[name]
    if (value !== undefined) headers[name] = String(value)
  }
  for (const name of PRESENT) headers[name] = name in answer.headers ? 'there' : 'missing'
  return { status: answer.statusCode, headers, body: neutral(await answer.body.text()) }
}

/** Times of rows that were written by the request itself differ from one run to the next. */
function neutral(body: string): string {
  return body.replace(/\d{4}-\d\d-\d\dT[0-9:.]+/g, 'TIME')
}

import type { Cloud } from '../../src/demo/cloud.ts'
import type { UserName } from '../../src/demo/fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests read answers freely, a wrong guess fails the test
export type Loose = any

/** One request over real HTTP; the JSON body parsed when there is one. */
export async function ask(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body?: unknown,
): Promise<{ status: number; text: string; json: Loose; headers: Headers }> {
  const payload = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    redirect: 'manual',
    ...(payload === undefined ? {} : { body: payload }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') && text !== ''
  return {
    status: response.status,
    text,
    json: isJson ? JSON.parse(text) : undefined,
    headers: response.headers,
  }
}

export type CinderRequest = [
  user: UserName,
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
]

/** One request to the stand-in Cinder as a fixture user, at 3.44; admin with a token of the project demo. */
export function askCinder(
  cloud: Cloud,
  ...[user, method, path, body, more]: CinderRequest
): ReturnType<typeof ask> {
  const token = cloud.token(user, user === 'admin' ? { project: 'demo' } : {})
  const headers = { 'x-auth-token': token, 'openstack-api-version': 'volume 3.44', ...more }
  return ask(method, `${cloud.urls.cinder}${path}`, headers, body)
}

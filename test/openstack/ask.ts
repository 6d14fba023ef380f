import { request } from 'undici'
import type { Answer } from './exchange.ts'

/** One request, as plainly as it is sent. */
export interface Question {
  readonly method?: string
  /** `{project}` stands for the project id of the caller. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Framing and the server's own name: of the hop, not of the answer. */
const OF_THE_HOP = ['connection', 'content-length', 'date', 'keep-alive', 'server', 'transfer-encoding']
const REQUEST_IDS = ['x-openstack-request-id', 'x-compute-request-id']

/** Asks, and gives the answer with all its headers; what differs from one run to the next is neutral. */
export async function ask(base: string, project: string, question: Question): Promise<Answer> {
  const path = question.path.replaceAll('{project}', project)
  const answer = await request(new URL(path, base), {
    method: question.method ?? 'GET',
    headers: question.headers ?? {},
    body: question.body ?? null,
  })
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(answer.headers)) {
    if (OF_THE_HOP.includes(name) || value === undefined) continue
    headers[name] = REQUEST_IDS.includes(name) ? 'there' : neutral(String(value))
  }
  return { status: answer.statusCode, headers, body: neutral(await answer.body.text()) }
}

function neutral(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:[0-9:.]+/g, 'TIME')
    .replace(/req-[0-9a-f-]{36}/g, 'REQUEST')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'BASE')
}

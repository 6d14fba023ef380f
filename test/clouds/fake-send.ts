import type { CloudRequest, CloudResponse, Send } from '../../src/clouds/client.ts'

/** An answer; an object as body is written as JSON. */
export function answer(
  status: number,
  body: unknown = '',
  headers: CloudResponse['headers'] = {},
): CloudResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) }
}

export interface FakeSend {
  readonly send: Send
  readonly sent: CloudRequest[]
}

/** Answers with what `reply` gives; an Error is thrown. */
export function fakeSend(reply: (request: CloudRequest, count: number) => CloudResponse | Error): FakeSend {
  const sent: CloudRequest[] = []
  return {
    sent,
    send: async (request) => {
      sent.push(request)
      const found = reply(request, sent.length)
      if (found instanceof Error) throw found
      return found
    },
  }
}

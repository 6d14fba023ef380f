import { randomUUID } from 'node:crypto'
import type { Reply } from './listener.ts'
import { pythonJson } from './python-json.ts'

const FAULT_NAMES: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

const DEFAULT_TEXT: Readonly<Record<number, string>> = {
  400: 'The server could not comply with the request since\r\nit is either malformed or otherwise incorrect.\r\n',
  404: 'The resource could not be found.',
  500: 'The server has either erred or is incapable of performing\r\nthe requested operation.\r\n',
}

/** A reply in the form Cinder and Nova share; without `message`, the text WebOb has for the status. */
export function apiFault(status: number, message = DEFAULT_TEXT[status] ?? ''): Reply {
  const name = FAULT_NAMES[status] ?? 'computeFault'
  return jsonReply(status, { [name]: { code: status, message } })
}

export function jsonReply(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: pythonJson(value) }
}

/** The 401 that the token middleware of every service writes. */
export function unauthenticated(keystoneUrl: string): Reply {
  const error = {
    code: 401,
    title: 'Unauthorized',
    message: 'The request you have made requires authentication.',
  }
  return jsonReply(401, { error }, { 'www-authenticate': `Keystone uri="${keystoneUrl}"` })
}

/** An error written by WebOb itself (no route, body too large): HTML unless the client asks for JSON or text. */
export function webobPage(
  status: number,
  title: string,
  explanation: string,
  accept: string | undefined,
): Reply {
  if (accept === undefined || accept === '' || /text\/html|\*\/\*/.test(accept)) {
    const body = `<html>\n <head>\n  <title>${status} ${title}</title>\n </head>\n <body>\n  <h1>${status} ${title}</h1>\n  ${explanation}<br /><br />\n\n\n\n </body>\n</html>`
    return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body }
  }
  if (/json/.test(accept)) {
    return jsonReply(status, {
      message: `${explanation}<br /><br />\n\n\n`,
      code: `${status} ${title}`,
      title,
    })
  }
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=UTF-8' },
    body: `${status} ${title}\n\n${explanation}\n\n\n   `,
  }
}

/** The same reply with further headers; those it has already win. */
export function withHeaders(reply: Reply, headers: Readonly<Record<string, string>>): Reply {
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

export function newRequestId(): string {
  return `req-${randomUUID()}`
}

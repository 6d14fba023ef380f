import { messageOf, type Rejection, rowOf } from './rejection.ts'

/** An answer ready to be written. */
export interface Fault {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the form of an answer depends on, besides the rejection. */
export interface FaultContext {
  readonly requestId: string
  /** The request's Accept header, or empty. */
  readonly accept: string
  /** Effective microversion when Cinder would know it by then, such as `3.27`. */
  readonly version: string | null
  /** `www_authenticate_uri`. */
  readonly wwwAuthenticateUri: string
}

/** Writes a rejection as the part of Cinder's pipeline that owns it would (byte for byte, Python's separators). */
export function faultOf(rejection: Rejection, context: FaultContext): Fault {
  const row = rowOf(rejection.reason)
  const message = messageOf(rejection)
  const headers: Record<string, string> = { 'x-openstack-request-id': context.requestId }
  if (row.retryAfter !== undefined) headers['retry-after'] = String(row.retryAfter)
  if (row.style === 'keystone') {
    headers['www-authenticate'] = `Keystone uri="${context.wwwAuthenticateUri}"`
    return json(
      row.status,
      headers,
      `{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}`,
    )
  }
  if (row.style === 'webob') return webob(row.status, row.fault, message, context.accept, headers)
  headers['x-compute-request-id'] = context.requestId
  if (row.versioned === true && context.version !== null && context.version !== '') {
    headers['openstack-api-version'] = `volume ${context.version}`
    headers.vary = 'OpenStack-API-Version'
  }
  return json(
    row.status,
    headers,
    `{"${row.fault}": {"code": ${row.status}, "message": ${pythonJson(message)}}}`,
  )
}

function json(status: number, headers: Record<string, string>, body: string): Fault {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** A WebOb exception: explanation and detail, in the form that Accept prefers (plain text when it does not say). */
function webob(
  status: number,
  title: string,
  message: string,
  accept: string,
  headers: Record<string, string>,
): Fault {
  const [explanation = '', detail = ''] = message.split('\n\n')
  const line = `${status} ${title}`
  const body = `${explanation}<br /><br />\n${detail}\n\n`
  const html = qualityOf(accept, 'text', 'html')
  const asJson = qualityOf(accept, 'application', 'json')
  if (html > 0 && html >= asJson) {
    const page = `<html>\n <head>\n  <title>${line}</title>\n </head>\n <body>\n  <h1>${line}</h1>\n  ${body}\n </body>\n</html>`
    return { status, headers: { 'content-type': 'text/html; charset=UTF-8', ...headers }, body: page }
  }
  if (asJson > 0) {
    return json(status, headers, `{"message": ${pythonJson(body)}, "code": "${line}", "title": "${title}"}`)
  }
  const plain = `${line}\n\n${explanation}\n\n ${detail}  `
  return { status, headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers }, body: plain }
}

/** How much an Accept header wants a media type, from 0 to 1; the most specific range decides (RFC 9110, 12.5.1). */
function qualityOf(accept: string, type: string, subtype: string): number {
  const ranges = [`${type}/${subtype}`, `${type}/*`, '*/*']
  const offers = accept.split(',').map((part) => part.split(';').map((piece) => piece.trim().toLowerCase()))
  for (const range of ranges) {
    const found = offers.find(([name]) => name === range)
    if (found === undefined) continue
    const quality = found.find((piece) => piece.startsWith('q='))
    return quality === undefined ? 1 : Number(quality.slice(2)) || 0
  }
  return 0
}

/** Python's `json.dumps` of a string: everything outside printable ASCII is escaped. */
function pythonJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

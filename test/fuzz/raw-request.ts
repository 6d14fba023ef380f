/** A request as its bytes are made, so that each part can be wrong on its own. */
export interface RawRequest {
  method: string
  target: string
  version: string
  /** Written as `name: value`; a value may hold its own line breaks. */
  headers: [name: string, value: string][]
  body: Buffer
  /** Between the lines of the head. */
  newline: string
  /** What follows on the same connection. */
  tail: Buffer
}

export function render(request: RawRequest): Buffer {
  const head = [
    `${request.method} ${request.target} ${request.version}`.trimEnd(),
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join(request.newline)
  return Buffer.concat([Buffer.from(head, 'latin1'), request.body, request.tail])
}

/**
 * Leaves the connection of a request open, with a request behind it that ends it: whatever the bytes before it mean to
 * a server, it then has something to go on with. It has no token, and so is nobody's.
 */
export function keptAlive(request: RawRequest): RawRequest {
  request.headers = request.headers.filter(([name]) => name !== 'Connection')
  const last = plain('GET', '/v3/', [['Connection', 'close']])
  request.tail = Buffer.concat([request.tail, render(last)])
  return request
}

/** A well-formed request with its true length. */
export function plain(
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[],
  body = '',
): RawRequest {
  const bytes = Buffer.from(body)
  const length: [string, string][] = method === 'GET' ? [] : [['Content-Length', String(bytes.length)]]
  return {
    method,
    target,
    version: 'HTTP/1.1',
    headers: [
      ['Host', 'cinder'],
      ...headers.map(([name, value]): [string, string] => [name, value]),
      ...length,
    ],
    body: bytes,
    newline: '\r\n',
    tail: Buffer.alloc(0),
  }
}

// A bare forwarder on undici's Pool, no checks: `node bench/peers/undici.ts UPSTREAM`.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

const pool = new Pool(process.argv[2] ?? '', { connections: 64 })
const server = http.createServer((request, response) => {
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
  pool
    .stream(
      {
        path: request.url ?? '/',
        method: (request.method ?? 'GET') as 'GET',
        headers: request.headers,
        ...(hasBody ? { body: request } : {}),
      },
      ({ statusCode, headers }) => {
        response.writeHead(statusCode, headers as http.OutgoingHttpHeaders)
        return response
      },
    )
    .catch(() => response.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`{"url":"http://127.0.0.1:${port}"}\n`)
})

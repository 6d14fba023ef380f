// A bare http-proxy-3 with a keep-alive agent and no checks: `node bench/peers/http-proxy-3.ts UPSTREAM [express]`.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { ProxyServer } from 'http-proxy-3'

const [target = '', wrapped] = process.argv.slice(2)
const proxy = new ProxyServer({ target, agent: new http.Agent({ keepAlive: true, maxSockets: 512 }) })
const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
  proxy.web(request, response, {}, () => response.destroy())
}
const server = http.createServer(wrapped === 'express' ? express().use(handle) : handle)
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`{"url":"http://127.0.0.1:${port}"}\n`)
})

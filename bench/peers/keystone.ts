// A Keystone that knows every token `bench-…` as alice's, quickly: `node bench/peers/keystone.ts`.
// Everything else goes to the stand-in cloud, which it also starts.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { ProxyServer } from 'http-proxy-3'
import { startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS } from '../../src/demo/fixture.ts'

const cloud = await startCloud()
const alice = cloud.token('alice')
const seen = await fetch(`${cloud.urls.keystone}/v3/auth/tokens`, {
  headers: { 'x-auth-token': cloud.token('admin'), 'x-subject-token': alice },
})
const body = await seen.text()
if (seen.status !== 200) throw new Error(`the stand-in Keystone said ${seen.status} ${body}`)

const behind = new ProxyServer({ target: cloud.urls.keystone, agent: new http.Agent({ keepAlive: true }) })
const server = http.createServer((request, response) => {
  const subject = request.headers['x-subject-token']
  if (typeof subject === 'string' && subject.startsWith('bench-'))
    response.writeHead(200, { 'content-type': 'application/json', 'x-subject-token': subject }).end(body)
  else behind.web(request, response, {}, () => response.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const said = { ...cloud.urls, keystone: `http://127.0.0.1:${port}`, project: PROJECTS.demo }
  process.stdout.write(`${JSON.stringify(said)}\n`)
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROJECTS } from '../../src/demo/fixture.ts'
import { startTestGateway } from '../support/gateway.ts'

const FILES = join(import.meta.dirname, '../support/tls')
const read = (name: string) => readFileSync(join(FILES, name))

/** Ways to reach the upstream. Reads go over a kept connection, writes over one of their own. */
describe.each(['http-proxy-3', 'undici'])('%s', (forwarder) => {
  const folder = mkdtempSync(join(tmpdir(), 'cinderguard-'))
  const socket = join(folder, 'cinder.sock')
  const answer: http.RequestListener = (request, response) => void response.end(request.method)
  const plain = http.createServer(answer)
  const secure = https.createServer({ cert: read('server.pem'), key: read('server.key') }, answer)
  beforeAll(async () => {
    await new Promise<void>((resolve) => plain.listen(socket, resolve))
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    for (const server of [plain, secure]) {
      server.closeAllConnections()
      server.close()
    }
    rmSync(folder, { recursive: true })
  })
  const https127 = () => `https://127.0.0.1:${(secure.address() as AddressInfo).port}`

  const METHODS = ['GET', 'POST', 'GET']
  const throughEach = async (options: Readonly<Record<string, string>>) => {
    const gateway = await startTestGateway({ 'cinderguard.forwarder': forwarder, ...options })
    const headers = { 'x-auth-token': gateway.cloud.token('alice') }
    const seen: string[] = []
    for (const method of METHODS) {
      const got = await fetch(`${gateway.url}/v3/${PROJECTS.demo}/x`, { method, headers })
      const text = await got.text()
      seen.push(got.status === 200 ? text : String(got.status))
    }
    await gateway.stop()
    return seen
  }

  test('a unix socket', async () => {
    const options = { 'cinderguard.upstream': 'http://cinder', 'cinderguard.upstream_socket': socket }
    expect(await throughEach(options)).toEqual(METHODS)
  })

  test('https whose certificate nobody vouches for: not at all', async () => {
    expect(await throughEach({ 'cinderguard.upstream': https127() })).toEqual(METHODS.map(() => '502'))
  })

  test('the same with upstream_insecure', async () => {
    const options = { 'cinderguard.upstream': https127(), 'cinderguard.upstream_insecure': 'true' }
    expect(await throughEach(options)).toEqual(METHODS)
  })
})

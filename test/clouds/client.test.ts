import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type ClientOptions,
  CloudError,
  createClient,
  isRecord,
  jsonObject,
  textAt,
} from '../../src/clouds/client.ts'
import { Listener } from '../../src/demo/listener.ts'
import { answer } from './fake-send.ts'

let server: Listener
const closers: (() => Promise<void>)[] = []
beforeAll(async () => {
  server = new Listener((request) => ({
    status: 200,
    headers: { 'X-Seen': request.header('x-sent') ?? '' },
    body: `${request.method} ${request.target} ${request.body}`,
  }))
  await server.listen()
})
beforeEach(() => server.forget())
afterAll(async () => {
  await Promise.all(closers.map((close) => close()))
  await server.stop()
})

function client(more: Partial<ClientOptions> = {}) {
  const calls: string[] = []
  const made = createClient({
    service: 'nova',
    timeout: 5,
    retries: 1,
    tls: { insecure: false },
    onCall: (service, outcome, seconds) => calls.push(`${service} ${outcome} ${seconds >= 0 && seconds < 5}`),
    ...more,
  })
  closers.push(made.close)
  return { send: made.send, calls }
}
const get = (path = '/') => ({ method: 'GET', url: `${server.url}${path}`, headers: {} }) as const

describe('one call', () => {
  test('sends what it is given and gives back what came', async () => {
    const { send, calls } = client()
    const found = await send({
      method: 'POST',
      url: `${server.url}/a%2Fb/../c?d`,
      headers: { 'x-sent': '1' },
      body: 'é',
    })
    expect(found).toMatchObject({ status: 200, text: 'POST /a%2Fb/../c?d é', headers: { 'x-seen': '1' } })
    expect(calls).toEqual(['nova ok true'])
  })

  test('does not follow redirects', async () => {
    server.fault = (_request, response) => {
      response.writeHead(302, { location: '/elsewhere' }).end()
      return true
    }
    expect((await client().send(get())).status).toBe(302)
    expect(server.count()).toBe(1)
  })

  test('takes an error status for an answer', async () => {
    server.fault = (_request, response) => {
      response.writeHead(503).end('busy')
      return true
    }
    expect(await client().send(get())).toMatchObject({ status: 503, text: 'busy' })
    expect(server.count()).toBe(1)
  })
})

describe('when the connection fails', () => {
  const resetFirst = (times: number) => {
    let left = times
    server.fault = (request) => {
      if (left-- <= 0) return false
      request.socket.destroy()
      return true
    }
  }

  test('a look-up is tried again', async () => {
    resetFirst(1)
    const { send, calls } = client()
    expect((await send(get())).status).toBe(200)
    expect(server.count()).toBe(2)
    expect(calls).toEqual(['nova ok true'])
  })

  test('a look-up is tried as often as configured, and no more', async () => {
    resetFirst(9)
    const { send, calls } = client({ retries: 2 })
    await expect(send(get())).rejects.toThrow(new CloudError('nova', 'UND_ERR_SOCKET'))
    expect(server.count()).toBe(3)
    expect(calls).toEqual(['nova error true'])
  })

  test('what is no look-up is not tried again', async () => {
    resetFirst(1)
    await expect(client().send({ ...get(), method: 'POST', body: '{}' })).rejects.toThrow(
      'nova: UND_ERR_SOCKET',
    )
    expect(server.count()).toBe(1)
  })

  test('the error is of its service, and names the code alone', async () => {
    const error = await client({ service: 'keystone' })
      .send({ method: 'GET', url: 'http://127.0.0.1:1/secret', headers: { 'x-auth-token': 'secret' } })
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(CloudError)
    expect(error).toMatchObject({ service: 'keystone', message: 'keystone: ECONNREFUSED' })
  })
})

describe('time and size have limits', () => {
  test('a server that says nothing is given up, once for all attempts', async () => {
    server.fault = () => true
    const { send, calls } = client({ timeout: 0.1, retries: 5 })
    await expect(send(get())).rejects.toThrow(new CloudError('nova', 'no answer in time'))
    expect(server.count()).toBe(1)
    expect(calls).toEqual(['nova error true'])
  })

  test('a server that drips is given up as well', async () => {
    server.fault = (_request, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.once('close', () => clearInterval(timer))
      return true
    }
    await expect(client({ timeout: 0.15 }).send(get())).rejects.toThrow('nova: no answer in time')
  })

  test('an answer over 16 MiB is no answer', async () => {
    server.fault = (_request, response) => {
      response.end(Buffer.alloc(16 * 1024 * 1024 + 1))
      return true
    }
    await expect(client({ retries: 0 }).send(get())).rejects.toThrow(new CloudError('nova', 'failed'))
  })
})

describe('an answer as JSON', () => {
  test.each([
    ['', 'cinder: status 200 with a body that is not JSON'],
    ['<html>', 'cinder: status 200 with a body that is not JSON'],
    ['[]', 'cinder: status 200 with a body that is no object'],
    ['null', 'cinder: status 200 with a body that is no object'],
    ['"x"', 'cinder: status 200 with a body that is no object'],
  ])('must be an object: %j', (text, message) => {
    expect(() => jsonObject('cinder', answer(200, text))).toThrow(message)
  })

  test('gives texts, or null', () => {
    const record = jsonObject('cinder', answer(200, '{"a": "x", "b": 1}'))
    expect([textAt(record, 'a'), textAt(record, 'b'), textAt(record, 'c')]).toEqual(['x', null, null])
    expect([isRecord(record), isRecord([]), isRecord(null), isRecord('x')]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})

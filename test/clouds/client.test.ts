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

  test.each([
    ['', '/'],
    ['?x=/1', '/?x=/1'],
    ['/', '/'],
    ['/a', '/a'],
  ])('asks "%s" behind the authority as %s', async (path, target) => {
    expect((await client().send(get(path))).text).toBe(`GET ${target} `)
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

describe('a service that fails again and again', () => {
  const failing = async (more: Partial<ClientOptions> = {}) => {
    server.fault = (request) => {
      request.socket.destroy()
      return true
    }
    const states: string[] = []
    const { send } = client({
      retries: 0,
      onBreaker: (service, isOpen) => states.push(`${service} ${isOpen ? 'open' : 'closed'}`),
      ...more,
    })
    for (let failure = 0; failure < 10; failure += 1) await send(get()).catch(() => undefined)
    return { send, states }
  }

  test('is not asked after ten failures in a row, and whoever asks is told at once', async () => {
    const { send, states } = await failing()
    expect(states).toEqual(['nova open'])
    await expect(send(get())).rejects.toThrow(new CloudError('nova', 'failed lately, and is not asked yet'))
    expect(server.count()).toBe(10)
  })

  test('is asked again after a second, and by everyone once it answered', async () => {
    const { send, states } = await failing()
    server.forget()
    await new Promise((done) => setTimeout(done, 1050))
    expect((await send(get())).status).toBe(200)
    expect((await Promise.all([send(get()), send(get())])).map(({ status }) => status)).toEqual([200, 200])
    expect(states.at(-1)).toBe('nova closed')
  })

  test('is left alone for another second when the one call that tries it fails', async () => {
    const { send } = await failing()
    await new Promise((done) => setTimeout(done, 1050))
    await expect(send(get())).rejects.toThrow('nova: UND_ERR_SOCKET')
    await expect(send(get())).rejects.toThrow('not asked yet')
    expect(server.count()).toBe(11)
  })

  test('is not what it is when answers come in between', async () => {
    let asked = 0
    server.fault = (request) => {
      if (asked++ % 5 === 4) return false
      request.socket.destroy()
      return true
    }
    const { send } = client({ retries: 0 })
    for (let call = 0; call < 30; call += 1) await send(get()).catch(() => undefined)
    expect(server.count()).toBe(30)
  })

  test('is not what a caller makes of it by sending what cannot be sent', async () => {
    const { send } = client({ retries: 0 })
    for (let call = 0; call < 12; call += 1)
      await expect(send({ ...get(), headers: { 'x-auth-token': 'a\nb' } })).rejects.toThrow(
        'UND_ERR_INVALID_ARG',
      )
    expect((await send(get())).status).toBe(200)
  })

  test('is not what a caller makes of it by a head that its server drops', async () => {
    server.fault = (request) => {
      if (request.headers['x-auth-token'] === undefined) return false
      request.socket.destroy()
      return true
    }
    const { send } = client({ retries: 0 })
    for (let call = 0; call < 12; call += 1)
      await expect(send({ ...get(), headers: { 'x-auth-token': 'a'.repeat(4000) } })).rejects.toThrow(
        new CloudError('nova', 'UND_ERR_SOCKET'),
      )
    expect((await send(get())).status).toBe(200)
  })
})

describe('time and size have limits', () => {
  test('a server that says nothing is given up, once for all attempts', async () => {
    server.fault = () => true
    const { send, calls } = client({ timeout: 0.5, retries: 5 })
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

  test('64 calls are under way at a time, 512 wait, and more are refused at once', async () => {
    const waiting: (() => void)[] = []
    server.fault = (_request, response) => {
      waiting.push(() => response.end())
      return true
    }
    const { send } = client({ timeout: 20 })
    const calls = Array.from({ length: 64 + 512 + 3 }, () =>
      send(get()).then(
        () => 'ok',
        (error: Error) => error.message,
      ),
    )
    expect(await Promise.race(calls)).toBe('nova: too many calls wait')
    while (waiting.length < 64) await new Promise((done) => setTimeout(done, 5))
    expect(server.count()).toBe(64)
    server.fault = undefined
    for (const answerIt of waiting) answerIt()
    const results = await Promise.all(calls)
    expect(results.filter((result) => result === 'ok').length).toBe(64 + 512)
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

import type { Cloud } from '../../src/demo/cloud.ts'
import type { Fault } from '../../src/demo/listener.ts'

/** Ways in which a service fails for a while. */
const WAYS: Readonly<Record<string, Fault>> = {
  'closes connections': (request) => {
    request.socket.destroy()
    return true
  },
  hangs: () => true,
  'is slow': async () => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    return false
  },
  'stops in the middle of its answer': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{"')
    setTimeout(() => response.destroy(), 5)
    return true
  },
  'answers 500': says(500, '{"computeFault": {"code": 500, "message": "no"}}'),
  'answers 503': says(503, ''),
  'answers 429': says(429, '{"overLimit": {"code": 429}}'),
  'answers nonsense': says(200, '<html>'),
  'answers an empty object': says(200, '{}'),
}

function says(status: number, body: string): Fault {
  return (_request, response) => {
    // Services of OpenStack name each request; so does a broken one.
    const headers = { 'content-type': 'application/json', 'x-openstack-request-id': 'req-broken' }
    response.writeHead(status, headers).end(body)
    return true
  }
}

const SERVICES = ['keystone', 'nova', 'cinder'] as const

/** Breaks one service in one way, drawn by `random`. @returns what ends it, and its name. */
export function breakSomething(
  cloud: Cloud,
  random: () => number,
): { readonly name: string; readonly end: () => void } {
  const service = SERVICES[Math.floor(random() * SERVICES.length)] ?? 'nova'
  const names = Object.keys(WAYS)
  const way = names[Math.floor(random() * names.length)] ?? 'hangs'
  const held = new Set<{ destroy(): void }>()
  const fault = WAYS[way]
  cloud[service].fault = (request, response) => {
    held.add(request.socket)
    return fault?.(request, response) ?? false
  }
  return {
    name: `${service} ${way}`,
    end() {
      cloud[service].fault = undefined
      // What hangs would go on hanging.
      if (way === 'hangs') for (const socket of held) socket.destroy()
    },
  }
}

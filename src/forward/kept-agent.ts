import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClientTls } from '../client-tls.ts'

export interface KeptAgentOptions {
  /** False: each connection serves one request. */
  readonly keepAlive: boolean
  /** Milliseconds without a byte after which a connection is cut. */
  readonly timeout: number
  /** For an upstream by https. */
  readonly tls?: ClientTls & { readonly servername: string; readonly rejectUnauthorized: boolean }
}

/** An agent for one upstream, which can be let go of while requests are under way. */
export type KeptAgent = http.Agent & {
  /** Closes idle connections now, and the others when their request is done. */
  retire(): void
}

/**
 * Node's agent, spared what it does with every request though it is the same for all: names of origins, timers set
 * anew, headers of the answer taken apart.
 */
export function keptAgent(to: Address, { keepAlive, timeout, tls }: KeptAgentOptions): KeptAgent {
  // With a limit, Node would ask for the connection to be kept all the same.
  const common = keepAlive
    ? ({ keepAlive, maxSockets: 512, maxFreeSockets: 64, scheduling: 'lifo' } as const)
    : {}
  return tls === undefined
    ? new (oneUpstream(http.Agent as unknown as Base, to, timeout))(common)
    : new (oneUpstream(https.Agent as unknown as Base, to, timeout))({ ...common, ...tls })
}

/** Where the upstream listens: by TCP, or by a unix socket. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly socketPath?: string
}

/** Node's agent with the method by which a request asks it for a connection, which its types leave out. */
interface Asked extends http.Agent {
  addRequest(request: http.ClientRequest, options: object): void
}
type Base = new (options: https.AgentOptions) => Asked

function oneUpstream(
  Base: Base,
  to: Address,
  timeout: number,
): new (
  options: https.AgentOptions,
) => KeptAgent {
  // By http there is no name to ask for; without one, it would be looked for in each request.
  const plain = { ...to, servername: '' }
  return class extends Base {
    #isRetired = false

    /** Of what a request says only its address matters here, which is the same for all. */
    override addRequest(request: http.ClientRequest): void {
      super.addRequest(request, plain)
    }

    override getName(): string {
      return 'upstream'
    }

    override createConnection(...args: Parameters<http.Agent['createConnection']>) {
      const made = super.createConnection(...args)
      if (made) limit(made as Socket)
      return made
    }

    override keepSocketAlive(duplex: Duplex): boolean {
      const socket = duplex as Announced
      if (this.#isRetired) return false
      const announced = socket[ANNOUNCED]
      if (announced === undefined) return true
      // Let go of a second before the upstream does: what is sent meanwhile would be lost.
      const left = announced * 1000 - 1000
      if (left <= 0) return false
      socket.setTimeout(Math.min(left, timeout))
      return true
    }

    override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
      super.reuseSocket(socket, request)
      if ((socket as Announced)[ANNOUNCED] !== undefined) (socket as Announced).setTimeout(timeout)
    }

    retire(): void {
      this.#isRetired = true
      for (const idle of Object.values(this.freeSockets).flat()) idle?.destroy()
    }
  }

  function limit(socket: Socket): void {
    socket.setTimeout(timeout)
    socket.on('timeout', () => socket.destroy(new LateError('the upstream sent nothing in time')))
  }
}

/** Nothing came from the upstream for as long as may be. */
export class LateError extends Error {
  readonly code = 'ETIMEDOUT'
}

const ANNOUNCED = Symbol('seconds for which the upstream keeps an idle connection')
type Announced = Socket & { [ANNOUNCED]?: number }

/** Hears how long the upstream keeps the connection of this answer: its `Keep-Alive: timeout=SECONDS`. */
export function announced(answer: http.IncomingMessage, keepAlive: string): void {
  const seconds = /^timeout=(\d+)/.exec(keepAlive)?.[1]
  if (seconds !== undefined) Object.assign(answer.socket, { [ANNOUNCED]: Number(seconds) })
}

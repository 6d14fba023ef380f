import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { ClientTlsSource } from '../client-tls.ts'
import type { Heard } from '../gateway.ts'
import type { Rejection } from '../http/rejection.ts'

/** Where the upstream Cinder is, and how it is spoken to. */
export interface Upstream {
  /** Its path, if any, is not used. */
  readonly url: URL
  /** A unix socket to connect to instead of the URL's host. */
  readonly socket?: string | undefined
  /** Seconds without a byte from the upstream. */
  readonly timeout: number
  /** Whom the upstream's certificate must be signed by, and what the gateway shows of itself. */
  readonly tls?: ClientTlsSource
  /** The upstream's certificate is not checked. */
  readonly insecure: boolean
}

/** One request to be sent, made of what was judged and of nothing else. */
export interface Outgoing {
  readonly method: string
  /** Request target, sent as it is. */
  readonly target: string
  /** All of them, with `content-length` where there is one. */
  readonly headers: Record<string, string>
  readonly body: Buffer
  /** GET or HEAD: may be sent over a kept connection, and again if that was just being closed. */
  readonly isRead: boolean
  /** Is told what the answer says of the upstream. */
  readonly heard: Heard
  /**
   * Told when the answer is complete or no longer waited for. With it, the upstream's work is waited for to its end
   * and its answer read as it comes, whatever the client does.
   */
  readonly answered?: (() => void) | undefined
}

/**
 * The name that the upstream's certificate must bear: its URL's, whatever Host the client asked for. Empty for an
 * address, which is no name to ask for; Node compares it all the same.
 */
export function serverNameOf({ hostname }: URL): string {
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : ''
}

/**
 * Carries one request and writes its answer. Resolves when the answer was sent; to `stale` when the connection was
 * reset before anything came back; to a rejection when nothing was written to the client.
 */
export type Carry = (
  outgoing: Outgoing,
  raw: IncomingMessage,
  response: ServerResponse,
) => Promise<Rejection | 'stale' | null>

/** A way of forwarding. */
export interface Engine {
  readonly carry: Carry
  close(): void
}

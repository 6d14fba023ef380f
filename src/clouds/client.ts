import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel'
import { Agent, type Dispatcher, errors } from 'undici'
import { type ClientTls, type ClientTlsSource, NO_TLS, Renewed } from '../client-tls.ts'
import type { StartCall } from '../trace/tracing.ts'

/** A service did not answer, or not in a way that can be believed. `service` is a closed set, for metrics. */
export class CloudError extends Error {
  readonly service: Callee
  constructor(service: Callee, message: string, cause?: unknown) {
    super(`${service}: ${message}`, cause === undefined ? undefined : { cause })
    this.service = service
  }
}
export type Service = 'keystone' | 'nova' | 'cinder'
/** Whom the gateway calls: the services, and servers that policy rules ask. */
export type Callee = Service | 'policy'

export interface CloudRequest {
  readonly method: 'GET' | 'POST'
  /** Absolute URL. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface CloudResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Sends one request to one service. @throws CloudError */
export type Send = (request: CloudRequest) => Promise<CloudResponse>

export interface ClientOptions {
  readonly service: Callee
  /** Seconds for one attempt, from connect to the last byte. */
  readonly timeout: number
  /** Seconds to open a connection; as long as the whole attempt unless given. */
  readonly connectTimeout?: number | undefined
  /** Further attempts of a look-up whose connection failed. */
  readonly retries: number
  /** Whom the service's certificate must be signed by, and what the gateway shows of itself. */
  readonly tls?: ClientTlsSource | undefined
  /** The certificate is not checked. */
  readonly insecure?: boolean | undefined
  /** A unix socket to connect to instead of the URL's host. */
  readonly socket?: string | undefined
  /** The service is given a moment, or is asked again. */
  readonly onBreaker?: (service: Callee, isOpen: boolean) => void
  /** Begins the span of a call, where calls are traced. */
  readonly trace?: StartCall | undefined
  readonly onCall?: (service: Callee, outcome: 'ok' | 'error', seconds: number) => void
}

/** The request target of a URL as it is written; that of a URL object would be a tidied one. */
function targetOf(url: string): string {
  const rest = url.slice(url.indexOf('://') + 3)
  const start = rest.search(/[/?]/)
  if (start === -1) return '/'
  return rest[start] === '/' ? rest.slice(start) : `/${rest.slice(start)}`
}

/** Calls to one service at a time, and those that may wait for their turn. */
const CALLS = 64
const WAITING = 512
/** Failures in a row after which a service is left alone, for so many milliseconds; then one call tries it. */
const FAILURES = 10
const REST = 1000

/** Answers larger than this are not ours: the largest, a thousand attachments, is below 4 MiB. */
const MAX_ANSWER = 16 * 1024 * 1024

/** A client of one service over kept connections, with a time limit; look-ups are tried again, within it. */
export function createClient(options: ClientOptions): { send: Send; close: () => Promise<void> } {
  const { timeout, connectTimeout = timeout, insecure = false, socket } = options
  const agentBy = (tls: ClientTls) =>
    new Agent({
      connections: CALLS,
      pipelining: 1,
      allowH2: false,
      headersTimeout: timeout * 1000,
      bodyTimeout: timeout * 1000,
      keepAliveTimeout: 4000,
      connect: {
        timeout: connectTimeout * 1000,
        rejectUnauthorized: !insecure,
        ...(socket === undefined ? {} : { socketPath: socket }),
        ...tls,
      },
    })
  const agents = new Renewed(options.tls ?? NO_TLS, agentBy, (old) => void old.close())

  async function attempt(request: CloudRequest, signal: AbortSignal): Promise<CloudResponse> {
    const url = new URL(request.url)
    const answer = await agents.current().request({
      origin: url.origin,
      path: targetOf(request.url),
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      signal,
    })
    return { status: answer.statusCode, headers: answer.headers, text: await readText(answer.body) }
  }

  // A service that fails again and again is given a moment; whoever asks meanwhile is told at once.
  const breaker = circuitBreaker(handleWhen(isOfService), {
    halfOpenAfter: REST,
    breaker: new ConsecutiveBreaker(FAILURES),
  })
  breaker.onStateChange((state) => options.onBreaker?.(options.service, state !== CircuitState.Closed))
  const room = bulkhead(CALLS, WAITING)

  const send: Send = async (request) => {
    try {
      return await room.execute(() => breaker.execute(() => call(request)))
    } catch (error) {
      if (error instanceof BrokenCircuitError)
        throw new CloudError(options.service, 'failed lately, and is not asked yet')
      if (error instanceof BulkheadRejectedError) throw new CloudError(options.service, 'too many calls wait')
      throw error
    }
  }

  const call: Send = async (request) => {
    const started = performance.now()
    const signal = AbortSignal.timeout(timeout * 1000)
    const span = options.trace?.({ service: options.service, ...request })
    const sent = span === undefined ? request : { ...request, headers: span.headers }
    for (let tries = 0; ; tries += 1) {
      try {
        const answer = await attempt(sent, signal)
        options.onCall?.(options.service, 'ok', (performance.now() - started) / 1000)
        span?.end(answer.status)
        return answer
      } catch (error) {
        if (request.method === 'GET' && tries < options.retries && !signal.aborted) continue
        options.onCall?.(options.service, 'error', (performance.now() - started) / 1000)
        span?.end(null, describe(error))
        const Fault = isDropped(error) && headOf(request) > SMALL_HEAD ? LargeHeadError : CloudError
        throw new Fault(options.service, describe(error), error)
      }
    }
  }
  return { send, close: () => agents.current().destroy() }
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What one caller sent cannot close a service to the others: only what the service did counts against it. */
const isOfService = (error: unknown) =>
  !(error instanceof LargeHeadError) &&
  !(error instanceof Error && error.cause instanceof errors.InvalidArgumentError)

/** A server may drop a connection for the size of what it is sent: uWSGI takes 4,096 bytes of head unless told. */
class LargeHeadError extends CloudError {}
const SMALL_HEAD = 3000

const isDropped = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(String(error.code))

function headOf({ url, headers }: CloudRequest): number {
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length + 4,
    url.length,
  )
}

/** The error's code and nothing else: messages may quote what was sent. */
function describe(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return code
}

/** The answer's JSON object. @throws CloudError when it is something else. */
export function jsonObject(service: Service, answer: CloudResponse): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(answer.text)
  } catch {
    throw new CloudError(service, `status ${answer.status} with a body that is not JSON`)
  }
  if (!isRecord(value)) throw new CloudError(service, `status ${answer.status} with a body that is no object`)
  return value
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textAt(record: Record<string, unknown>, name: string): string | null {
  const value = record[name]
  return typeof value === 'string' ? value : null
}

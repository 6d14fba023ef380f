import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { networksOf } from '../../src/config/networks.ts'
import { createForwarder, type EngineName } from '../../src/forward/forward.ts'
import { createGateway } from '../../src/gateway.ts'
import { faultOf } from '../../src/http/fault.ts'
import { reject } from '../../src/http/rejection.ts'
import { envelopeOf, readRequest } from '../../src/http/request.ts'
import { listen } from '../../src/server.ts'
import { plain, type RawRequest } from './raw-request.ts'
import { cook, recipes } from './recipe.ts'
import { sendBytes } from './send.ts'

/** What a request is, to whoever reads it. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly token: string
  readonly type: string
  /** SHA-256 of the body, in hexadecimal. */
  readonly body: string
}
/** By request id. */
export type Ledger = Map<string, Seen[]>

export const digest = (body: Buffer): string => createHash('sha256').update(body).digest('hex')
export function enter(ledger: Ledger, id: string, seen: Seen): void {
  // eventlet does not tell an empty query from none.
  ledger.set(id, [...(ledger.get(id) ?? []), { ...seen, target: seen.target.replace(/\?$/, '') }])
}

export interface Judging {
  readonly url: string
  /** What was approved and handed to the forwarder. */
  readonly judged: Ledger
  /** Ids of those whose answer came back. */
  readonly answered: Set<string>
  stop(): Promise<void>
}

/** The gateway's own reader, judge and forwarder, where everybody may do everything. */
export async function startJudging(upstream: string, engine: EngineName = 'http-proxy-3'): Promise<Judging> {
  const judged: Ledger = new Map()
  const answered = new Set<string>()
  const forwarder = createForwarder(engine, { url: new URL(upstream), timeout: 10, insecure: false })
  const handle = createGateway({
    envelope: envelopeOf,
    read: (raw, envelope) =>
      readRequest(raw, envelope, { maxBody: 114_688, maxHeaders: 200, prefix: '', proxies: networksOf([]) }),
    authenticate: async () => null,
    classify: async () => ({ kind: 'other', projectInUrl: null, version: '' }),
    checks: [],
    facts: () => {
      throw new Error('nothing is asked')
    },
    deadline: () => (work) => work,
    turn: async () => () => undefined,
    reasonOf: () => reject('undecided'),
    caller: () => 'user',
    refine: (rejection) => rejection,
    mode: () => 'enforce',
    render: (rejection, context) => faultOf(rejection, { ...context, wwwAuthenticateUri: 'http://k' }),
    forward: async (forwarding) => {
      const { requestId, method, target, headers, body } = forwarding.approved.request
      enter(judged, requestId, {
        method,
        target,
        token: headers.get('x-auth-token') ?? '',
        type: headers.get('content-type') ?? '',
        body: digest(body),
      })
      const rejection = await forwarder.forward(forwarding)
      if (rejection === null && forwarding.response.writableFinished) answered.add(requestId)
      return rejection
    },
    record: () => undefined,
    now: () => 0,
  })
  const listener = await listen((raw, response) => void handle(raw, response), {
    kind: 'tcp',
    host: '127.0.0.1',
    port: 0,
  })
  return {
    url: listener.url,
    judged,
    answered,
    async stop() {
      await listener.close(0)
      forwarder.close()
    },
  }
}

const BODY = '{"os-detach": {}}'
const BASES: readonly (() => RawRequest)[] = [
  () =>
    plain(
      'POST',
      '/v3/p/volumes/v/action',
      [
        ['X-Auth-Token', 'alice'],
        ['Content-Type', 'application/json'],
      ],
      BODY,
    ),
  () => plain('DELETE', '/v3/p/attachments/a', [['X-Auth-Token', 'alice']]),
  () => plain('GET', '/v3/p/volumes/detail?limit=2', [['X-Auth-Token', 'alice']]),
  () =>
    plain(
      'PUT',
      '/v3/p/volumes/v',
      [
        ['X-Auth-Token', 'bob'],
        ['Content-Type', 'application/json'],
      ],
      '{"volume": {"name": "\\u00e9"}}',
    ),
]

/** Byte streams of one to three requests, spoilt in every way. */
export const streams: fc.Arbitrary<Buffer> = fc
  .array(recipes, { minLength: 1, maxLength: 3 })
  .map((each) => Buffer.concat(each.map((recipe) => cook(recipe, BASES))))

/**
 * Sends streams through the gateway and compares, by request id, what it judged with what the upstream read.
 * @param received the upstream's ledger; may be read late.
 * @param also streams that are sent first.
 * @returns the first that differs, or null, and how many requests arrived.
 */
export async function compareJudged(
  judging: Judging,
  received: () => Ledger,
  {
    runs,
    seed,
    also = [],
  }: { readonly runs: number; readonly seed: number; readonly also?: readonly Buffer[] },
): Promise<{ readonly difference: unknown; readonly forwarded: number }> {
  for (const stream of [...also, ...fc.sample(streams, { numRuns: runs, seed })]) {
    const answer = await sendBytes(judging.url, stream, { quiet: 20, limit: 150 })
    if (answer.length === 0) continue
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  const ledger = received()
  for (const [id, seen] of ledger) {
    const judged = judging.judged.get(id) ?? []
    // A request id of the client's own may come several times.
    if (JSON.stringify([...judged].sort(order)) !== JSON.stringify([...seen].sort(order)))
      return { difference: { id, judged, received: seen }, forwarded: ledger.size }
  }
  for (const id of judging.answered)
    if (!ledger.has(id))
      return { difference: { id, judged: judging.judged.get(id), received: [] }, forwarded: ledger.size }
  return { difference: null, forwarded: ledger.size }
}

const order = (a: Seen, b: Seen): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

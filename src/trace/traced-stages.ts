import type { IncomingMessage } from 'node:http'
import { type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { Outcome, Stages } from '../gateway.ts'
import { rawHeader } from '../http/headers.ts'
import { isRejection } from '../http/rejection.ts'
import type { CompleteRequest, Envelope, GuardedRequest } from '../http/request.ts'
import { labelOf, verdictOf } from '../record/record.ts'
import type { StageName } from '../stage-clock.ts'
import { headersOf, parentIn } from './span-context.ts'

/** The spans of one request, carried by what the stages hand on. */
const SPANS = Symbol('spans')
interface Spans {
  readonly server: Span
  stage: Span | null
}
type Carrying<T> = T & { readonly [SPANS]?: Spans }

/** The same stages; a request is a span, its parent the one that its client names, and each stage is one below it. */
export function tracedStages(stages: Stages, tracer: Tracer): Stages {
  const enter = (spans: Spans | undefined, name: StageName): Span | null => {
    if (spans === undefined) return null
    spans.stage?.end()
    const parent = trace.setSpan(parentIn(new Map(), false), spans.server)
    spans.stage = tracer.startSpan(name, {}, parent)
    return spans.stage
  }
  return {
    ...stages,
    get checks() {
      return stages.checks
    },
    envelope(raw) {
      const envelope = stages.envelope(raw)
      const server = tracer.startSpan(
        methodOf(envelope),
        { kind: SpanKind.SERVER, attributes: asked(raw, envelope) },
        parentIn(traceHeadersOf(raw), true),
      )
      const spans: Spans = { server, stage: null }
      enter(spans, 'read')
      return Object.assign(envelope, { [SPANS]: spans })
    },
    async read(raw, envelope: Carrying<Envelope>) {
      const request = await stages.read(raw, envelope)
      const spans = envelope[SPANS]
      if (isRejection(request) || spans === undefined) return request
      return Object.assign(within(request, spans.server), { [SPANS]: spans })
    },
    authenticate: (request: Carrying<GuardedRequest>) =>
      stages.authenticate(within(request, enter(request[SPANS], 'authenticate'))),
    classify: (request: Carrying<CompleteRequest>, identity) =>
      stages.classify(within(request, enter(request[SPANS], 'classify')), identity),
    facts: (request: Carrying<GuardedRequest>, identity) =>
      stages.facts(within(request, enter(request[SPANS], 'check')), identity),
    forward(forwarding) {
      const { [SPANS]: spans } = forwarding.approved.request as Carrying<GuardedRequest>
      spans?.stage?.end()
      if (spans !== undefined) spans.stage = null
      return stages.forward(forwarding)
    },
    record(outcome) {
      const { [SPANS]: spans } = outcome.envelope as Carrying<Envelope>
      spans?.stage?.end()
      if (spans !== undefined) tell(spans.server, outcome)
      stages.record(outcome)
    },
  }
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function methodOf({ method }: Envelope): string {
  return METHODS.has(method) ? method : '_OTHER'
}

/** What is known at once; of the target only its path, and no header that could hold a secret. */
function asked(raw: IncomingMessage, envelope: Envelope): Record<string, string> {
  const agent = rawHeader(raw.rawHeaders, 'user-agent')
  const path = raw.url?.startsWith('/') === true ? raw.url.replace(/[?#].*$/, '') : ''
  return {
    'http.request.method': methodOf(envelope),
    'url.path': path,
    'url.scheme': 'encrypted' in raw.socket ? 'https' : 'http',
    'network.protocol.version': raw.httpVersion,
    'client.address': raw.socket.remoteAddress ?? '',
    ...(agent === undefined ? {} : { 'user_agent.original': agent }),
    'cinderguard.request_id': envelope.requestId,
  }
}

/** How it ended. */
function tell(server: Span, outcome: Outcome): void {
  const { draft, status, rejection, observed } = outcome
  const operation = labelOf(draft)
  const reason = (rejection ?? observed)?.reason
  server.updateName(`${methodOf(outcome.envelope)} ${operation}`)
  server.setAttributes({
    'http.response.status_code': status,
    'cinderguard.operation': operation,
    'cinderguard.verdict': verdictOf(outcome),
    ...(reason === undefined ? {} : { 'cinderguard.reason': reason }),
    ...(status >= 500 ? { 'error.type': String(status) } : {}),
  })
  if (status >= 500) server.setStatus({ code: SpanStatusCode.ERROR })
  server.end()
}

function traceHeadersOf({ rawHeaders }: IncomingMessage): ReadonlyMap<string, string> {
  const found = ['traceparent', 'tracestate'].map((name) => [name, rawHeader(rawHeaders, name)] as const)
  return new Map(found.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** The request, as one that a span of ours makes: its own calls and Cinder get that span for a parent. */
function within<T extends GuardedRequest>(request: T, span: Span | null): T {
  if (span === null) return request
  const headers = new Map(request.headers)
  headers.delete('tracestate')
  for (const [name, value] of Object.entries(headersOf(span))) headers.set(name, value)
  return { ...request, headers }
}

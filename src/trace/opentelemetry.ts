import { hostname } from 'node:os'
import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { headersOf, parentIn } from './span-context.ts'
import { tracedStages } from './traced-stages.ts'
import type { Call, CallSpan, Tracing, TracingOptions } from './tracing.ts'

/** Milliseconds for one export, and for the last one. */
const TIMEOUT = 2000
/** A collector that is away is said once a minute, in milliseconds. */
const COMPLAIN_EVERY = 60_000

/**
 * Traces by OpenTelemetry's own packages. Spans are sent in the background, a bounded number of them waits, and no
 * request ever waits for them or fails of them. @param complain is told that they cannot be sent.
 */
export function openTelemetry(options: TracingOptions, complain: (problem: string) => void): Tracing {
  const exporter = new OTLPTraceExporter({ url: options.url, timeoutMillis: TIMEOUT })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'cinderguard',
      'service.version': options.version,
      'host.name': hostname(),
      'process.pid': process.pid,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: complaining(exporter, complain),
        scheduledDelayMillis: 1000,
        exportTimeoutMillis: TIMEOUT,
      }),
    ],
  })
  const tracer = provider.getTracer('cinderguard', options.version)
  return {
    stages: (stages) => tracedStages(stages, tracer),
    call: (call) => startCall(call, tracer),
    async shutdown() {
      const limit = new Promise<void>((resolve) => setTimeout(resolve, TIMEOUT).unref())
      await Promise.race([provider.shutdown().catch(() => undefined), limit])
    },
  }
}

function complaining(exporter: SpanExporter, complain: (problem: string) => void): SpanExporter {
  let complained = Number.NEGATIVE_INFINITY
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined && performance.now() - complained > COMPLAIN_EVERY) {
          complained = performance.now()
          complain('code' in result.error ? String(result.error.code) : result.error.name)
        }
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
  }
}

function startCall({ service, method, url, headers }: Call, tracer: Tracer): CallSpan {
  const { hostname: address, port, protocol, origin, pathname } = new URL(url)
  const span = tracer.startSpan(
    `${method} ${service}`,
    {
      kind: SpanKind.CLIENT,
      attributes: {
        'http.request.method': method,
        'server.address': address,
        'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
        // Neither name and password nor a query, which may hold secrets.
        'url.full': origin + pathname,
        'cinderguard.dependency': service,
      },
    },
    parentIn(new Map(Object.entries(headers)), false),
  )
  const { tracestate: _, ...rest } = headers
  return {
    headers: { ...rest, ...headersOf(span) },
    end(status, error) {
      if (status !== null) span.setAttribute('http.response.status_code', status)
      if (status === null || status >= 400) {
        span.setAttribute('error.type', error ?? String(status ?? 'unknown'))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
  }
}

import { type Context, createTraceState, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { type TraceContext, traceContextOf } from '../http/trace-context.ts'

/** The span that headers name, as a parent. @param isRemote it is the client's, and not the gateway's own. */
export function parentIn(headers: ReadonlyMap<string, string>, isRemote: boolean): Context {
  const { traceparent, tracestate } = traceContextOf(headers)
  if (traceparent === undefined) return ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = '0'] = traceparent.split('-')
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  })
}

/** A span as headers name it to others. */
export function headersOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  const tracestate = traceState?.serialize()
  return tracestate === undefined || tracestate === '' ? { traceparent } : { traceparent, tracestate }
}

/** The headers of W3C Trace Context, where they are well formed. */
export interface TraceContext {
  readonly traceparent?: string
  readonly tracestate?: string
}

const NONE: TraceContext = {}
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]*)?$/
const TRACESTATE = /^[\x20-\x7e]{1,512}$/

/** What of a request's headers goes on to the gateway's own calls, so that they belong to the same trace. */
export function traceContextOf(headers: ReadonlyMap<string, string> | undefined): TraceContext {
  const traceparent = headers?.get('traceparent')
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return NONE
  const tracestate = headers?.get('tracestate')
  return tracestate !== undefined && TRACESTATE.test(tracestate)
    ? { traceparent, tracestate }
    : { traceparent }
}

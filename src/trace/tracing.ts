import type { Logger } from 'pino'
import type { Callee } from '../clouds/client.ts'
import type { Stages } from '../gateway.ts'

/** `[cinderguard] traces_url` and `traces_sample_ratio`. */
export interface TracingOptions {
  /** OTLP over HTTP, such as `http://collector:4318/v1/traces`. */
  readonly url: string
  /** 0 to 1: how many of the requests that bring no trace of their own are traced. */
  readonly ratio: number
  readonly version: string
}

/** A request to another service, as far as its span tells of it. */
export interface Call {
  readonly service: Callee
  readonly method: string
  /** Absolute; its query is not told. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** A call under way. */
export interface CallSpan {
  /** The call's headers, as part of the trace. */
  readonly headers: Record<string, string>
  /** @param error its code, where no status came. */
  end(status: number | null, error?: string): void
}

/** Begins the span of a call; its headers say of which trace it is part. */
export type StartCall = (call: Call) => CallSpan

/** Traces, where they are configured. */
export interface Tracing {
  /** The same stages, each request a span, and each stage one below it. */
  stages(stages: Stages): Stages
  readonly call: StartCall
  /** Sends what is left, for at most two seconds. */
  shutdown(): Promise<void>
}

/** Loads OpenTelemetry, and only here. */
export async function startTracing(options: TracingOptions, log: Logger): Promise<Tracing> {
  const { openTelemetry } = await import('./opentelemetry.ts')
  return openTelemetry(options, (problem) => log.warn({ problem }, 'traces cannot be sent'))
}

import { type Aggregator, collectDefaultMetrics, Registry } from 'prom-client'

/**
 * Of prom-client's metrics of a process those that operators look at and that are named by Prometheus' conventions,
 * under the names that all programs share (no prefix), and how those of several workers become one.
 */
export const PROCESS_METRICS = {
  process_cpu_user_seconds_total: 'sum',
  process_cpu_system_seconds_total: 'sum',
  process_cpu_seconds_total: 'sum',
  process_start_time_seconds: 'min',
  process_resident_memory_bytes: 'sum',
  process_virtual_memory_bytes: 'sum',
  process_open_fds: 'max',
  process_max_fds: 'min',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_mean_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
  nodejs_eventloop_lag_max_seconds: 'max',
  nodejs_heap_size_total_bytes: 'sum',
  nodejs_heap_size_used_bytes: 'sum',
  nodejs_external_memory_bytes: 'sum',
  nodejs_gc_duration_seconds: 'sum',
} as const satisfies Record<string, Aggregator>

let collected: Registry | undefined

/** Adds them to a registry. A process collects them once, however many registries show them. */
export function addProcessMetrics(registry: Registry): void {
  if (collected === undefined) {
    collected = new Registry()
    collectDefaultMetrics({ register: collected })
  }
  for (const [name, aggregator] of Object.entries(PROCESS_METRICS)) {
    const metric = collected.getSingleMetric(name)
    // Some exist on Linux only.
    if (metric !== undefined) registry.registerMetric(Object.assign(metric, { aggregator }))
  }
}

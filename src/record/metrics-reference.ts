import { cell, keepGenerated } from '../generated.ts'
import { createMetrics } from './metrics.ts'
import { LABELS, METRICS, type MetricRow } from './metrics-table.ts'
import { PROCESS_METRICS } from './process-metrics.ts'

/** Where the reference is, from the root of the project. */
export const REFERENCE = 'docs/metrics.md'

/** The reference of all metrics, in Markdown. */
export function renderMetrics(): string {
  const metrics = createMetrics('')
  metrics.process()
  const lines = [
    '# Metrics',
    '',
    '<!-- made from src/record/metrics-table.ts by `node src/record/metrics-reference.ts --write` -->',
    '',
    'The admin listener (`[cinderguard] admin_bind`) shows them at `/metrics`, in the text format of Prometheus. With',
    'several workers their values are combined into one: counters are added up, of most gauges the greatest or least is',
    'shown. `deploy/prometheus/` has a scrape configuration, recording rules and',
    'alerts, `deploy/grafana/` a dashboard. A histogram has `_bucket`, `_sum` and `_count`.',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...Object.entries<MetricRow>(METRICS).map(([name, { type, labels = [], help }]) => {
      const names = labels.map((label) => `\`${label}\``).join(', ') || '-'
      return `| \`${name}\` | ${type} | ${names} | ${cell(help)} |`
    }),
    '',
    '## Labels',
    '',
    'Every label has a closed set of values; nothing of a request becomes one.',
    '',
    '| label | values |',
    '| --- | --- |',
    ...Object.entries(LABELS).map(([name, values]) => `| \`${name}\` | ${cell(values)} |`),
    '',
    '## Of the process',
    '',
    'From prom-client, under their usual names. With several workers their values are combined as shown:',
    '',
    '| metric | of several workers | meaning |',
    '| --- | --- | --- |',
    ...Object.entries(PROCESS_METRICS).map(([name, aggregator]) => {
      const help = metrics.registry.getMetricsAsArray().find((each) => each.name === name)?.help ?? ''
      return `| \`${name}\` | ${AGGREGATES[aggregator]} | ${cell(help)} |`
    }),
  ]
  return `${lines.join('\n')}\n`
}

const AGGREGATES = { sum: 'the sum', max: 'the greatest', min: 'the least' } as const

if (import.meta.main) keepGenerated(REFERENCE, renderMetrics(), 'src/record/metrics-reference.ts')

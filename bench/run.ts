// Measures, side by side with peers: `npm run bench` (all), `npm run bench -- NAME ...` (some).
// Each suite replaces its section of bench/report.md.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { ensure } from '../test/openstack/lab/install.ts'
import { faults } from './suites/faults.ts'
import { growth } from './suites/growth.ts'
import { guarded } from './suites/guarded.ts'
import { latency } from './suites/latency.ts'
import { memory } from './suites/memory.ts'
import { policy } from './suites/policy.ts'
import { start } from './suites/start.ts'
import { throughput } from './suites/throughput.ts'
import { workers } from './suites/workers.ts'

const REPORT = new URL('report.md', import.meta.url)
const SUITES: Readonly<Record<string, { readonly title: string; readonly run: () => Promise<string> }>> = {
  throughput: {
    title: 'Throughput: an authenticated GET with a known token, one process on one core, 32 connections',
    run: throughput,
  },
  latency: { title: 'Added latency at 200 requests a second', run: latency },
  guarded: { title: 'The guarded call beside the fix itself, on a real OpenStack', run: guarded },
  policy: { title: 'Policy decisions a second beside oslo.policy', run: policy },
  workers: { title: 'Two workers beside one', run: workers },
  memory: { title: 'Memory', run: memory },
  start: { title: 'Start: from the command to the first connection taken', run: start },
  faults: { title: 'When services fall, on a real OpenStack', run: faults },
  growth: { title: 'What a request costs as the work grows', run: growth },
}

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const unknown = wanted.filter((name) => !Object.hasOwn(SUITES, name))
if (unknown.length > 0) {
  process.stderr.write(`no such suite: ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}\n`)
  process.exit(2)
}
// Load, and the peers that are not npm packages.
ensure(['wrk', 'nginx-light', 'haproxy', 'python3-oslo.policy'])

const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}; Node ${process.version}, ${debian()}`
for (const [name, { title, run }] of Object.entries(SUITES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const command = `npm run bench -- ${name}`
  const when = new Date().toISOString().slice(0, 10)
  const text = `## ${title}\n\n\`${command}\`, ${when}, ${machine}.\n\n${await run()}\n`
  process.stdout.write(`\n${text}`)
  write(name, text)
}
process.exit(0)

function debian(): string {
  return `Debian ${execFileSync('cat', ['/etc/debian_version']).toString().trim()}`
}

/** Sections stand between marks, in the order of `SUITES`. */
function write(name: string, text: string): void {
  const sections = new Map<string, string>()
  const old = existsSync(REPORT) ? readFileSync(REPORT, 'utf8') : ''
  for (const [, at = '', section = ''] of old.matchAll(/<!-- (\w+) -->\n([\s\S]*?)(?=<!-- \w+ -->|$)/g))
    sections.set(at, section.trim())
  sections.set(name, text.trim())
  const parts = Object.keys(SUITES).flatMap((each) =>
    sections.has(each) ? [`<!-- ${each} -->\n${sections.get(each)}\n`] : [],
  )
  writeFileSync(
    REPORT,
    `# What was measured\n\nWritten by \`npm run bench\`; ratios count, absolute figures are of their machine.\n\n${parts.join('\n')}`,
  )
}

// Measures, side by side with peers: `npm run bench` (all, and writes bench/report.md), `npm run bench -- NAME ...`.
import { throughput } from './suites/throughput.ts'

const SUITES: Readonly<Record<string, () => Promise<string>>> = { throughput }

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'))
for (const [name, suite] of Object.entries(SUITES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  process.stdout.write(`\n## ${name}\n\n${await suite()}\n`)
}
process.exit(0)

// `npm run soak -- [--minutes 30] [--seed N] [--forwarder undici]`: prints the report, exits 1 when anything did not hold.
import { parseArgs } from 'node:util'
import { soak } from './soak.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, forwarder: { type: 'string' } },
})
const { minutes = '30', seed = String(Math.floor(Date.now() / 1000)), forwarder = 'http-proxy-3' } = values
if (forwarder !== 'http-proxy-3' && forwarder !== 'undici') throw new Error(`no such forwarder: ${forwarder}`)
process.stdout.write(`soak: ${minutes} minutes, seed ${seed}, forwarder ${forwarder}\n`)
const report = await soak({
  seconds: Number(minutes) * 60,
  seed: Number(seed),
  forwarder,
  onMinute: (line) => process.stdout.write(`${line}\n`),
})
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
process.exit(report.problems.length === 0 ? 0 : 1)

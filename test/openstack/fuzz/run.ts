import { parseArgs } from 'node:util'
import { install } from '../lab/install.ts'
import { startLab } from '../lab/lab.ts'
import { gatewayFor } from '../shared.ts'
import { fuzz } from './fuzz.ts'

/** `npm run fuzz -- --runs 100000 --seed 1 --server uwsgi`: the long run. Exits with 1 when something got past. */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    server: { type: 'string', default: 'uwsgi' },
    bare: { type: 'boolean', default: false },
  },
})
if (values.server !== 'uwsgi' && values.server !== 'eventlet')
  throw new Error('--server is uwsgi or eventlet')
install()
const lab = await startLab({ eventlet: values.server === 'eventlet', cinders: ['legacy'] })
const legacy = values.server === 'eventlet' ? lab.urls.eventlet : lab.urls.cinder.legacy
const gateway = await gatewayFor(lab, legacy)
try {
  const started = Date.now()
  const report = await fuzz(lab, {
    runs: Number(values.runs),
    seed: Number(values.seed),
    gateway: gateway.url,
    legacy,
    bare: values.bare,
    onProgress: (done) => console.log(`${done} requests, ${Math.round((Date.now() - started) / 1000)} s`),
  })
  console.log(JSON.stringify({ server: values.server, ...report }, null, 2))
  console.log(`${report.runs} requests, ${report.bypass === null ? 0 : 1} executed past the gateway`)
  process.exitCode = report.bypass === null ? 0 : 1
} finally {
  await gateway.stop()
  await lab.stop()
}

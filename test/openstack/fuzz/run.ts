import { parseArgs } from 'node:util'
import { install } from '../lab/install.ts'
import { startLab } from '../lab/lab.ts'
import { gatewayFor } from '../shared.ts'
import { fuzz } from './fuzz.ts'

/**
 * `npm run fuzz -- --runs 100000 --seed 1`: the long run, before each server that Cinder runs under, through the
 * forwarder that `--forwarder` names: `http-proxy-3`, unless given, or `undici`. First the guard is switched off, and
 * must be found out at once: the oracle works. Exits with 1 when something got past, or it does not.
 */
const { values } = parseArgs({
  options: {
    /** Requests for each server. */
    runs: { type: 'string', default: '100000' },
    /** A run ends after so many seconds for each server, whatever is left. */
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    server: { type: 'string', default: 'uwsgi,eventlet' },
    forwarder: { type: 'string', default: 'http-proxy-3' },
    bare: { type: 'boolean', default: false },
  },
})
const servers = values.server.split(',')
if (servers.some((name) => name !== 'uwsgi' && name !== 'eventlet'))
  throw new Error('--server is uwsgi, eventlet, or both divided by a comma')
const { forwarder } = values
if (forwarder !== 'http-proxy-3' && forwarder !== 'undici') throw new Error(`no such forwarder: ${forwarder}`)
install()
const lab = await startLab({ eventlet: true, cinders: ['legacy'] })
process.exitCode = 0
try {
  for (const server of servers) {
    const legacy = server === 'eventlet' ? lab.urls.eventlet : lab.urls.cinder.legacy
    const below = { 'cinderguard.public_prefix': '/volume' }
    const off = { 'cinderguard.mode': 'observe' }
    const [gateway, prefixed, open, openBelow] = await Promise.all(
      [{}, below, off, { ...below, ...off }].map((overrides) =>
        gatewayFor(lab, legacy, { 'cinderguard.forwarder': forwarder, ...overrides }),
      ),
    )
    if (!gateway || !prefixed || !open || !openBelow) throw new Error('a gateway did not start')
    const common = { seed: Number(values.seed), legacy, bare: values.bare }
    const oracle = await fuzz(lab, {
      ...common,
      runs: 100,
      gateway: open.url,
      prefixed: openBelow.url,
      bare: false,
    })
    const isSeeing = oracle.bypass !== null && oracle.runs < 20
    console.log(
      `${server} by ${forwarder}: with the guard off, ${isSeeing ? `found out by request ${oracle.runs}` : 'NOT found out'}`,
    )
    const started = Date.now()
    const report = await fuzz(lab, {
      ...common,
      runs: Number(values.runs),
      ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
      atOnce: values.bare ? 1 : 12,
      gateway: gateway.url,
      prefixed: prefixed.url,
      onProgress: (done) =>
        console.log(
          `${server} by ${forwarder}: ${done} requests, ${Math.round((Date.now() - started) / 1000)} s`,
        ),
    })
    console.log(JSON.stringify({ server, forwarder, ...report }, null, 2))
    console.log(
      `${server} by ${forwarder}: seed ${report.seed}, ${report.runs} requests, ${report.executed} blocked operations executed past the gateway`,
    )
    if (report.bypass !== null || !isSeeing) process.exitCode = 1
    await Promise.all([gateway, prefixed, open, openBelow].map((each) => each.stop()))
  }
} finally {
  await lab.stop()
}

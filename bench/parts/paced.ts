// Sends requests at a fixed rate, whatever becomes of the earlier ones: `node bench/parts/paced.ts JSON`.
// A latency counts from the moment at which its request was due (corrected for coordinated omission).
import http from 'node:http'

interface Paced {
  readonly url: string
  readonly rate: number
  readonly seconds: number
  readonly token: string
  /** Each request has a token of its own, `bench-COLD-…`. */
  readonly cold?: string
}

const { url, rate, seconds, token, cold } = JSON.parse(process.argv[2] ?? '{}') as Paced
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
const latencies: number[] = []
let failed = 0

function send(at: number, due: number): Promise<void> {
  return new Promise((resolve) => {
    const headers = { 'x-auth-token': cold === undefined ? token : `bench-${cold}-${at}` }
    const sent = http.get(url, { agent, headers }, (answer) => {
      answer.resume()
      answer.once('end', () => {
        if (answer.statusCode === 200) latencies.push(performance.now() - due)
        else failed += 1
        resolve()
      })
    })
    sent.once('error', () => {
      failed += 1
      resolve()
    })
  })
}

/** Timers are a millisecond coarse: the last two are spent looking at the clock. */
function until(due: number): Promise<void> {
  const left = due - performance.now()
  if (left > 2) return new Promise((resolve) => setTimeout(resolve, left - 2)).then(() => until(due))
  if (left > 0) return new Promise<void>((resolve) => setImmediate(resolve)).then(() => until(due))
  return Promise.resolve()
}

const started = performance.now() + 20
const open: Promise<void>[] = []
for (let at = 0; at < rate * seconds; at += 1) {
  const due = started + (at * 1000) / rate
  await until(due)
  open.push(send(at, due))
}
await Promise.all(open)
process.stdout.write(`${JSON.stringify({ latencies, failed })}\n`)
process.exit(0)

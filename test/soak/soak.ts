import { readdirSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { startCloud } from '../../src/demo/cloud.ts'
import { attachmentId } from '../../src/demo/fixture.ts'
import { GatewayProcess } from '../support/process.ts'
import { breakSomething } from './faults.ts'
import { type Asker, KINDS, type Kind, UNWELL } from './traffic.ts'

export interface SoakOptions {
  readonly seconds: number
  readonly seed: number
  /** Clients that send one request after another. */
  readonly clients?: number
  readonly forwarder?: 'http-proxy-3' | 'undici'
  readonly onMinute?: (line: string) => void
}

export interface SoakReport {
  readonly sent: number
  /** By kind and status. */
  readonly answers: Readonly<Record<string, number>>
  /** Clients that left before the answer. */
  readonly left: number
  readonly faults: number
  /** Longest time until a request was answered well after a fault had ended, milliseconds. */
  readonly slowestRecovery: number
  /** MiB and open descriptors at rest, in the middle and at the end. */
  readonly memory: readonly [number, number]
  readonly handles: readonly [number, number]
  /** cinderguard_requests_total, all labels together. */
  readonly counted: number
  /** What should not have been; empty when all held. */
  readonly problems: readonly string[]
}

/** mulberry32: small, and the same sequence for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds))
const LIMIT = 12_000
/** Recovery: the breaker rests for a second, then one call tries the service. */
const GRACE = 3000

/**
 * Mixed traffic and random faults against one gateway process before the stand-in cloud. What holds at the end:
 * no guarded call was executed for anyone but a service, every request was answered once and in time with a status
 * that fits, what the gateway counted is what was sent, memory and descriptors are where they were.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const random = randomOf(options.seed)
  const cloud = await startCloud()
  const gateway = new GatewayProcess(cloud, {
    forwarder: options.forwarder ?? 'http-proxy-3',
    keystone_timeout: '1',
    nova_timeout: '1',
    cinder_timeout: '1',
    upstream_timeout: '2',
    audit_log: '/dev/null',
    token_cache_size: '1000',
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
  const problems: string[] = []
  const answers: Record<string, number> = {}
  let [sent, left, faults, slowestRecovery] = [0, 0, 0, 0]
  try {
    const { url, admin } = await gateway.listening()
    const asker: Asker = {
      cloud,
      base: url,
      agent,
      tokens: { user: cloud.token('alice'), admin: adminOf(cloud), service: cloud.token('nova') },
    }
    /** When the last fault ended; null while one is under way. */
    let wellSince: number | null = performance.now()
    const until = performance.now() + options.seconds * 1000
    // A machine that stood still is no gateway that failed: what it was well since begins anew.
    let stalledAt = Number.NEGATIVE_INFINITY
    let ticked = performance.now()
    const ticks = setInterval(() => {
      const now = performance.now()
      if (now - ticked > 400) {
        stalledAt = now
        if (wellSince !== null) wellSince = now
      }
      ticked = now
    }, 50)

    async function client(): Promise<void> {
      while (performance.now() < until) {
        const kind = drawn(random)
        const began = performance.now()
        sent += 1
        const seen = await kind.send(asker).catch((error: NodeJS.ErrnoException) => error)
        const took = performance.now() - began
        if (seen === null) {
          left += 1
          continue
        }
        const status = seen instanceof Error ? `no answer: ${seen.code ?? seen.message}` : seen.status
        const name = `${kind.name}: ${status}`
        answers[name] = (answers[name] ?? 0) + 1
        const isWell = typeof status === 'number' && kind.well.includes(status)
        const isUndisturbed = wellSince !== null && began - wellSince > GRACE
        if (isWell && wellSince !== null && began > wellSince && kind.well[0] === 409)
          recovered(began + took - wellSince)
        if (!isWell && (isUndisturbed || !fits(kind, status)))
          problems.push(`${name} after ${took.toFixed(0)} ms`)
        if (took > LIMIT) problems.push(`${name}: ${took.toFixed(0)} ms`)
        if (seen instanceof Error || !UNWELL.includes(seen.status)) continue
        if (seen.headers['x-openstack-request-id'] === undefined)
          problems.push(`${name} without a request id`)
      }
    }
    let hasRecovered = true
    function recovered(after: number): void {
      if (hasRecovered) return
      hasRecovered = true
      slowestRecovery = Math.max(slowestRecovery, after)
    }
    async function trouble(): Promise<void> {
      await pause(2000)
      while (performance.now() < until - 6000) {
        wellSince = null
        const fault = breakSomething(cloud, random)
        faults += 1
        await pause(500 + random() * 1500)
        fault.end()
        wellSince = performance.now()
        hasRecovered = false
        await pause(GRACE + random() * 1500)
        const isFair = performance.now() - stalledAt > 2 * GRACE
        if (!hasRecovered && isFair) problems.push(`no 409 within ${GRACE} ms after ${fault.name}`)
      }
    }
    const rests: { memory: number; handles: number }[] = []
    async function looks(): Promise<void> {
      while (performance.now() < until) {
        await pause(Math.min(60_000, until - performance.now()))
        // A service keeps each request that it got; a soak would fill the memory of its driver.
        for (const service of [cloud.keystone, cloud.nova, cloud.cinder]) service.requests.length = 0
        options.onMinute?.(
          `${sent} sent, ${faults} faults, ${resident(gateway)} MiB, ${problems.length} problems`,
        )
      }
    }
    const clients = Array.from({ length: options.clients ?? 8 }, client)
    const middle = pause(Math.min(options.seconds * 400, 120_000)).then(() => {
      rests.push({ memory: resident(gateway), handles: handles(gateway) })
    })
    await Promise.all([...clients, trouble(), looks(), middle])
    clearInterval(ticks)
    agent.destroy()
    await pause(1500)
    rests.push({ memory: resident(gateway), handles: handles(gateway) })
    const counted = await total(admin)
    const [early, late] = rests
    if (early === undefined || late === undefined) throw new Error('never looked')
    if (counted > sent || counted < sent - left)
      problems.push(`${counted} requests counted of ${sent} sent, ${left} of them by clients that left`)
    if (late.memory > early.memory * 1.5 + 50)
      problems.push(`memory: ${early.memory} MiB, then ${late.memory}`)
    if (late.handles > early.handles + 5) problems.push(`descriptors: ${early.handles}, then ${late.handles}`)
    const used = cloud.attachment('in-use')
    if (used?.id !== attachmentId('in-use') || !used.exported || used.status !== 'attached')
      problems.push(`the attachment that Nova uses is gone: ${JSON.stringify(used)}`)
    const memory = [early.memory, late.memory] as const
    const open = [early.handles, late.handles] as const
    return { sent, answers, left, faults, slowestRecovery, memory, handles: open, counted, problems }
  } finally {
    await gateway.end()
    await cloud.stop()
  }
}

const adminOf = (cloud: Asker['cloud']): string => cloud.token('admin', { project: 'demo', roles: ['admin'] })

const TOTAL = KINDS.reduce((sum, { weight }) => sum + weight, 0)
function drawn(random: () => number): Kind {
  let at = random() * TOTAL
  for (const kind of KINDS) {
    at -= kind.weight
    if (at < 0) return kind
  }
  throw new Error('nothing drawn')
}

/** While a service is not well: what it should be, or that something is not well, or what a broken upstream says. */
function fits(kind: Kind, status: number | string): boolean {
  if (typeof status === 'string') return !kind.well.every((each) => each >= 400)
  if (UNWELL.includes(status)) return true
  return !kind.well.every((each) => each >= 400) && (status === 200 || status >= 400)
}

function resident({ child }: GatewayProcess): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
  return Math.round(Number(line?.[1]) / 1024)
}

const handles = ({ child }: GatewayProcess): number => readdirSync(`/proc/${child.pid}/fd`).length

async function total(admin: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith('cinderguard_requests_total{'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

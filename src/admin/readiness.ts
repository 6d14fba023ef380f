import type { Service } from '../clouds/client.ts'

/** Whether the gateway can decide, and what stands in the way. */
export interface Readiness {
  readonly ready: boolean
  /** Per service: `ok`, or what is wrong, in words that name no secret. */
  readonly services: Readonly<Record<Service, string>>
}

/** Which policy is in force, and what keeps a newer one out. */
export interface PolicyReadiness {
  readonly version: number | null
  readonly digest: string
  readonly problem: string | null
}

/** One probe per service; a probe throws when the service cannot be used. */
export type Probes = Readonly<Record<Service, () => Promise<unknown>>>

/**
 * Asks Keystone (our own credentials), the upstream Cinder and Nova side by side. Nova is reported, and does not
 * make the gateway unready: everything but the guarded operations of ordinary users works without it.
 */
export async function checkReadiness(
  probes: Probes,
  onResult: (service: Service, ok: boolean) => void,
): Promise<Readiness> {
  const names = ['keystone', 'cinder', 'nova'] as const
  const results = await Promise.all(
    names.map(async (name) => {
      const problem = await probes[name]().then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : 'failed'),
      )
      onResult(name, problem === null)
      return [name, problem ?? 'ok'] as const
    }),
  )
  const services = Object.fromEntries(results) as Record<Service, string>
  return { ready: services.keystone === 'ok' && services.cinder === 'ok', services }
}

/**
 * Milliseconds for which a result is good for whoever asks. Less than two checks of a balancer by deploy/ are apart,
 * so that of its three the last sees another look at the services than the first.
 */
export const GOOD_FOR = 1500

/** Readiness, known without having been asked for. */
export interface Watch {
  /** The latest result when it is fresh, that of the probes under way, or of new ones. */
  current(): Promise<Readiness>
  stop(): void
}

/**
 * Probes again and again, so that metrics tell how services are though nobody asks. However many ask, there is one
 * round of probes at a time.
 *
 * @param check one round of probes; never rejects
 * @param every seconds; 0 probes only when somebody asks
 * @param now milliseconds, of a clock that is never set
 */
export function watchReadiness(check: () => Promise<Readiness>, every: number, now: () => number): Watch {
  let latest: { readonly result: Promise<Readiness>; readonly until: number } | undefined
  const probe = (): Promise<Readiness> => {
    const result = check().then((found) => {
      latest = { result, until: now() + GOOD_FOR }
      return found
    })
    latest = { result, until: Number.POSITIVE_INFINITY }
    return result
  }
  const current = () => (latest !== undefined && now() < latest.until ? latest.result : probe())
  if (every === 0) return { current, stop: () => undefined }
  void probe()
  const timer = setInterval(() => void current(), every * 1000).unref()
  return { current, stop: () => clearInterval(timer) }
}

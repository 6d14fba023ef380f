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

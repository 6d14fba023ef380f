import { Cinder } from './cinder.ts'
import type { Attachment, Volume } from './cinder-store.ts'
import { attachmentId, fill, newDirectory, type UserName, VOLUMES, type VolumeName } from './fixture.ts'
import { Keystone, type NewToken } from './keystone.ts'
import { Nova } from './nova.ts'

export interface CloudOptions {
  /** Loopback address to listen on; 127.0.0.1 unless given. */
  readonly host?: string
  /** Ports by service; any free one unless given. */
  readonly ports?: { readonly keystone?: number; readonly nova?: number; readonly cinder?: number }
  readonly novaMaxMicroversion?: string
  readonly cinderMaxMicroversion?: string
  /** Public URL for `volumev3` in the catalogue, `$(project_id)s` allowed: where the gateway listens. */
  readonly publicVolumeUrl?: string
}

/** A small OpenStack on loopback: real HTTP, state in memory, a Cinder that is not fixed. */
export interface Cloud {
  readonly keystone: Keystone
  readonly nova: Nova
  readonly cinder: Cinder
  /** Base URLs without a path or trailing slash. */
  readonly urls: { readonly keystone: string; readonly nova: string; readonly cinder: string }
  /** A fresh token of a fixture user in the user's own project, or as `wanted` says. */
  token(user: UserName, wanted?: Omit<NewToken, 'user'>): string
  /** The fixture's volume as it is now; undefined once deleted. */
  volume(name: VolumeName): Volume | undefined
  /** The fixture's attachment number `at` as it is now; undefined once detached. */
  attachment(name: VolumeName, at?: number): Attachment | undefined
  /** All volumes there are now, by id. */
  readonly volumes: ReadonlyMap<string, Volume>
  /** All attachments there are now, by id. */
  readonly attachments: ReadonlyMap<string, Attachment>
  /** Volumes, servers, versions and clock as at the start; no faults, nothing recorded. Tokens stay good. */
  reset(): void
  stop(): Promise<void>
}

/** Starts the three services. Throws what `listen` throws when a port is taken, with nothing left running. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const keystone = new Keystone(newDirectory())
  const nova = new Nova(keystone)
  const cinder = new Cinder(keystone)
  const services = { keystone, nova, cinder }
  const stop = async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
  }
  const { host = '127.0.0.1', ports = {} } = options
  try {
    await keystone.listen({ host, port: ports.keystone ?? 0 })
    await nova.listen({ host, port: ports.nova ?? 0 })
    await cinder.listen({ host, port: ports.cinder ?? 0 })
  } catch (error) {
    await stop()
    throw error
  }

  const newest = {
    nova: options.novaMaxMicroversion ?? nova.maxMicroversion,
    cinder: options.cinderMaxMicroversion ?? cinder.maxMicroversion,
  }
  const reset = () => {
    for (const service of Object.values(services)) service.forget()
    fill(cinder.store, nova)
    nova.maxMicroversion = newest.nova
    nova.versionsNeedToken = false
    cinder.maxMicroversion = newest.cinder
    cinder.serviceTokenRolesRequired = false
    keystone.now = Date.now
    const volumes = `${cinder.url}/v3/$(project_id)s`
    keystone.endpoints = {
      identity: `${keystone.url}/v3`,
      compute: `${nova.url}/v2.1`,
      volumev3: { public: options.publicVolumeUrl ?? volumes, internal: volumes, admin: volumes },
    }
  }
  reset()

  return {
    ...services,
    urls: { keystone: keystone.url, nova: nova.url, cinder: cinder.url },
    token: (user, wanted = {}) => keystone.addToken({ user, ...wanted }),
    volume: (name) => cinder.store.volumes.get(VOLUMES[name]),
    attachment: (name, at) => cinder.store.attachments.get(attachmentId(name, at)),
    volumes: cinder.store.volumes,
    attachments: cinder.store.attachments,
    reset,
    stop,
  }
}

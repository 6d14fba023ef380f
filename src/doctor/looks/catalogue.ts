import { randomUUID } from 'node:crypto'
import { openClientTls } from '../../client-tls.ts'
import { createClient } from '../../clouds/client.ts'
import type { CatalogEntry } from '../../clouds/session.ts'
import type { Config } from '../../config/options.ts'
import { blockStorageOf } from '../block-storage.ts'
import type { EndpointProof } from '../survey.ts'

/** Whether a gateway has decided on the request with this id. @throws when it cannot be asked. */
export type SawRequest = (requestId: string) => Promise<boolean>

/** A balancer may send some of the requests to gateways that are not asked. */
const TRIES = 4

/**
 * Sends each block storage endpoint of the catalogue a request without a token, under a fresh id, and asks the
 * gateway whether it saw that. The request is refused with 401 whoever answers it, and leaves one decision record.
 */
export async function proveCatalogue(
  config: Config,
  catalog: readonly CatalogEntry[],
  saw: SawRequest,
): Promise<readonly EndpointProof[]> {
  const byUrl = Map.groupBy(blockStorageOf(catalog), ({ url }) => url)
  const proofs = [...byUrl].map(async ([url, endpoints]): Promise<EndpointProof> => {
    const about = { url, interface: endpoints.map((endpoint) => endpoint.interface).join(', ') }
    try {
      for (let tries = 0; tries < TRIES; tries += 1)
        if (await isSeen(config, url, saw)) return { ...about, result: 'seen' }
      return { ...about, result: 'not-seen' }
    } catch (error) {
      return { ...about, result: { problem: error instanceof Error ? error.message : 'failed' } }
    }
  })
  return Promise.all(proofs)
}

async function isSeen(config: Config, url: string, saw: SawRequest): Promise<boolean> {
  const { cafile, insecure } = config.keystone_authtoken
  // A client, and so a connection, of its own for each try.
  const tls = openClientTls({ ca: cafile })
  const client = createClient({ service: 'cinder', timeout: 3, tls, insecure, retries: 0 })
  const requestId = `req-${randomUUID()}`
  try {
    await client.send({
      method: 'GET',
      url: `${url.replace(/\/+$/, '')}/volumes?limit=1`,
      headers: { 'x-openstack-request-id': requestId, 'user-agent': 'cinderguard-doctor' },
    })
  } finally {
    await client.close()
    tls.close()
  }
  // A worker's decision takes a moment to the process that is asked.
  for (let tries = 0; tries < 5; tries += 1) {
    if (await saw(requestId)) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

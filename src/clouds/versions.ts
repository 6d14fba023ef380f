import type { Eventually } from '../identity/identity.ts'
import type { Version } from '../operation/version.ts'
import {
  CloudError,
  type CloudResponse,
  isRecord,
  jsonObject,
  type Send,
  type Service,
  textAt,
} from './client.ts'

/** What an API says of itself. */
export interface ApiVersions {
  /** Newest microversion. */
  readonly maximum: Version
}

/**
 * Learns the newest microversion of an API from its version document, and remembers it for five minutes (an
 * upgrade is noticed without a restart).
 *
 * @param url where the document is; it needs no token.
 * @param major the major version wanted: `v3` of Cinder, `v2.1` of Nova.
 */
export function versionKeeper(
  service: Service,
  send: Send,
  url: () => Promise<string>,
  major: 'v3' | 'v2.1',
  now: () => number,
): () => Eventually<ApiVersions> {
  let known: { readonly versions: ApiVersions; readonly until: number } | null = null
  let asking: Promise<ApiVersions> | null = null

  async function discover(): Promise<ApiVersions> {
    const versions = await discoverVersions(service, send, await url(), major)
    known = { versions, until: now() + 300_000 }
    return versions
  }

  return () => {
    if (known !== null && known.until > now()) return known.versions
    asking ??= discover().finally(() => {
      asking = null
    })
    return asking
  }
}

/** Asks an API what it is, now. @throws CloudError when it does not say. */
export async function discoverVersions(
  service: Service,
  send: Send,
  url: string,
  major: 'v3' | 'v2.1',
): Promise<ApiVersions> {
  return readVersions(
    service,
    await send({ method: 'GET', url, headers: { accept: 'application/json' } }),
    major,
  )
}

function readVersions(service: Service, answer: CloudResponse, major: string): ApiVersions {
  const document = jsonObject(service, answer)
  const listed: unknown[] = Array.isArray(document.versions) ? document.versions : [document.version]
  const mine = listed.find((entry) => isRecord(entry) && (textAt(entry, 'id') ?? '').startsWith(major))
  if (!isRecord(mine))
    throw new CloudError(service, `status ${answer.status} without a version document for ${major}`)
  const found = /^([0-9]+)\.([0-9]+)$/.exec(textAt(mine, 'version') ?? '')
  // An API from before microversions leaves the field empty.
  return { maximum: found === null ? [0, 0] : [Number(found[1]), Number(found[2])] }
}

/** Nova's version documents stand at the version's root, above a project id that older catalogues append. */
export function versionRoot(endpoint: string): string {
  return endpoint.replace(/(\/v2(?:\.1)?)\/.*$/, '$1')
}

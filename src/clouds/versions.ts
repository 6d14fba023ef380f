import type { Config } from '../config/options.ts'
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
import { computeEndpoint } from './nova.ts'
import type { SessionKeeper } from './session.ts'

/** What an API says of itself. */
export interface ApiVersions {
  /** Newest microversion. */
  readonly maximum: Version
}

/** Where an API says what it is. */
export interface VersionDocument {
  readonly service: Service
  readonly send: Send
  readonly url: (requestId?: string) => Promise<string>
  /** The major version wanted: `v3` of Cinder, `v2.1` of Nova. */
  readonly major: 'v3' | 'v2.1'
  /** The gateway's own token, for an API that keeps the document from strangers (Nova behind an old api-paste.ini). */
  readonly token?: (requestId?: string) => Promise<string>
}

/** What an API said of itself last. An upgrade is noticed without a restart, a failure to say it anew is no loss. */
export interface VersionKeeper {
  /** Null before the first answer. After five minutes it is asked anew, while the old answer counts. */
  known(): ApiVersions | null
  /** What is known, or else the first answer. @throws CloudError when there is none. */
  get(requestId?: string): Eventually<ApiVersions>
  /** The answer of now, or of a few seconds ago. @throws CloudError when there is none. */
  renewed(requestId?: string): Promise<ApiVersions>
}

/** Milliseconds: an answer this old is asked for anew; and no sooner than so long after the last attempt. */
const OLD = 300_000
const PAUSE = 5000

export function versionKeeper(document: VersionDocument, now: () => number): VersionKeeper {
  let last: { readonly versions: ApiVersions; readonly at: number } | null = null
  let tried = Number.NEGATIVE_INFINITY
  let asking: Promise<ApiVersions> | null = null

  async function discover(requestId: string | undefined): Promise<ApiVersions> {
    tried = now()
    const versions = await discoverVersions(document, requestId)
    last = { versions, at: now() }
    return versions
  }
  const ask = (requestId?: string): Promise<ApiVersions> => {
    asking ??= discover(requestId).finally(() => {
      asking = null
    })
    return asking
  }
  const isPaused = (): boolean => now() - tried < PAUSE

  const keeper: VersionKeeper = {
    known() {
      if (last === null) return null
      if (now() - last.at >= OLD && !isPaused()) ask().catch(() => undefined)
      return last.versions
    },
    get: (requestId) => keeper.known() ?? ask(requestId),
    renewed: async (requestId) => (last !== null && isPaused() ? last.versions : ask(requestId)),
  }
  return keeper
}

/** @param base upstream URL with the mount prefix. */
export function cinderDocument(send: Send, base: string): VersionDocument {
  return { service: 'cinder', send, url: async () => `${base}/`, major: 'v3' }
}

export function novaDocument(send: Send, config: Config, session: SessionKeeper): VersionDocument {
  return {
    service: 'nova',
    send,
    url: async (requestId) => `${versionRoot(await computeEndpoint(config, session, null, requestId))}/`,
    major: 'v2.1',
    token: async (requestId) => (await session.get(requestId)).token.reveal(),
  }
}

/** Asks an API what it is, now. @throws CloudError when it does not say. */
export async function discoverVersions(
  { service, send, url, major, token }: VersionDocument,
  requestId?: string,
): Promise<ApiVersions> {
  const address = await url(requestId)
  const headers = {
    accept: 'application/json',
    ...(requestId === undefined ? {} : { 'x-openstack-request-id': requestId }),
  }
  const answer = await send({ method: 'GET', url: address, headers })
  if (answer.status !== 401 || token === undefined) return readVersions(service, answer, major)
  const own = { ...headers, 'x-auth-token': await token(requestId) }
  return readVersions(service, await send({ method: 'GET', url: address, headers: own }), major)
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

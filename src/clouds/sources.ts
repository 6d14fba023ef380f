import type { Config } from '../config/options.ts'
import type { TokenValidator } from '../identity/identity.ts'
import { type Caller, cinderFacts, requestIdOf } from './cinder.ts'
import type { Callee, Send } from './client.ts'
import type { FactSources } from './facts.ts'
import { computeEndpoint, serverVolume } from './nova.ts'
import { remotePolicy } from './remote-policy.ts'
import { withServiceToken } from './service-token.ts'
import type { SessionKeeper } from './session.ts'
import {
  cinderDocument,
  novaDocument,
  type VersionDocument,
  type VersionKeeper,
  versionKeeper,
} from './versions.ts'

/** Whom facts are asked of, and what these services say of themselves. */
export interface Sources {
  readonly facts: FactSources
  readonly cinderVersions: VersionKeeper
  readonly documents: { readonly cinder: VersionDocument; readonly nova: VersionDocument }
  /** Adds the gateway's service token to what a caller's look-ups carry. */
  readonly vouched: (caller: Caller) => Promise<Caller>
}

/** What the gateway asks by: its own account, and the one that its service tokens are of. */
export interface Own {
  readonly session: SessionKeeper
  readonly serviceSession: SessionKeeper
  readonly keystone: TokenValidator
}

export function createSources(
  config: Config,
  clients: Readonly<Record<Callee, { readonly send: Send }>>,
  { session, serviceSession, keystone }: Own,
): Sources {
  const { cinder, nova, policy } = clients
  const base = new URL(config.cinderguard.upstream).origin + config.cinderguard.public_prefix
  const documents = {
    cinder: cinderDocument(cinder.send, base),
    nova: novaDocument(nova.send, config, session),
  }
  const cinderVersions = versionKeeper(documents.cinder, Date.now)
  const novaVersions = versionKeeper(documents.nova, Date.now)
  const newest = async (requestId?: string) => (await cinderVersions.get(requestId)).maximum
  const vouch = withServiceToken(serviceSession, keystone)

  return {
    documents,
    cinderVersions,
    facts: {
      cinder: cinderFacts(cinder.send, base, newest, config.DEFAULT.osapi_max_limit),
      remote: remotePolicy(policy.send, config.oslo_policy.remote_content_type),
      async serverVolume(question, caller) {
        const requestId = requestIdOf(caller)
        const endpoint = await computeEndpoint(config, session, caller.projectId, requestId)
        const versions = () => novaVersions.get(requestId)
        return vouch(
          (header) => serverVolume(nova.send, endpoint, versions, question, { ...caller.headers, ...header }),
          (answer) => answer === 'unauthorized',
          requestId,
        )
      },
    },
    async vouched(caller) {
      const { token } = await serviceSession.get(requestIdOf(caller))
      return { ...caller, headers: { ...caller.headers, 'x-service-token': token.reveal() } }
    },
  }
}

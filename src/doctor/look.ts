import { randomUUID } from 'node:crypto'
import { createClients } from '../clouds/clients.ts'
import { keystoneValidator } from '../clouds/keystone.ts'
import { computeEndpoint } from '../clouds/nova.ts'
import { createSession, identityUrlOf, type SessionKeeper } from '../clouds/session.ts'
import { cinderDocument, discoverVersions, novaDocument } from '../clouds/versions.ts'
import type { Credentials } from '../config/credentials.ts'
import type { Config } from '../config/options.ts'
import { Secret } from '../config/secret.ts'
import { projectOf, type Token } from '../identity/identity.ts'
import { proveCatalogue, type SawRequest } from './looks/catalogue.ts'
import { bundleExpiry, filedCertificates, servedCertificates } from './looks/certificates.ts'
import { upstreamReach } from './looks/reach.ts'
import { isUnknown, type OwnAccount, type Survey, type Unknown } from './survey.ts'

/** What the doctor cannot find out by itself. */
export interface Given extends Pick<Survey, 'traffic' | 'policyFiles' | 'policyJson'> {
  /** The operator's own account or token, to try whether the gateway's account may check it; null for none. */
  readonly operator: Credentials | Secret | null
  /** Null when no gateway can be asked. */
  readonly saw: SawRequest | null
}

/** Looks at everything, side by side. Changes nothing and asks only what anybody with the account may. */
export async function look(
  config: Config,
  { traffic, policyFiles, policyJson, operator, saw }: Given,
): Promise<Survey> {
  const clients = createClients(config, { call: () => undefined, breaker: () => undefined })
  const { keystone, cinder, nova } = clients
  const account = config.credentials.keystone_authtoken
  const session = createSession(keystone.send, account, Date.now)
  const validator = keystoneValidator(keystone.send, identityUrlOf(account.authUrl), session)
  const { origin } = new URL(config.cinderguard.upstream)

  const validate = async (token: Secret): Promise<Token> => {
    const found = await validator.validate(token, false, `req-${randomUUID()}`)
    if (found === 'invalid') throw new Error('Keystone does not know the token')
    return found
  }
  const own = async () => {
    const { token, catalog } = await session.get()
    return { ...accountOf(await validate(token)), catalog }
  }
  const another = config.credentials.service_user
  const service = async (): Promise<OwnAccount | null> => {
    if (another === undefined || another === account) return null
    const { token } = await createSession(clients.serviceLogin.send, another, Date.now).get()
    return accountOf(await validate(token))
  }
  const validated = async (): Promise<Survey['validated']> => {
    const tokens = await Promise.all(
      [another === account ? undefined : another, operator]
        .filter((who) => who !== undefined && who !== null)
        .map((who) => tokenOf(who, (credentials) => createSession(keystone.send, credentials, Date.now))),
    )
    const { userId } = await validate((await session.get()).token)
    for (const token of tokens) {
      const found = await validate(token)
      if (found.userId !== userId) return { userName: found.userName }
    }
    return null
  }
  const novaNow = async () => {
    const endpoint = await computeEndpoint(config, session, null)
    const { maximum } = await discoverVersions(novaDocument(nova.send, config, session))
    return { endpoint, maximum }
  }
  const clockAhead = async (): Promise<number | null> => {
    const { headers } = await keystone.send({
      method: 'GET',
      url: identityUrlOf(account.authUrl),
      headers: { accept: 'application/json' },
    })
    const date = Date.parse(String(headers.date ?? ''))
    return Number.isNaN(date) ? null : (Date.now() - date) / 1000
  }
  const cinderBase = origin + config.cinderguard.public_prefix
  try {
    const [ownFound, serviceFound, validatedFound, cinderFound, novaFound, ahead, reach] = await Promise.all([
      known(own),
      known(service),
      known(validated),
      known(() => discoverVersions(cinderDocument(cinder.send, cinderBase))),
      known(novaNow),
      clockAhead().catch(() => null),
      upstreamReach(config),
    ])
    const isKnown = ownFound !== null && !isUnknown(ownFound)
    const [proofs, served, bundle] = await Promise.all([
      isKnown && saw !== null ? proveCatalogue(config, ownFound.catalog, saw) : [],
      servedCertificates({
        Keystone: account.authUrl,
        Cinder: config.cinderguard.upstream_socket === undefined ? config.cinderguard.upstream : '',
        Nova: isUnknown(novaFound) ? '' : novaFound.endpoint,
      }),
      bundleExpiry(config),
    ])
    return {
      config,
      own: ownFound,
      service: serviceFound,
      validated: validatedFound,
      cinder: cinderFound,
      nova: novaFound,
      clockAhead: ahead,
      reach,
      proofs,
      certificates: [...served, ...filedCertificates(config), ...bundle],
      traffic,
      policyFiles,
      policyJson,
      now: Date.now(),
    }
  } finally {
    await clients.close()
  }
}

async function tokenOf(
  who: Credentials | Secret,
  sessionOf: (credentials: Credentials) => SessionKeeper,
): Promise<Secret> {
  return who instanceof Secret ? who : (await sessionOf(who).get()).token
}

function accountOf(token: Token): OwnAccount {
  const { userId, userName, roles } = token
  return { userId, userName, roles, projectId: projectOf(token) }
}

async function known<T>(ask: () => Promise<T>): Promise<T | Unknown> {
  return ask().catch((error: unknown) => ({ problem: error instanceof Error ? error.message : 'failed' }))
}

import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { createClients } from '../clouds/clients.ts'
import { keystoneValidator } from '../clouds/keystone.ts'
import { computeEndpoint } from '../clouds/nova.ts'
import { createSession, identityUrlOf, type Session } from '../clouds/session.ts'
import { cinderDocument, discoverVersions, novaDocument } from '../clouds/versions.ts'
import type { Config } from '../config/options.ts'
import type { Certificate, OwnAccount, Survey, Unknown } from './survey.ts'

/** What the doctor cannot find out by itself. */
export type Given = Pick<Survey, 'traffic' | 'policyFiles'>

/** Looks at everything, side by side. Changes nothing and asks only what anybody with the account may. */
export async function look(config: Config, given: Given): Promise<Survey> {
  const clients = createClients(config, { call: () => undefined, breaker: () => undefined })
  const { keystone, cinder, nova } = clients
  const account = config.credentials.keystone_authtoken
  const session = createSession(keystone.send, account, Date.now)
  const serviceAccount = config.credentials.service_user
  const serviceSession =
    serviceAccount === undefined ? session : createSession(keystone.send, serviceAccount, Date.now)
  const identity = identityUrlOf(account.authUrl)
  const upstream = new URL(config.cinderguard.upstream)

  const own = async (): Promise<OwnAccount> => {
    const mine: Session = await serviceSession.get()
    const validator = keystoneValidator(keystone.send, identity, session)
    const token = await validator.validate(mine.token, false, `req-${randomUUID()}`)
    if (token === 'invalid') throw new Error('Keystone does not know the token that it has just issued')
    return { userName: token.userName, roles: token.roles, catalog: (await session.get()).catalog }
  }
  const novaNow = async () => {
    const endpoint = await computeEndpoint(config, session, null)
    const { maximum } = await discoverVersions(novaDocument(nova.send, config, session))
    return { endpoint, maximum }
  }
  const clockAhead = async (): Promise<number | null> => {
    const { headers } = await keystone.send({
      method: 'GET',
      url: identity,
      headers: { accept: 'application/json' },
    })
    const date = Date.parse(String(headers.date ?? ''))
    return Number.isNaN(date) ? null : (Date.now() - date) / 1000
  }
  try {
    const [ownFound, cinderFound, novaFound, ahead, upstreamSeenAt, certificates] = await Promise.all([
      known(own),
      known(() =>
        discoverVersions(cinderDocument(cinder.send, upstream.origin + config.cinderguard.public_prefix)),
      ),
      known(novaNow),
      clockAhead().catch(() => null),
      openOutside(Number(upstream.port || (upstream.protocol === 'https:' ? 443 : 80)), upstream.hostname),
      certificatesOf({ Keystone: account.authUrl, Cinder: config.cinderguard.upstream }),
    ])
    return {
      config,
      own: ownFound,
      cinder: cinderFound,
      nova: novaFound,
      clockAhead: ahead,
      upstreamSeenAt,
      certificates,
      now: Date.now(),
      ...given,
    }
  } finally {
    await Promise.all(Object.values(clients).map((client) => client.close()))
  }
}

async function known<T extends object>(ask: () => Promise<T>): Promise<T | Unknown> {
  return ask().catch((error: unknown) => ({ problem: error instanceof Error ? error.message : 'failed' }))
}

/** This machine's own outside addresses on which the upstream's port answers; none when Cinder is elsewhere. */
async function openOutside(port: number, host: string): Promise<readonly string[]> {
  if (!/^(?:127\.|\[?::1|localhost$)/.test(host)) return []
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)
  const open = await Promise.all(outside.map((address) => answersOn(address, port)))
  return outside.filter((_address, at) => open[at])
}

function answersOn(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 })
    const end = (answers: boolean) => () => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
}

async function certificatesOf(urls: Readonly<Record<string, string>>): Promise<readonly Certificate[]> {
  const found = await Promise.all(
    Object.entries(urls)
      .filter(([, url]) => url.startsWith('https:'))
      .map(([of, url]) => certificateOf(of, new URL(url))),
  )
  return found.filter((certificate) => certificate !== null)
}

/** Read whether or not it is trusted: its end is what is asked. */
function certificateOf(of: string, { hostname, port }: URL): Promise<Certificate | null> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: hostname,
      port: Number(port || 443),
      servername: hostname,
      rejectUnauthorized: false,
      timeout: 3000,
    })
    const end = (certificate: Certificate | null) => {
      socket.destroy()
      resolve(certificate)
    }
    socket.once('secureConnect', () =>
      end({ of, host: hostname, validTo: Date.parse(socket.getPeerCertificate().valid_to) }),
    )
    socket.once('error', () => end(null)).once('timeout', () => end(null))
  })
}

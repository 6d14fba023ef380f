import { readFileSync } from 'node:fs'
import express, { type Express } from 'express'
import type { Logger } from 'pino'
import type { Probes } from './admin/readiness.ts'
import { credentialsOf, type PolicySource } from './checks/policy.ts'
import { createChecks } from './checks/table.ts'
import { type Caller, cinderFacts, TokenRefusedError } from './clouds/cinder.ts'
import { CloudError, createClient, type Service } from './clouds/client.ts'
import { gather, KnownFacts } from './clouds/facts.ts'
import { keystoneValidator } from './clouds/keystone.ts'
import { computeEndpoint, serverVolume } from './clouds/nova.ts'
import { createSession, identityUrlOf } from './clouds/session.ts'
import { versionKeeper } from './clouds/versions.ts'
import type { Config } from './config/options.ts'
import { createForwarder } from './forward/forward.ts'
import { createGateway, type FactBook, type Stages } from './gateway.ts'
import { faultOf } from './http/fault.ts'
import { type Rejection, reject } from './http/rejection.ts'
import { envelopeOf, type GuardedRequest, readRequest } from './http/request.ts'
import { authenticate } from './identity/authenticate.ts'
import { cachedValidator } from './identity/cache.ts'
import { type Identity, projectOf } from './identity/identity.ts'
import { jwsValidator, readJwsKeys } from './identity/jws.ts'
import { classify } from './operation/classify.ts'
import { logOutcome } from './record/log.ts'
import type { Metrics } from './record/metrics.ts'

/** The gateway, wired: its Express application and what else the process needs of it. */
export interface App {
  readonly express: Express
  readonly probes: Probes
  close(): Promise<void>
}

const readText = (path: string): string => readFileSync(path, 'utf8')

/** Makes the stages out of the configuration; the only place where they meet. @throws on unreadable key files. */
export async function createApp(
  config: Config,
  policy: PolicySource,
  metrics: Metrics,
  log: Logger,
): Promise<App> {
  const clients = createClients(config, metrics)
  const { keystone, nova, cinder } = clients
  const account = config.credentials.keystone_authtoken
  const session = createSession(keystone.send, account, Date.now)
  const serviceAccount = config.credentials.service_user
  const serviceSession =
    serviceAccount === undefined ? session : createSession(keystone.send, serviceAccount, Date.now)

  const identityUrl = identityUrlOf(account.authUrl)
  const asked = keystoneValidator(keystone.send, identityUrl, session)
  const keys = await readJwsKeys(config.cinderguard.jws_public_keys)
  const validator = cachedValidator(keys.length === 0 ? asked : jwsValidator(asked, keys, Date.now), {
    time: config.keystone_authtoken.token_cache_time,
    negativeTime: config.cinderguard.token_negative_cache_time,
    size: config.cinderguard.token_cache_size,
    now: Date.now,
    onLookup: metrics.tokenLookup,
  })

  const upstream = new URL(config.cinderguard.upstream)
  const base = upstream.origin + config.cinderguard.public_prefix
  const cinderVersions = versionKeeper('cinder', cinder.send, async () => `${base}/`, 'v3', Date.now)
  const facts = cinderFacts(
    cinder.send,
    base,
    async () => (await cinderVersions()).maximum,
    config.DEFAULT.osapi_max_limit,
  )
  const novaEndpoint = (projectId: string | null) => computeEndpoint(config, session, projectId)
  const novaVersions = versionKeeper(
    'nova',
    nova.send,
    async () => `${versionRoot(await novaEndpoint(null))}/`,
    'v2.1',
    Date.now,
  )
  const sources = {
    cinder: facts,
    serverVolume: async (question: Parameters<typeof serverVolume>[3], caller: Caller) => {
      const endpoint = await novaEndpoint(caller.projectId)
      const headers = await withServiceToken(caller.headers, serviceSession)
      return serverVolume(nova.send, endpoint, novaVersions, question, headers)
    },
  }
  const forwarder = createForwarder({
    upstream,
    timeout: config.cinderguard.upstream_timeout,
    insecure: false,
  })
  const wwwAuthenticateUri = config.keystone_authtoken.www_authenticate_uri ?? account.authUrl

  const stages: Stages = {
    envelope: envelopeOf,
    read: (raw, envelope) =>
      readRequest(raw, envelope, {
        maxBody: config.oslo_middleware.max_request_body_size,
        maxHeaders: config.cinderguard.max_headers,
        prefix: config.cinderguard.public_prefix,
      }),
    authenticate: async (request) =>
      isPublic(request)
        ? null
        : authenticate(
            request,
            validator,
            {
              serviceTokenRoles: config.keystone_authtoken.service_token_roles,
              serviceTokenRolesRequired: config.keystone_authtoken.service_token_roles_required,
            },
            Date.now,
          ),
    classify: async (request, identity) => {
      const body = request.body === 'too-large' ? Buffer.alloc(0) : request.body
      const apiVersion = request.headers.get('openstack-api-version')
      const maximum = apiVersion === undefined ? null : (await cinderVersions()).maximum
      return classify(
        {
          ...request.path,
          method: request.method,
          body,
          contentType: request.headers.get('content-type'),
          apiVersion,
        },
        { tokenProject: identity === null ? null : projectOf(identity.user), maximum },
      )
    },
    checks: createChecks(policy.current),
    facts: (request, identity) => {
      const known = new KnownFacts()
      const caller = callerOf(request, identity, policy)
      const deadline = withDeadline(config.cinderguard.decision_timeout)
      return Object.assign(known, {
        gather: (questions) => deadline(gather(questions, known, caller, sources)),
      } satisfies Pick<FactBook, 'gather'>)
    },
    reasonOf: (fault) => reasonOf(fault, log),
    render: (rejection, context) => faultOf(rejection, { ...context, wwwAuthenticateUri }),
    forward: forwarder.forward,
    record: (outcome) => {
      metrics.observe(outcome)
      logOutcome(log, outcome)
    },
    now: () => performance.now(),
  }

  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const gateway = createGateway(stages)
  app.use((request, response) => {
    metrics.inFlight(1)
    response.once('close', () => metrics.inFlight(-1))
    return gateway(request, response)
  })
  return {
    express: app,
    probes: { keystone: session.get, cinder: cinderVersions, nova: novaVersions },
    async close() {
      forwarder.close()
      await Promise.all(Object.values(clients).map((client) => client.close()))
    },
  }
}

function createClients(config: Config, metrics: Metrics): Record<Service, ReturnType<typeof createClient>> {
  const { cinderguard, keystone_authtoken, nova } = config
  const client = (service: Service, timeout: number, cafile: string | undefined, insecure: boolean) =>
    createClient({ service, timeout, cafile, insecure, retries: 1, readFile: readText, onCall: metrics.call })
  return {
    keystone: client(
      'keystone',
      cinderguard.keystone_timeout,
      keystone_authtoken.cafile,
      keystone_authtoken.insecure,
    ),
    nova: client(
      'nova',
      Math.min(cinderguard.nova_timeout, nova.timeout ?? Number.POSITIVE_INFINITY),
      nova.cafile,
      nova.insecure,
    ),
    cinder: client('cinder', cinderguard.cinder_timeout, undefined, false),
  }
}

/** What Cinder serves without a token: its version documents, the health check, and CORS preflights. */
function isPublic(request: GuardedRequest): boolean {
  const { mount } = request.path
  return mount === 'versions' || mount === 'healthcheck' || request.method === 'OPTIONS'
}

function callerOf(request: GuardedRequest, identity: Identity, policy: PolicySource): Caller {
  return {
    headers: { 'x-auth-token': identity.userToken.reveal(), 'x-openstack-request-id': request.requestId },
    projectId: projectOf(identity.user),
    isAdmin: credentialsOf(identity, policy.current()).is_admin === true,
  }
}

async function withServiceToken(
  headers: Readonly<Record<string, string>>,
  session: ReturnType<typeof createSession>,
): Promise<Readonly<Record<string, string>>> {
  return { ...headers, 'x-service-token': (await session.get()).token.reveal() }
}

/** Nova's version documents stand at the version's root, above a project id that older catalogues append. */
function versionRoot(endpoint: string): string {
  return endpoint.replace(/(\/v2(?:\.1)?)\/.*$/, '$1')
}

/** A time limit for all waiting of one decision together, in seconds. */
function withDeadline(seconds: number): <T>(work: Promise<T>) => Promise<T> {
  const end = performance.now() + seconds * 1000
  return async (work) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(
        () => fail(new Error('the decision took too long')),
        Math.max(0, end - performance.now()),
      )
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }
}

/** Fail closed: every fault is a refusal, and says which dependency it was. */
function reasonOf(fault: unknown, log: Logger): Rejection {
  if (fault instanceof TokenRefusedError) return reject('invalid_user_token')
  if (fault instanceof CloudError) {
    log.warn({ dependency: fault.service, problem: fault.message }, 'a dependency failed')
    return reject(`${fault.service}_unavailable`)
  }
  log.error({ problem: fault instanceof Error ? fault.message : 'unknown' }, 'no decision')
  return reject('undecided')
}

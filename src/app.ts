import type { RequestListener } from 'node:http'
import type { Logger } from 'pino'
import type { Probes } from './admin/readiness.ts'
import type { FactBook } from './checking.ts'
import { isAdmin } from './checks/caller.ts'
import type { PolicyRules, PolicySource } from './checks/policy.ts'
import { createChecks } from './checks/table.ts'
import { callerOf, withServiceToken } from './clouds/caller.ts'
import { type Caller, cinderFacts } from './clouds/cinder.ts'
import { createClients, upstreamTls } from './clouds/clients.ts'
import { gather, KnownFacts } from './clouds/facts.ts'
import { computeEndpoint, serverVolume } from './clouds/nova.ts'
import { checkOwnToken } from './clouds/own-token.ts'
import { remotePolicy } from './clouds/remote-policy.ts'
import { createSession } from './clouds/session.ts'
import { discoverVersions, versionKeeper, versionRoot } from './clouds/versions.ts'
import { networksOf } from './config/networks.ts'
import type { Config } from './config/options.ts'
import { withDeadline } from './deadline.ts'
import { type Explaining, explaining } from './explain/explaining.ts'
import { throughExpress } from './express.ts'
import { createForwarder } from './forward/forward.ts'
import { createGateway, type Stages } from './gateway.ts'
import { faultOf } from './http/fault.ts'
import { isRejection, type Rejection } from './http/rejection.ts'
import { envelopeOf, type GuardedRequest, readRequest } from './http/request.ts'
import { authenticate } from './identity/authenticate.ts'
import { type Identity, projectOf, type TokenValidator } from './identity/identity.ts'
import { classifiable } from './operation/classifiable.ts'
import { classify } from './operation/classify.ts'
import { type AskedBy, isJudged, type Operation } from './operation/operation.ts'
import type { Version } from './operation/version.ts'
import { bodyOf, withRules } from './policy/enforced.ts'
import { reasonOf } from './reason-of.ts'
import type { Audit } from './record/audit.ts'
import { logOutcome } from './record/log.ts'
import type { Metrics } from './record/metrics.ts'
import { callerKindOf, refine } from './rollout/caller.ts'
import { type Modes, withLocks } from './rollout/mode.ts'
import type { Messages } from './server.ts'
import { expiryOf } from './tls.ts'
import { createTokens } from './tokens.ts'
import { startTracing } from './trace/tracing.ts'
import { type TakesTurns, volumeOf } from './turns.ts'
import { versionOf } from './version.ts'

/** The gateway, wired: its Express application and what else the process needs of it. */
export interface App {
  readonly handle: RequestListener
  /** What the listener must make its requests and answers of. */
  readonly messages: Messages
  readonly probes: Probes
  readonly explaining: Explaining
  /** Looks tokens up, through the cache. */
  readonly validator: TokenValidator
  close(): Promise<void>
}

/** Makes the stages out of the configuration; the only place where they meet. @throws on unreadable key files. */
export async function createApp(
  config: Config,
  policy: PolicySource,
  metrics: Metrics,
  log: Logger,
  audit: Audit,
  modes: Modes,
  turns: TakesTurns,
): Promise<App> {
  const { traces_url, traces_sample_ratio } = config.cinderguard
  const tracing =
    traces_url === undefined
      ? null
      : await startTracing({ url: traces_url, ratio: traces_sample_ratio, version: versionOf() }, log)
  const clients = createClients(config, metrics, tracing?.call)
  const { keystone, nova, cinder } = clients
  const account = config.credentials.keystone_authtoken
  const session = createSession(keystone.send, account, Date.now)
  const serviceAccount = config.credentials.service_user
  const serviceSession =
    serviceAccount === undefined || serviceAccount === account
      ? session
      : createSession(clients.serviceLogin.send, serviceAccount, Date.now)

  const tokens = await createTokens(config, keystone.send, session, metrics)

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
    remote: remotePolicy(clients.policy.send, config.oslo_policy.remote_content_type),
    serverVolume: async (question: Parameters<typeof serverVolume>[3], caller: Caller) => {
      const endpoint = await novaEndpoint(caller.projectId)
      const headers = await withServiceToken(caller.headers, serviceSession)
      return serverVolume(nova.send, endpoint, novaVersions, question, headers)
    },
  }
  const shown = upstreamTls(config)
  if (shown.cert !== undefined) metrics.certificate('upstream_client', expiryOf(shown.cert))
  const { forwarder: engine, upstream_socket, upstream_timeout, upstream_insecure } = config.cinderguard
  const toUpstream = {
    url: upstream,
    socket: upstream_socket,
    timeout: upstream_timeout,
    insecure: upstream_insecure,
    ...shown,
  }
  const forwarder = createForwarder(engine, toUpstream, tracing?.call)
  const wwwAuthenticateUri = config.keystone_authtoken.www_authenticate_uri ?? account.authUrl

  const trustedServiceUsers = new Set(config.cinderguard.trusted_service_users)
  const projectIds = new RegExp(`^(?:${config.DEFAULT.project_id_regex})$`)
  const serviceRole = config.keystone_authtoken.service_token_roles[0] ?? 'service'
  const serviceHosts = networksOf(config.cinderguard.service_hosts)
  const proxies = networksOf(config.cinderguard.trusted_proxies)
  const classified = (
    request: GuardedRequest,
    identity: Identity | null,
    maximum: Version | null,
  ): Operation | Rejection => {
    const asked = classifiable(request)
    const operation = classify(asked, {
      tokenProject: identity === null ? null : projectOf(identity.user),
      projectIds,
      maximum,
    })
    if (isRejection(operation) || identity === null) return operation
    const rules = policy.current()
    const call = { ...asked, query: request.path.query }
    const ruled = withRules(operation, call, config.policy, rules)
    return isJudged(ruled) ? { ...ruled, asked: askedBy(request, asked.body) } : ruled
  }
  const checksBy = (rules: PolicyRules) => createChecks(rules, { ...config.cinderguard, ...config.policy })
  const bookFor = (caller: Caller): FactBook => {
    const known = new KnownFacts()
    return Object.assign(known, {
      gather: (questions) => gather(questions, known, caller, sources),
    } satisfies Pick<FactBook, 'gather'>)
  }
  const inForce = withLocks(modes, (rule) => policy.current().source?.(rule)?.locked === true)
  const stages: Stages = {
    envelope: envelopeOf,
    read: (raw, envelope) =>
      readRequest(raw, envelope, {
        maxBody: config.oslo_middleware.max_request_body_size,
        maxHeaders: config.cinderguard.max_headers,
        prefix: config.cinderguard.public_prefix,
        proxies,
      }),
    authenticate: (request) =>
      isPublic(request)
        ? null
        : authenticate(
            request,
            tokens.validator,
            {
              serviceTokenRoles: config.keystone_authtoken.service_token_roles,
              serviceTokenRolesRequired: config.keystone_authtoken.service_token_roles_required,
              trustedServiceUsers,
            },
            Date.now,
          ),
    classify: (request, identity) => {
      if (!request.headers.has('openstack-api-version')) return classified(request, identity, null)
      const versions = cinderVersions()
      return versions instanceof Promise
        ? versions.then(({ maximum }) => classified(request, identity, maximum))
        : classified(request, identity, versions.maximum)
    },
    get checks() {
      return checksBy(policy.current())
    },
    policyInForce() {
      const rules = policy.current()
      const { version = null, digest = '' } = policy.identity?.() ?? {}
      return { version, digest, layerOf: (rule) => rules.source?.(rule)?.layer ?? null }
    },
    turn: async (operation, identity, facts) => {
      const volume = await volumeOf(operation, identity, facts)
      return volume === null ? () => undefined : turns.take(volume)
    },
    facts: (request, identity) => bookFor(callerOf(request, identity, isAdmin(identity, policy.current()))),
    deadline: () => withDeadline(config.cinderguard.decision_timeout),
    reasonOf: (fault, requestId) => reasonOf(fault, requestId, log),
    caller: (draft) => callerKindOf(draft.request, draft.identity, serviceHosts),
    refine: (rejection, caller, draft) => refine(rejection, caller, draft.identity?.service, serviceRole),
    mode: (rejection, draft) => inForce.of(rejection, draft.operation?.kind ?? null),
    render: (rejection, context) => faultOf(rejection, { ...context, wwwAuthenticateUri }),
    forward: forwarder.forward,
    record: (outcome) => {
      metrics.inFlight(-1)
      metrics.observe(outcome)
      logOutcome(log, outcome)
      audit.record(outcome)
    },
    now: () => performance.now(),
  }

  const gateway = createGateway(tracing?.stages(stages) ?? stages)
  const { handle, messages } = throughExpress((request, response) => {
    metrics.inFlight(1)
    return gateway(request, response)
  })
  return {
    messages,
    handle,
    validator: tokens.validator,
    explaining: explaining(
      { stages, checksBy, policy: policy.current },
      { validator: tokens.validator, ownToken: async () => (await session.get()).token, bookFor },
      () => policy.identity?.().digest ?? null,
    ),
    probes: {
      keystone: () => checkOwnToken(session, tokens.keystone, serviceSession),
      cinder: () => discoverVersions('cinder', cinder.send, `${base}/`, 'v3'),
      nova: async () =>
        discoverVersions('nova', nova.send, `${versionRoot(await novaEndpoint(null))}/`, 'v2.1'),
    },
    async close() {
      forwarder.close()
      await tracing?.shutdown()
      await tokens.close()
      await Promise.all(Object.values(clients).map((client) => client.close()))
    },
  }
}

/** What Cinder serves without a token: its version documents, the health check, and CORS preflights. */
function isPublic(request: GuardedRequest): boolean {
  const { mount } = request.path
  return mount === 'versions' || mount === 'healthcheck' || request.method === 'OPTIONS'
}

function askedBy(request: GuardedRequest, body: Uint8Array): AskedBy {
  return { address: request.clientAddress, time: Date.now(), bodyAt: bodyOf(body) }
}

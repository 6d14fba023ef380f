import type { RequestListener } from 'node:http'
import type { Logger } from 'pino'
import type { Probes } from './admin/readiness.ts'
import type { FactBook } from './checking.ts'
import { isAdmin } from './checks/caller.ts'
import { type PolicyRules, type PolicySource, rulesAskedOf } from './checks/policy.ts'
import { createChecks } from './checks/table.ts'
import { callerOf } from './clouds/caller.ts'
import type { Caller } from './clouds/cinder.ts'
import { createClients } from './clouds/clients.ts'
import { gather, KnownFacts } from './clouds/facts.ts'
import { keystoneValidator } from './clouds/keystone.ts'
import { checkOwnToken } from './clouds/own-token.ts'
import { createSession, identityUrlOf } from './clouds/session.ts'
import { createSources } from './clouds/sources.ts'
import { discoverVersions } from './clouds/versions.ts'
import { networksOf } from './config/networks.ts'
import type { Config } from './config/options.ts'
import { withDeadline } from './deadline.ts'
import { type Explaining, explaining } from './explain/explaining.ts'
import { throughExpress } from './express.ts'
import { createForwarder } from './forward/forward.ts'
import { createGateway, type Stages } from './gateway.ts'
import { faultOf } from './http/fault.ts'
import { isRejection, type Rejection } from './http/rejection.ts'
import { type CompleteRequest, envelopeOf, type GuardedRequest, readRequest } from './http/request.ts'
import { authenticate } from './identity/authenticate.ts'
import { type Identity, projectOf, type TokenValidator } from './identity/identity.ts'
import type { LiveSettings } from './live-settings.ts'
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
import { withLocks } from './rollout/mode.ts'
import type { Messages } from './server.ts'
import { createTokens } from './tokens.ts'
import { startTracing } from './trace/tracing.ts'
import { type TakesTurns, takeTurn } from './turns.ts'
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
  settings: Pick<LiveSettings, 'current'>,
  turns: TakesTurns,
): Promise<App> {
  const { cinderguard } = config
  const { traces_url, traces_sample_ratio } = cinderguard
  const tracing =
    traces_url === undefined
      ? null
      : await startTracing({ url: traces_url, ratio: traces_sample_ratio, version: versionOf() }, log)
  const onProblem = (problem: string): void => log.error({ problem }, 'the replaced TLS files are not used')
  const tlsEvents = { onProblem, onUse: (at: number) => metrics.certificate('upstream_client', at) }
  const clients = createClients(config, metrics, tlsEvents, tracing?.call)
  const { keystone } = clients
  const account = config.credentials.keystone_authtoken
  const session = createSession(clients.ownAccount.send, account, Date.now)
  const serviceAccount = config.credentials.service_user
  const serviceSession =
    serviceAccount === undefined || serviceAccount === account
      ? session
      : createSession(clients.serviceLogin.send, serviceAccount, Date.now)

  const tokens = await createTokens(config, keystone.send, session, metrics)
  const ownTokens = keystoneValidator(clients.ownAccount.send, identityUrlOf(account.authUrl), session)

  const { facts, cinderVersions, documents, vouched } = createSources(config, clients, {
    session,
    serviceSession,
    keystone: tokens.keystone,
  })
  const { forwarder: engine, upstream, upstream_socket, upstream_timeout, upstream_insecure } = cinderguard
  const toUpstream = {
    url: new URL(upstream),
    socket: upstream_socket,
    timeout: upstream_timeout,
    insecure: upstream_insecure,
    tls: clients.upstreamTls,
  }
  const forwarder = createForwarder(engine, toUpstream, tracing?.call)
  const wwwAuthenticateUri = config.keystone_authtoken.www_authenticate_uri ?? account.authUrl

  const projectIds = new RegExp(`^(?:${config.DEFAULT.project_id_regex})$`)
  const serviceRole = config.keystone_authtoken.service_token_roles[0] ?? 'service'
  const serviceHosts = networksOf(config.cinderguard.service_hosts)
  const proxies = networksOf(config.cinderguard.trusted_proxies)
  const classified = (
    request: CompleteRequest,
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
    const ruled = withRules(operation, asked, config.policy, policy.current())
    return isJudged(ruled) ? { ...ruled, asked: askedBy(request, asked.body) } : ruled
  }
  const checksBy = (rules: PolicyRules) => createChecks(rules, { ...config.cinderguard, ...config.policy })
  // Cinder holds a token's access rules against our look-ups too, unless a service vouches for them.
  const bookFor = (caller: Caller, isBound = false): FactBook => {
    const known = new KnownFacts()
    return Object.assign(known, {
      gather: async (questions) => gather(questions, known, isBound ? await vouched(caller) : caller, facts),
    } satisfies Pick<FactBook, 'gather'>)
  }
  const isLocked = (rule: string) => policy.current().source(rule)?.locked === true
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
              trustedServiceUsers: settings.current().trustedServiceUsers,
            },
            Date.now,
          ),
    classify: (request, identity) => {
      if (!request.headers.has('openstack-api-version')) return classified(request, identity, null)
      const maximum = cinderVersions.known()?.maximum ?? null
      const operation = classified(request, identity, maximum)
      if (!restsOn(maximum, operation)) return operation
      // Where the newest microversion cannot be learnt, Cinder itself refuses what is too new.
      return cinderVersions.renewed(request.requestId).then(
        (versions) => classified(request, identity, versions.maximum),
        () => operation,
      )
    },
    get checks() {
      return checksBy(policy.current())
    },
    policyInForce() {
      const rules = policy.current()
      const { version, digest } = policy.identity()
      return { version, digest, layerOf: (rule) => rules.source(rule)?.layer ?? null }
    },
    turn: (operation, identity, facts) =>
      takeTurn(operation, identity, facts, turns, config.cinderguard.decision_timeout / 2),
    facts: (request, identity) =>
      bookFor(
        callerOf(request, identity, isAdmin(identity, policy.current())),
        identity.user.hasAccessRules && identity.serviceToken === undefined,
      ),
    deadline: () => withDeadline(config.cinderguard.decision_timeout),
    reasonOf: (fault, requestId) => reasonOf(fault, requestId, log),
    caller: (draft) => callerKindOf(draft.request, draft.identity, serviceHosts),
    refine: (rejection, caller, draft) => refine(rejection, caller, draft.identity?.service, serviceRole),
    mode: (rejection, draft) => {
      const { modes } = settings.current()
      const { operation } = draft
      const asked = operation === undefined ? [] : rulesAskedOf(operation)
      const counts = rejection === null ? modes : withLocks(modes, isLocked, asked)
      return counts.of(rejection, operation?.kind ?? null)
    },
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
      () => policy.identity().digest,
    ),
    probes: {
      keystone: () => checkOwnToken(session, ownTokens, serviceSession),
      cinder: () => discoverVersions(documents.cinder),
      nova: () => discoverVersions(documents.nova),
    },
    async close() {
      forwarder.close()
      await tracing?.shutdown()
      await tokens.close()
      await clients.close()
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

/** The newest microversion counts for what is refused as too new, and for what is judged before it is known. */
function restsOn(maximum: Version | null, operation: Operation | Rejection): boolean {
  if (isRejection(operation)) return operation.reason === 'version_unsupported'
  return maximum === null && isJudged(operation)
}

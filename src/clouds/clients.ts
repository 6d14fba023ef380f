import {
  type ClientTlsEvents,
  type ClientTlsFiles,
  type ClientTlsSource,
  openClientTls,
} from '../client-tls.ts'
import type { Config } from '../config/options.ts'
import type { Metrics } from '../record/metrics.ts'
import type { StartCall } from '../trace/tracing.ts'
import { type Callee, createClient } from './client.ts'

/** What a section says about TLS to its service. */
type TlsSection = Pick<Config['nova'], 'cafile' | 'certfile' | 'keyfile' | 'insecure'>

type Clients = Readonly<Record<Callee | 'ownAccount' | 'serviceLogin', ReturnType<typeof createClient>>> & {
  /** TLS to Cinder, which the forwarder goes by, too. */
  readonly upstreamTls: ClientTlsSource
  close(): Promise<void>
}

/**
 * One client per service, with its own connections and time limit. The gateway's own account logs in and is looked up
 * by a client of its own: what users make Keystone do must not make it unready. So does the service account, as
 * `[service_user]` has TLS options of its own.
 *
 * @param onTls hears of TLS files that were replaced
 * @throws when a file cannot be used.
 */
export function createClients(
  config: Config,
  { call: onCall, breaker: onBreaker }: Pick<Metrics, 'call' | 'breaker'>,
  { onProblem, onUse }: ClientTlsEvents = {},
  trace?: StartCall,
): Clients {
  const { cinderguard, keystone_authtoken, service_user, nova, oslo_policy } = config
  const opened: ClientTlsSource[] = []
  const open = (files: ClientTlsFiles, events: ClientTlsEvents = { onProblem }): ClientTlsSource => {
    const source = openClientTls(files, events)
    opened.push(source)
    return source
  }
  const tlsOf = ({ cafile, certfile, keyfile, insecure }: TlsSection) => ({
    tls: open({ ca: cafile, cert: certfile, key: keyfile ?? certfile }),
    insecure,
  })
  const { upstream_cafile: ca, upstream_certfile: cert, upstream_keyfile: key } = cinderguard
  const upstreamTls = open({ ca, cert, key }, { onProblem, onUse })
  const told = { onCall, onBreaker, trace }
  const keystone = (tls: TlsSection) =>
    createClient({
      service: 'keystone',
      timeout: cinderguard.keystone_timeout,
      connectTimeout: keystone_authtoken.http_connect_timeout,
      retries: keystone_authtoken.http_request_max_retries,
      ...tlsOf(tls),
      ...told,
    })
  const clients = {
    keystone: keystone(keystone_authtoken),
    ownAccount: keystone(keystone_authtoken),
    serviceLogin: keystone(service_user),
    nova: createClient({
      service: 'nova',
      timeout: Math.min(cinderguard.nova_timeout, nova.timeout ?? Number.POSITIVE_INFINITY),
      retries: 1,
      ...tlsOf(nova),
      ...told,
    }),
    cinder: createClient({
      service: 'cinder',
      timeout: cinderguard.cinder_timeout,
      tls: upstreamTls,
      insecure: cinderguard.upstream_insecure,
      socket: cinderguard.upstream_socket,
      retries: 1,
      ...told,
    }),
    policy: createClient({
      service: 'policy',
      timeout: oslo_policy.remote_timeout,
      retries: 1,
      tls: open({
        ca: oslo_policy.remote_ssl_ca_crt_file,
        cert: oslo_policy.remote_ssl_client_crt_file,
        key: oslo_policy.remote_ssl_client_key_file,
      }),
      insecure: !oslo_policy.remote_ssl_verify_server_crt,
      ...told,
    }),
  }
  return {
    ...clients,
    upstreamTls,
    async close() {
      for (const source of opened) source.close()
      await Promise.all(Object.values(clients).map((client) => client.close()))
    },
  }
}

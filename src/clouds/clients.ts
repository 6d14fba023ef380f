import { readFileSync } from 'node:fs'
import type { Config } from '../config/options.ts'
import type { Metrics } from '../record/metrics.ts'
import type { StartCall } from '../trace/tracing.ts'
import { type Callee, createClient, type Tls } from './client.ts'

const textOf = (path: string | undefined): string | undefined =>
  path === undefined ? undefined : readFileSync(path, 'utf8')

/** What the gateway knows the upstream by, and shows of itself. @throws when a file cannot be read. */
export function upstreamTls({ cinderguard }: Config): Pick<Tls, 'ca' | 'cert' | 'key'> {
  return {
    ca: textOf(cinderguard.upstream_cafile),
    cert: textOf(cinderguard.upstream_certfile),
    key: textOf(cinderguard.upstream_keyfile),
  }
}

/** What a section says about TLS to its service. */
type TlsSection = Pick<Config['nova'], 'cafile' | 'certfile' | 'keyfile' | 'insecure'>

function tlsOf({ cafile, certfile, keyfile, insecure }: TlsSection): Tls {
  return { ca: textOf(cafile), cert: textOf(certfile), key: textOf(keyfile ?? certfile), insecure }
}

/**
 * One client per service, with its own connections and time limit; the login of the service account has a client of
 * its own, as `[service_user]` has TLS options of its own. @throws when a file cannot be read.
 */
export function createClients(
  config: Config,
  { call: onCall, breaker: onBreaker }: Pick<Metrics, 'call' | 'breaker'>,
  trace?: StartCall,
): Record<Callee | 'serviceLogin', ReturnType<typeof createClient>> {
  const { cinderguard, keystone_authtoken, service_user, nova, oslo_policy } = config
  const told = { onCall, onBreaker, trace }
  const keystone = (tls: TlsSection) =>
    createClient({
      service: 'keystone',
      timeout: cinderguard.keystone_timeout,
      connectTimeout: keystone_authtoken.http_connect_timeout,
      retries: keystone_authtoken.http_request_max_retries,
      tls: tlsOf(tls),
      ...told,
    })
  return {
    keystone: keystone(keystone_authtoken),
    serviceLogin: keystone(service_user),
    nova: createClient({
      service: 'nova',
      timeout: Math.min(cinderguard.nova_timeout, nova.timeout ?? Number.POSITIVE_INFINITY),
      retries: 1,
      tls: tlsOf(nova),
      ...told,
    }),
    cinder: createClient({
      service: 'cinder',
      timeout: cinderguard.cinder_timeout,
      tls: { ...upstreamTls(config), insecure: cinderguard.upstream_insecure },
      socket: cinderguard.upstream_socket,
      retries: 1,
      ...told,
    }),
    policy: createClient({
      service: 'policy',
      timeout: oslo_policy.remote_timeout,
      retries: 1,
      tls: {
        ca: textOf(oslo_policy.remote_ssl_ca_crt_file),
        cert: textOf(oslo_policy.remote_ssl_client_crt_file),
        key: textOf(oslo_policy.remote_ssl_client_key_file),
        insecure: !oslo_policy.remote_ssl_verify_server_crt,
      },
      ...told,
    }),
  }
}

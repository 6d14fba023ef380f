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

/** One client per service, with its own connections and time limit. @throws when a CA file cannot be read. */
export function createClients(
  config: Config,
  { call: onCall, breaker: onBreaker }: Pick<Metrics, 'call' | 'breaker'>,
  trace?: StartCall,
): Record<Callee, ReturnType<typeof createClient>> {
  const { cinderguard, keystone_authtoken, nova, oslo_policy } = config
  const client = (service: Callee, timeout: number, cafile: string | undefined, insecure: boolean) =>
    createClient({
      service,
      timeout,
      tls: { ca: textOf(cafile), insecure },
      retries: 1,
      onCall,
      onBreaker,
      trace,
    })
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
    cinder: createClient({
      service: 'cinder',
      timeout: cinderguard.cinder_timeout,
      tls: { ...upstreamTls(config), insecure: cinderguard.upstream_insecure },
      socket: cinderguard.upstream_socket,
      retries: 1,
      onCall,
      onBreaker,
      trace,
    }),
    policy: client('policy', oslo_policy.remote_timeout, oslo_policy.remote_ssl_ca_crt_file, false),
  }
}

import { readFileSync } from 'node:fs'
import type { Config } from '../config/options.ts'
import { type Callee, type ClientOptions, createClient } from './client.ts'

const readText = (path: string): string => readFileSync(path, 'utf8')

/** One client per service, with its own connections and time limit. @throws when a CA file cannot be read. */
export function createClients(
  config: Config,
  onCall: ClientOptions['onCall'] & {},
): Record<Callee, ReturnType<typeof createClient>> {
  const { cinderguard, keystone_authtoken, nova, oslo_policy } = config
  const client = (service: Callee, timeout: number, cafile: string | undefined, insecure: boolean) =>
    createClient({ service, timeout, cafile, insecure, retries: 1, readFile: readText, onCall })
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
    policy: client('policy', oslo_policy.remote_timeout, oslo_policy.remote_ssl_ca_crt_file, false),
  }
}

import { readFileSync } from 'node:fs'
import type { Config } from '../config/options.ts'
import { type ClientOptions, createClient, type Service } from './client.ts'

const readText = (path: string): string => readFileSync(path, 'utf8')

/** One client per service, with its own connections and time limit. @throws when a CA file cannot be read. */
export function createClients(
  config: Config,
  onCall: ClientOptions['onCall'] & {},
): Record<Service, ReturnType<typeof createClient>> {
  const { cinderguard, keystone_authtoken, nova } = config
  const client = (service: Service, timeout: number, cafile: string | undefined, insecure: boolean) =>
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
  }
}

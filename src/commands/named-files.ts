import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type ClientTlsFiles, readAuthorities, readClientTls } from '../client-tls.ts'
import type { Address } from '../config/option.ts'
import type { Config } from '../config/options.ts'
import { problemOf } from '../file-problem.ts'
import { readJwsKeys } from '../identity/jws.ts'
import { readTls } from '../tls.ts'

/** Opens every file that the configuration names, and says of each that cannot be used what is wrong. */
export async function problemsOfFiles(config: Config): Promise<readonly string[]> {
  const { cinderguard: own, oslo_policy, policy } = config
  const checks: readonly (readonly [string, () => unknown])[] = [
    ['[cinderguard] tls_cert_file', () => listenerTls(own)],
    [
      '[cinderguard] upstream_certfile',
      () => readClientTls(shown(own.upstream_certfile, own.upstream_keyfile)),
    ],
    ['[cinderguard] upstream_cafile', () => readClientTls({ ca: own.upstream_cafile })],
    ...(['keystone_authtoken', 'service_user', 'nova'] as const).flatMap((section) => {
      const { cafile, certfile, keyfile = certfile } = config[section]
      return [
        [`[${section}] certfile`, () => readClientTls(shown(certfile, keyfile))],
        [`[${section}] cafile`, () => readClientTls({ ca: cafile })],
      ] as const
    }),
    [
      '[oslo_policy] remote_ssl_client_crt_file',
      () =>
        readClientTls(shown(oslo_policy.remote_ssl_client_crt_file, oslo_policy.remote_ssl_client_key_file)),
    ],
    ['[oslo_policy] remote_ssl_ca_crt_file', () => readClientTls({ ca: oslo_policy.remote_ssl_ca_crt_file })],
    ['[cinderguard] jws_public_keys', () => readJwsKeys(own.jws_public_keys)],
    ['[policy] bundle_public_keys', () => bundleKeys(policy)],
    ['[policy] bundle_cache', () => policy.bundle_url !== undefined && writable(policy.bundle_cache)],
    ['[cinderguard] audit_log', () => own.audit_log.startsWith('/') && writable(own.audit_log)],
    ['[cinderguard] bind', () => socketPlace(own.bind)],
    ['[cinderguard] admin_bind', () => socketPlace(own.admin_bind)],
  ]
  const found = await Promise.all(
    checks.map(async ([name, check]) => {
      try {
        await check()
        return []
      } catch (error) {
        return [`${name}: ${problemOf(error, 'cannot be used')}`]
      }
    }),
  )
  return found.flat()
}

/** A pair; one without the other is a wrong configuration, and said there. */
const shown = (cert: string | undefined, key: string | undefined): ClientTlsFiles =>
  cert === undefined || key === undefined ? {} : { cert, key }

function listenerTls({ tls_cert_file, tls_key_file, tls_client_ca_file }: Config['cinderguard']): void {
  if (tls_cert_file === undefined || tls_key_file === undefined) return
  readTls({ certFile: tls_cert_file, keyFile: tls_key_file, clientCaFile: tls_client_ca_file })
  if (tls_client_ca_file !== undefined) readAuthorities(tls_client_ca_file)
}

async function bundleKeys({ bundle_url, bundle_public_keys }: Config['policy']): Promise<void> {
  if (bundle_url !== undefined && bundle_public_keys.length === 0)
    throw new Error('is empty, and bundle_url needs a key that its bundle is signed with')
  await readJwsKeys(bundle_public_keys)
}

/** A file that is written, or can be made; its folders may be made, too. Nothing is. */
function writable(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new Error(`${file} is a directory`)
  const there = existing(file)
  if (there !== file && !statSync(there).isDirectory()) throw new Error(`${there} is not a directory`)
  accessSync(there, constants.W_OK)
}

function socketPlace(address: Address): void {
  if (address.kind === 'unix') accessSync(dirname(address.path), constants.W_OK)
}

/** The path, or the nearest folder above it that there is. */
function existing(path: string): string {
  const above = dirname(path)
  return above === path || statSync(path, { throwIfNoEntry: false }) !== undefined ? path : existing(above)
}

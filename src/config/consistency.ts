import { type Account, AUTH_OPTIONS, type Credentials, credentialsOf } from './credentials.ts'
import { nearest } from './nearest.ts'
import { readNetworks } from './networks.ts'
import type { Address } from './option.ts'
import { findOption, OPTIONS } from './options.ts'
import type { Problem } from './problem.ts'
import { find, flagOf, namesOf, type Sources } from './sources.ts'

type Values = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Sections that are the gateway's alone; what other names mean in others is Cinder's business. */
const OWN = ['cinderguard', 'policy'] as const

/** Names in the gateway's own sections that mean nothing. */
export function unknownOptions(sources: Sources): readonly Problem[] {
  const problems: Problem[] = []
  const complain = (section: (typeof OWN)[number], name: string, where: string) => {
    const guess = nearest(name.replaceAll('-', '_'), Object.keys(OPTIONS[section]))
    const owner = Object.entries<object>(OPTIONS).find(([, options]) => Object.hasOwn(options, name))?.[0]
    const hint = guess ? `; did you mean ${guess}?` : owner ? `; it belongs in [${owner}]` : ''
    problems.push({ code: 'unknown_option', where, message: `[${section}] has no option ${name}${hint}` })
  }
  for (const section of OWN) {
    for (const entry of sources.files.flat())
      if (entry.section === section && !findOption(section, entry.key))
        complain(section, entry.key, entry.where)
    const prefix = `OS_${section.toUpperCase()}__`
    for (const variable of Object.keys(sources.env)) {
      if (!variable.startsWith(prefix) || sources.env[variable] === undefined) continue
      const name = variable.slice(prefix.length).toLowerCase()
      if (!findOption(section, name)) complain(section, name, `environment ${variable}`)
    }
  }
  for (const key of Object.keys(sources.overrides)) {
    const [section = '', name = ''] = key.split(/\.(.*)/s)
    if (findOption(section, name)) continue
    const where = `command line ${flagOf(section, name)}`
    const own = OWN.find((each) => each === section)
    if (own !== undefined) complain(own, name, where)
    else
      problems.push({ code: 'unknown_option', where, message: `there is no option ${name} in [${section}]` })
  }
  return problems
}

/**
 * The accounts of the gateway. [service_user] borrows that of [keystone_authtoken] when it names none.
 * @param broken sections with values that could not be read; what is missing there is not known
 * @param problems gets what is missing
 */
export function readAccounts(
  sources: Sources,
  values: Values,
  broken: ReadonlySet<string>,
  problems: Problem[],
) {
  const read = (section: string): Credentials | undefined => {
    if (broken.has(section)) return undefined
    const credentials = credentialsOf(values[section] as Account)
    if ('authUrl' in credentials) return credentials
    const home = values[section]?.auth_section ?? section
    for (const { code, message } of credentials) problems.push({ code, where: `[${home}]`, message })
    return undefined
  }
  const own = ['auth_section', ...Object.keys(AUTH_OPTIONS)].some((name) => {
    return find(sources, 'service_user', namesOf(name, findOption('service_user', name)), false).length > 0
  })
  const sends = values.service_user?.send_service_user_token === true
  const identity = read('keystone_authtoken')
  const service = own && sends ? read('service_user') : identity
  return { keystone_authtoken: identity, service_user: sends ? service : undefined }
}

/** Options that are right one by one and wrong together. */
export function conflicts(values: Values): readonly Problem[] {
  const problems: Problem[] = []
  const {
    bind,
    admin_bind,
    upstream,
    tls_cert_file,
    tls_key_file,
    tls_client_ca_file,
    admin_tls_cert_file,
    admin_tls_key_file,
    upstream_certfile,
    upstream_keyfile,
    upstream_socket,
  } = (values.cinderguard ?? {}) as {
    upstream_certfile?: string
    upstream_keyfile?: string
    upstream_socket?: string
    bind?: Address
    admin_bind?: Address
    upstream?: string
    tls_cert_file?: string
    tls_key_file?: string
    tls_client_ca_file?: string
    admin_tls_cert_file?: string
    admin_tls_key_file?: string
  }
  const where = '[cinderguard]'
  if ((tls_cert_file === undefined) !== (tls_key_file === undefined)) {
    problems.push({ code: 'conflict', where, message: 'tls_cert_file and tls_key_file go together' })
  } else if (tls_client_ca_file !== undefined && tls_cert_file === undefined) {
    problems.push({ code: 'conflict', where, message: 'tls_client_ca_file needs tls_cert_file' })
  }
  if ((admin_tls_cert_file === undefined) !== (admin_tls_key_file === undefined)) {
    const message = 'admin_tls_cert_file and admin_tls_key_file go together'
    problems.push({ code: 'conflict', where, message })
  }
  if ((upstream_certfile === undefined) !== (upstream_keyfile === undefined)) {
    problems.push({ code: 'conflict', where, message: 'upstream_certfile and upstream_keyfile go together' })
  }
  const { remote_ssl_client_crt_file, remote_ssl_client_key_file } = values.oslo_policy ?? {}
  if ((remote_ssl_client_crt_file === undefined) !== (remote_ssl_client_key_file === undefined)) {
    const message = 'remote_ssl_client_crt_file and remote_ssl_client_key_file go together'
    problems.push({ code: 'conflict', where: '[oslo_policy]', message })
  }
  const { bundle_url, bundle_public_keys = [] } = (values.policy ?? {}) as {
    bundle_url?: string
    bundle_public_keys?: readonly string[]
  }
  if (bundle_url === undefined && bundle_public_keys.length > 0) {
    const message = 'bundle_public_keys without bundle_url: no policy is fetched'
    problems.push({ code: 'conflict', where: '[policy]', message })
  }
  for (const name of ['service_hosts', 'trusted_proxies'] as const) {
    const networks = readNetworks((values.cinderguard?.[name] ?? []) as readonly string[])
    if ('problems' in networks)
      problems.push(
        ...networks.problems.map(
          (message): Problem => ({ code: 'wrong_type', where: `${where} ${name}`, message }),
        ),
      )
  }
  if (bind !== undefined && admin_bind !== undefined && sameAddress(bind, admin_bind)) {
    problems.push({ code: 'conflict', where, message: 'bind and admin_bind are the same address' })
  }
  const path = upstream === undefined ? '/' : new URL(upstream).pathname
  if (path !== '/') {
    problems.push({
      code: 'conflict',
      where,
      message: `upstream has the path ${path}, which would be dropped; write it in public_prefix: the gateway sends the paths that it receives`,
    })
  }
  if (bind?.kind === 'tcp' && upstream !== undefined && upstream_socket === undefined) {
    const { hostname, port, protocol } = new URL(upstream)
    const target = Number(port || (protocol === 'https:' ? 443 : 80))
    if (hostname.replace(/^\[|\]$/g, '') === bind.host && target === bind.port) {
      problems.push({
        code: 'conflict',
        where,
        message: 'upstream is bind: the gateway would forward to itself',
      })
    }
  }
  return problems
}

function sameAddress(a: Address, b: Address): boolean {
  if (a.kind === 'unix' || b.kind === 'unix')
    return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path
  return a.port !== 0 && a.port === b.port && a.host === b.host
}

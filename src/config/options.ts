import { AUTH_OPTIONS, type Credentials, TLS_OPTIONS } from './credentials.ts'
import type { Option, ValueOf } from './option.ts'

const INTERFACES = {
  type: 'enum',
  choices: ['public', 'internal', 'admin'],
  synonyms: { publicURL: 'public', internalURL: 'internal', adminURL: 'admin' },
} as const

const SECONDS = { type: 'float', unit: 'seconds', min: 0.001, max: 86_400 } as const

/** What each section is for; also their order in the sample file and the reference. */
export const SECTIONS = {
  cinderguard: "The gateway's own options. An unknown name here is an error.",
  DEFAULT: "Options of Cinder's [DEFAULT] that the gateway needs, too.",
  keystone_authtoken: "The Keystone that tokens are validated with, and the gateway's account for that.",
  service_user: 'The account behind the service token the gateway sends to Nova.',
  nova: 'Where Nova is, which is asked about attachments.',
  oslo_policy: 'Policy files, read as Cinder reads them.',
  policy: "What the gateway enforces, and where the organisation's policy comes from.",
  oslo_middleware: 'Limits and headers in front of Cinder.',
  cors: 'Answers to browsers.',
} as const satisfies Record<keyof typeof OPTIONS, string>

/** Every option there is. The `Config` type, the sample file, `--help` and docs/options.md are made from this. */
export const OPTIONS = {
  cinderguard: {
    bind: {
      type: 'address',
      default: '127.0.0.1:8776',
      help: 'Where clients connect: HOST:PORT, [IPV6]:PORT or unix:/PATH. The gateway does not start when the address is in use or belongs to no local interface.',
    },
    upstream: {
      type: 'url',
      required: true,
      help: 'The Cinder API behind the gateway. Cinder must accept connections from the gateway only: whoever reaches it directly bypasses every check.',
    },
    upstream_socket: {
      type: 'path',
      help: "A unix socket on which the upstream listens; the host in upstream is then used only in the Host header of the gateway's own requests.",
    },
    upstream_cafile: {
      type: 'path',
      help: "CA certificates (PEM) for the upstream's certificate, if it is not signed by a public CA.",
    },
    upstream_certfile: {
      type: 'path',
      help: 'Client certificate (PEM) that the gateway presents to the upstream, which can then refuse everybody else. With upstream_keyfile.',
    },
    upstream_keyfile: { type: 'path', help: 'Key of upstream_certfile (PEM, unencrypted).' },
    upstream_insecure: {
      type: 'bool',
      default: 'false',
      help: "Do not verify the upstream's certificate: anybody on the network path may then read and change everything.",
    },
    forwarder: {
      type: 'enum',
      choices: ['http-proxy-3', 'undici'],
      default: 'http-proxy-3',
      help: 'Which library forwards requests. Both pass the same security tests; undici is faster.',
    },
    workers: {
      type: 'int',
      unit: 'processes',
      min: 1,
      max: 256,
      default: '1',
      help: 'How many processes share the bind listener; about one for each core. Each has its own token cache. With 1 the gateway is a single process.',
    },
    tls_cert_file: {
      type: 'path',
      help: 'Certificate (PEM, with its chain) of the bind listener, which then speaks TLS. With tls_key_file. A replaced file takes effect within seconds.',
    },
    tls_key_file: { type: 'path', help: 'Key of tls_cert_file (PEM, unencrypted).' },
    tls_client_ca_file: {
      type: 'path',
      notEmpty: true,
      help: 'Only clients with a certificate signed by one of these CAs (PEM) are served. Needs tls_cert_file.',
    },
    admin_bind: {
      type: 'address',
      default: '127.0.0.1:9776',
      help: 'Where health, readiness, metrics and the console are served; same format as bind. Health, readiness and metrics need no login: keep it off public networks. The console and its API do, unless this is a loopback address or unix socket; see console_role.',
    },
    admin_tls_cert_file: {
      type: 'path',
      help: 'Certificate (PEM, with its chain) of the admin listener, which then speaks TLS. With admin_tls_key_file. A replaced file takes effect within seconds.',
    },
    admin_tls_key_file: { type: 'path', help: 'Key of admin_tls_cert_file (PEM, unencrypted).' },
    readiness_interval: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 3600,
      default: '5',
      help: 'How often Keystone, Cinder and Nova are probed for /readyz and cinderguard_dependency_ready; a result is reused for 1.5 seconds. 0 probes only when /readyz is asked, and the metrics are then as old as that.',
    },
    mode: {
      type: 'enum',
      live: true,
      choices: ['enforce', 'observe'],
      default: 'enforce',
      help: 'What happens to a request that fails a check: enforce refuses it, observe forwards it and counts and records what would have been answered. Ambiguous requests are refused in both.',
    },
    mode_overrides: {
      type: 'list',
      live: true,
      default: '',
      help: 'Another mode for one operation, reason or policy rule: NAME=enforce or NAME=observe, comma-separated, such as volume-detach=observe. A rule takes precedence over a reason, a reason over an operation, and an operation over mode. The reasons service_token_missing and service_role_missing are not accepted, since any client can look like a service.',
    },
    trusted_service_users: {
      type: 'list',
      live: true,
      default: '',
      help: "Ids of users whose calls are treated as a service's although they send no service token. Whoever has a token of such a user bypasses the safety check: a temporary exception, until the service has [service_user].",
    },
    console_role: {
      type: 'string',
      default: '',
      help: 'Role that a Keystone token needs to read decisions on the admin listener. Not needed where admin_bind is a loopback address or unix socket, which everybody who reaches it may read. Elsewhere, empty means nobody.',
    },
    service_hosts: {
      type: 'list',
      default: '',
      help: 'Addresses, or networks such as 10.0.0.0/24, that services such as Nova call from. A refused call from there is recorded as service_token_missing instead of attachment_in_use; the answer and the decision stay the same.',
    },
    trusted_proxies: {
      type: 'list',
      default: '',
      help: "Addresses, or networks such as 10.0.0.0/24, of the proxies and balancers in front of the gateway; unix for one that connects through a unix socket. The client's address is then read from the X-Forwarded-For that they set or append to, from the right and through these only, for records, service_hosts and the policy check cinderguard.address. Name only proxies that set or append to it: clients behind others could invent addresses. Empty: the peer of the connection is the client.",
    },
    audit_log: {
      type: 'string',
      default: '',
      pattern: {
        source: '^(?:stdout|/.+|syslog(?:\\+tcp)?://(?:\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9.-]+)(?::\\d{1,5})?)?$',
        expects: 'empty, stdout, /PATH, syslog://HOST:PORT or syslog+tcp://HOST:PORT',
      },
      help: 'Where decision records go, one CADF event per line for each refusal and each guarded operation: stdout, a file (reopened at SIGHUP), syslog over UDP (syslog://; a record too large for a datagram is sent without its facts) or over TCP (syslog+tcp://). Empty: none are written.',
    },
    audit_queue: {
      type: 'int',
      unit: 'bytes',
      min: 65_536,
      max: 1_073_741_824,
      default: '16777216',
      help: 'How much may be queued for a slow sink of decision records. What does not fit is dropped and counted in cinderguard_decision_records_total.',
    },
    traces_url: {
      type: 'url',
      help: 'Where OpenTelemetry traces are sent (OTLP over HTTP), such as http://collector:4318/v1/traces. Without it there are none. When the collector does not answer, traces are lost and no request is delayed.',
    },
    traces_sample_ratio: {
      type: 'float',
      min: 0,
      max: 1,
      default: '1',
      help: 'Share of the requests without a traceparent that are traced, from 0 to 1. A request with a traceparent is traced when its sampled flag is set.',
    },
    guard_shared_connector: {
      type: 'bool',
      default: 'false',
      help: 'Also refuse to delete or detach a second connected attachment record of a volume that Nova uses through another one: its deletion can tear down the real connection. Fixed Cinder lets it pass.',
    },
    guard_reset_status: {
      type: 'bool',
      default: 'false',
      help: 'Also refuse os-reset_status to detached of a volume that Nova uses: it deletes the attachment records. Fixed Cinder lets an admin do it, and clean-up scripts may rely on that.',
    },
    guard_attachment_update: {
      type: 'bool',
      default: 'false',
      help: 'Also refuse to point an attachment that Nova uses to another connector (PUT), unless a service asks. Fixed Cinder lets it pass.',
    },
    public_prefix: {
      type: 'string',
      default: '',
      pattern: {
        source: '^(?:/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*$',
        expects: 'empty, or a path such as /volume without a final slash',
      },
      help: 'Path in front of /v3 under which clients see the API, such as /volume. With a wrong one every request is refused.',
    },
    decision_timeout: {
      ...SECONDS,
      default: '10',
      help: 'Time limit for all lookups of one decision together. After it the request is refused with 503.',
    },
    keystone_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time limit for one call to Keystone. After it the request is refused with 503.',
    },
    nova_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time limit for one call to Nova. After it the request is refused with 503, since it is not known whether the volume is in use.',
    },
    cinder_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time limit for one lookup in Cinder before a decision; upstream_timeout is for forwarded requests.',
    },
    upstream_timeout: {
      ...SECONDS,
      default: '60',
      help: 'Time limit for Cinder to answer a forwarded request. After it the client gets a 504, although Cinder may still do the work.',
    },
    max_headers: {
      type: 'int',
      unit: 'header lines',
      min: 10,
      max: 2000,
      default: '100',
      help: 'Requests with more header lines than this are refused. Too low a number refuses requests that came through many proxies.',
    },
    shutdown_delay: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 300,
      default: '0',
      help: 'How long connections are still accepted after SIGTERM while /readyz already fails, so that a balancer notices before the listener closes. Set it to a little more than the balancer needs to notice.',
    },
    shutdown_timeout: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 86_400,
      default: '30',
      help: 'Time for requests in flight after SIGTERM; then their connections are closed.',
    },
    token_negative_cache_time: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 300,
      default: '5',
      help: 'How long a token that Keystone does not know is refused without asking again. 0 asks each time, so that anybody with an invalid token can load Keystone.',
    },
    token_cache_size: {
      type: 'int',
      unit: 'entries',
      min: 0,
      max: 10_000_000,
      default: '100000',
      help: 'How many tokens are cached; the least recently used is dropped first. Refused ones have a cache of their own, a tenth as large. 0 caches none. Each entry takes some kilobytes of memory.',
    },
    nova_endpoint_override: {
      type: 'url',
      also: ['nova.endpoint_override'],
      help: "Nova's API, such as http://nova:8774/v2.1, instead of the one in the service catalogue. [nova] endpoint_override does the same; this one takes precedence.",
    },
    log_level: {
      type: 'enum',
      live: true,
      choices: ['error', 'warn', 'info', 'debug'],
      synonyms: { warning: 'warn' },
      default: 'info',
      help: 'The lowest level of log lines that are written.',
    },
    jws_public_keys: {
      type: 'list',
      default: '',
      help: "Files or directories of Keystone's public keys, for clouds with JWS tokens: a bad signature is then refused without asking Keystone. They are re-read, at most every ten seconds, when a token matches none of them; valid tokens whose key is still missing are refused. Empty leaves all to Keystone.",
    },
  },
  DEFAULT: {
    project_id_regex: {
      type: 'regex',
      default: '[0-9a-f\\-]+',
      help: "Which project ids Cinder accepts in a path (20.0.0 and later). A path with something else there, which is not the token's own project either, is left to Cinder, which answers 404.",
    },
    osapi_max_limit: {
      type: 'int',
      unit: 'items',
      min: 1,
      max: 1_000_000,
      default: '1000',
      help: 'The longest list Cinder answers with in one page.',
    },
  },
  keystone_authtoken: {
    ...AUTH_OPTIONS,
    ...TLS_OPTIONS,
    www_authenticate_uri: {
      type: 'string',
      pattern: { source: '^https?://[!-~]+$', expects: 'an http:// or https:// URL' },
      deprecated: ['auth_uri'],
      help: 'The address of Keystone in the WWW-Authenticate header of a 401, copied as written.',
    },
    auth_section: {
      type: 'string',
      help: 'Section to read auth_type, auth_url and the account from, instead of this one.',
    },
    region_name: {
      type: 'string',
      help: 'Accepted for compatibility with keystonemiddleware, without effect: Keystone is asked at auth_url.',
    },
    interface: {
      ...INTERFACES,
      default: 'internal',
      help: 'Accepted for compatibility with keystonemiddleware, without effect: Keystone is asked at auth_url.',
    },
    service_token_roles: {
      type: 'list',
      default: 'service',
      help: 'A service token must have one of these roles, compared exactly. With a role that ordinary users have they bypass the safety check.',
    },
    service_token_roles_required: {
      type: 'bool',
      default: 'false',
      help: 'Refuse a service token without one of service_token_roles (401) instead of ignoring it. keystonemiddleware changed its default to true in 13.0.0: set what the upstream Cinder uses.',
    },
    token_cache_time: {
      type: 'int',
      unit: 'seconds',
      min: -1,
      max: 86_400,
      default: '300',
      help: 'How long a valid token is trusted without asking Keystone again; -1 asks each time. A revoked token is still accepted for that long.',
    },
    service_type: {
      type: 'string',
      help: 'Accepted for compatibility with keystonemiddleware, without effect: a token with access rules is judged by Cinder itself, to which it is forwarded.',
    },
    http_connect_timeout: {
      ...SECONDS,
      help: 'Time limit to open a connection to Keystone, within keystone_timeout. Not set: only keystone_timeout applies.',
    },
    http_request_max_retries: {
      type: 'int',
      unit: 'retries',
      min: 0,
      max: 100,
      default: '3',
      help: 'How often a lookup in Keystone is retried when its connection fails, within keystone_timeout.',
    },
    memcached_servers: {
      type: 'list',
      default: '',
      deprecated: ['memcache_servers'],
      help: 'Servers (HOST:PORT) of memcached in which gateways share validated tokens, so that Keystone is asked about each only once. Used only with memcache_secret_key: entries are always encrypted. A server that fails is not used for memcache_pool_dead_retry; no request fails because of it.',
    },
    memcache_secret_key: {
      type: 'secret',
      help: 'Secret that entries in memcached_servers are encrypted with, the same on each gateway; at least 16 characters. Without it the servers are not used.',
    },
    memcache_security_strategy: {
      type: 'enum',
      choices: ['None', 'MAC', 'ENCRYPT'],
      default: 'None',
      help: 'Accepted for compatibility with keystonemiddleware, without effect: entries in memcached are always encrypted.',
    },
    memcache_pool_socket_timeout: {
      type: 'float',
      unit: 'seconds',
      min: 0.01,
      max: 10,
      default: '0.25',
      help: 'How long a memcached server may take to answer. It adds to the time of a request whose token is not in the local cache.',
    },
    memcache_pool_dead_retry: {
      type: 'float',
      unit: 'seconds',
      min: 0.1,
      max: 3600,
      default: '30',
      help: 'How long a memcached server that failed is not used.',
    },
    delay_auth_decision: {
      type: 'bool',
      default: 'false',
      refuse: {
        value: 'true',
        because:
          'must be false: the gateway refuses requests that it cannot authenticate, and does not leave that to others',
      },
      help: 'Must be false. True would forward requests without a valid token to Cinder.',
    },
  },
  service_user: {
    send_service_user_token: {
      type: 'bool',
      default: 'false',
      help: "Whether the service token that the gateway sends to Nova beside the user's token is of the account in this section. If false, or without an account here, it is of the account in [keystone_authtoken]. One is always sent.",
    },
    ...AUTH_OPTIONS,
    ...TLS_OPTIONS,
    auth_section: {
      type: 'string',
      help: 'Section to read auth_type, auth_url and the account from, instead of this one.',
    },
  },
  nova: {
    region_name: {
      type: 'string',
      help: 'Region of the Nova endpoint in the service catalogue. Must be set where there are several regions, or the wrong Nova is asked.',
    },
    interface: { ...INTERFACES, default: 'public', help: 'Which of the Nova endpoints is called.' },
    token_auth_url: {
      type: 'url',
      help: "Accepted for compatibility with Cinder, without effect: the user's token is sent to Nova as it is.",
    },
    ...TLS_OPTIONS,
    timeout: {
      ...SECONDS,
      help: 'Time limit for one HTTP request to Nova; the shorter of this and nova_timeout applies.',
    },
    endpoint_override: {
      type: 'url',
      help: 'The same as [cinderguard] nova_endpoint_override, which takes precedence.',
    },
  },
  oslo_policy: {
    policy_file: {
      type: 'path',
      default: 'policy.yaml',
      help: "Rules that replace the built-in ones. A relative path is looked for in the configuration directories, then beside the configuration files, the last one first; the first file found is the only one read. Use Cinder's own file, so that both decide by the same rules. There is no fallback to policy.json: a Cinder that has one needs policy_file = /etc/cinder/policy.json here.",
    },
    policy_default_rule: {
      type: 'string',
      default: 'default',
      help: 'The rule for names that have none, if a policy file defines it. Every name of Cinder has its own.',
    },
    policy_dirs: {
      type: 'multi',
      default: 'policy.d',
      help: 'Directory of further rule files, read after policy_file. May be repeated.',
    },
    enforce_new_defaults: {
      type: 'bool',
      default: 'false',
      help: 'Do not add the deprecated defaults to rules whose default changed. Must be the same as in Cinder.',
    },
    remote_content_type: {
      type: 'enum',
      choices: ['application/x-www-form-urlencoded', 'application/json'],
      default: 'application/x-www-form-urlencoded',
      help: 'Content type of requests to the servers of http: and https: checks.',
    },
    remote_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time limit for one request to the server of an http: or https: check. After it the request is refused with 503.',
    },
    remote_ssl_ca_crt_file: {
      type: 'path',
      help: 'CA certificates (PEM) for the servers of https: checks, if not signed by a public CA.',
    },
    remote_ssl_verify_server_crt: {
      type: 'bool',
      default: 'true',
      help: "Verify those servers' certificates. Without it anybody on the network path can decide; oslo.policy itself does not verify by default.",
    },
    remote_ssl_client_crt_file: {
      type: 'path',
      help: 'Client certificate (PEM) that the gateway presents to the servers of https: checks. With remote_ssl_client_key_file.',
    },
    remote_ssl_client_key_file: {
      type: 'path',
      help: 'Key of remote_ssl_client_crt_file (PEM, unencrypted).',
    },
    enforce_scope: {
      type: 'bool',
      default: 'false',
      help: 'Accepted for compatibility, without effect, as in Cinder: none of its rules has scope types.',
    },
  },
  policy: {
    enforce: {
      type: 'enum',
      choices: ['guarded', 'overrides', 'all'],
      default: 'overrides',
      help: 'Which rules the gateway enforces besides those on the guarded operations: none (guarded), those that policy files or the bundle define (overrides), or every rule of Cinder (all).',
    },
    unknown_operations: {
      type: 'enum',
      choices: ['forward', 'refuse'],
      default: 'forward',
      help: 'What happens to an API request for which the gateway knows no rule: Cinder judges it (forward), or only admins may do it (refuse, with 403).',
    },
    reload_interval: {
      type: 'float',
      unit: 'seconds',
      min: 0.1,
      max: 3600,
      default: '5',
      help: 'How often policy files are checked for changes. A broken one is rejected: the last good policy remains in force, and /readyz and a metric say so.',
    },
    bundle_url: {
      type: 'url',
      notEmpty: true,
      help: "Where the organisation's signed policy is fetched from, such as https://policy.example.org/cinder.jws. This gateway's own files override its rules, but can only tighten those that the bundle locks.",
    },
    bundle_public_keys: {
      type: 'list',
      default: '',
      help: 'Public keys (PEM), or directories of them, comma-separated; one of them must have signed the bundle.',
    },
    bundle_cache: {
      type: 'path',
      default: '/var/lib/cinderguard/policy-bundle.jws',
      help: 'Where the last good bundle is kept, for a restart while bundle_url does not answer.',
    },
    bundle_interval: {
      type: 'float',
      unit: 'seconds',
      min: 0.1,
      max: 86_400,
      default: '60',
      help: 'How often the bundle is fetched.',
    },
  },
  oslo_middleware: {
    max_request_body_size: {
      type: 'int',
      unit: 'bytes',
      min: 1,
      max: 1_073_741_824,
      default: '114688',
      deprecated: ['DEFAULT.osapi_max_request_body_size', 'DEFAULT.max_request_body_size'],
      help: 'A larger body is refused with 413. Bodies are held in memory while they are judged: with a large value clients can fill it.',
    },
    enable_proxy_headers_parsing: {
      type: 'bool',
      default: 'false',
      help: "Accepted for compatibility with Cinder, without effect here: X-Forwarded-* (except X-Forwarded-Prefix, which is removed) and Forwarded are passed on unchanged; Cinder, with this option, builds the links in its answers from them. For the client's address the gateway itself uses [cinderguard] trusted_proxies.",
    },
  },
  cors: {
    allowed_origin: {
      type: 'list',
      default: '',
      help: "Accepted for compatibility with Cinder, without effect: browsers are answered by the upstream Cinder, and the gateway's own refusals allow no origin.",
    },
  },
} as const satisfies Record<string, Record<string, Option>>

type SectionValues<Rows> = {
  readonly [N in keyof Rows]: Rows[N] extends Option ? ValueOf<Rows[N]> : never
}

type Values = { readonly [S in keyof typeof OPTIONS]: SectionValues<(typeof OPTIONS)[S]> }

/** All options, read and checked: `config.section.option`, named as in the file. */
export interface Config extends Values {
  /** The accounts the gateway calls other services with. */
  readonly credentials: {
    /** To ask Keystone about tokens. */
    readonly keystone_authtoken: Credentials
    /** For the service token sent to Nova; undefined when send_service_user_token is false. */
    readonly service_user: Credentials | undefined
  }
  /** What was read, oldest first, files of directories included. */
  readonly sources: { readonly files: readonly string[]; readonly dirs: readonly string[] }
}

/** A row by names from outside, which may be anything. */
export function findOption(section: string, name: string): Option | undefined {
  const rows: Record<string, Record<string, Option>> = OPTIONS
  const group = Object.hasOwn(rows, section) ? rows[section] : undefined
  return group !== undefined && Object.hasOwn(group, name) ? group[name] : undefined
}

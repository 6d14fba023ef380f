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
  DEFAULT: "Options of Cinder's own [DEFAULT] that the gateway must read as Cinder reads them.",
  keystone_authtoken: 'The Keystone that tokens are checked with, and the account the gateway does it with.',
  service_user: 'The account behind the service token the gateway sends to Nova.',
  nova: 'Where Nova is, to be asked about attachments.',
  oslo_policy: 'Rules about who may do what, read as Cinder reads them.',
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
      help: 'Where clients connect: HOST:PORT, [IPV6]:PORT or unix:/PATH. An address in use, or of no interface here, stops the start.',
    },
    upstream: {
      type: 'url',
      required: true,
      help: 'The Cinder API behind the gateway. Cinder must accept connections from the gateway only: whoever reaches it directly goes round every check.',
    },
    upstream_socket: {
      type: 'path',
      help: 'A unix socket on which the upstream listens; the host in upstream is then only what is sent as Host by the gateway itself.',
    },
    upstream_cafile: {
      type: 'path',
      help: "What the upstream's certificate is signed by (PEM), if it is not a public authority.",
    },
    upstream_certfile: {
      type: 'path',
      help: 'Certificate (PEM) that the gateway shows to the upstream, which may then refuse everybody else. With upstream_keyfile.',
    },
    upstream_keyfile: { type: 'path', help: 'Key of upstream_certfile (PEM, unencrypted).' },
    upstream_insecure: {
      type: 'bool',
      default: 'false',
      help: "Does not check the upstream's certificate: whoever stands between may then read and change everything.",
    },
    forwarder: {
      type: 'enum',
      choices: ['http-proxy-3', 'undici'],
      default: 'http-proxy-3',
      help: 'Which library forwards requests. Both pass the same tests; undici is faster.',
    },
    workers: {
      type: 'int',
      unit: 'processes',
      min: 1,
      max: 256,
      default: '1',
      help: 'How many processes share the bind listener; about one for each core. Each has its own token cache. With 1 there is no process besides the gateway itself.',
    },
    tls_cert_file: {
      type: 'path',
      help: 'Certificate (PEM, with what it was signed by) of the bind listener, which then speaks TLS. With tls_key_file. A replaced file counts within seconds.',
    },
    tls_key_file: { type: 'path', help: 'Key of tls_cert_file (PEM, unencrypted).' },
    tls_client_ca_file: {
      type: 'path',
      help: 'Only clients with a certificate signed by one of these (PEM) are served. Needs tls_cert_file.',
    },
    admin_bind: {
      type: 'address',
      default: '127.0.0.1:9776',
      help: 'Where health, readiness, metrics and the console are served, in the form of bind. Health, readiness and metrics need no login: keep it off public networks. The console and its API do; see console_role.',
    },
    admin_tls_cert_file: {
      type: 'path',
      help: 'Certificate (PEM, with what it was signed by) of the admin listener, which then speaks TLS. With admin_tls_key_file. A replaced file counts within seconds.',
    },
    admin_tls_key_file: { type: 'path', help: 'Key of admin_tls_cert_file (PEM, unencrypted).' },
    readiness_interval: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 3600,
      default: '5',
      help: 'How often Keystone, Cinder and Nova are probed for /readyz and cinderguard_dependency_ready; a result is good for a second and a half for all who ask. 0 probes only when somebody asks, and metrics are then as old.',
    },
    mode: {
      type: 'enum',
      choices: ['enforce', 'observe'],
      default: 'enforce',
      help: 'What happens to a request that fails a check: enforce refuses it, observe forwards it and counts and records what would have been answered. A request that has no single meaning is refused in both.',
    },
    mode_overrides: {
      type: 'list',
      default: '',
      help: 'Another mode for one operation, reason or policy rule: NAME=enforce or NAME=observe, divided by commas, such as volume-detach=observe. The rule goes before the reason, that before the operation, and that before mode.',
    },
    trusted_service_users: {
      type: 'list',
      default: '',
      help: "Ids of users whose calls count as a service's though they send no service token. Whoever has a token of such a user goes round the safety check: a debt, to be paid off by [service_user] in the service.",
    },
    console_role: {
      type: 'string',
      default: '',
      help: 'Role of a Keystone token that may read decisions on the admin listener. Not needed where admin_bind is a loopback address or unix socket: who reaches that may read. Elsewhere, empty lets nobody.',
    },
    service_hosts: {
      type: 'list',
      default: '',
      help: 'Addresses, or networks such as 10.0.0.0/24, that services such as Nova call from. A refused call from there is recorded as service_token_missing instead of attachment_in_use; the answer and the decision stay the same.',
    },
    trusted_proxies: {
      type: 'list',
      default: '',
      help: 'Addresses, or networks such as 10.0.0.0/24, of the proxies and balancers in front of the gateway; unix for one that connects by a unix socket. The X-Forwarded-For that they append to says who the client is, for records, service_hosts and the policy check cinderguard.address; it is read from the right, through these only. Name nobody who does not append to it: clients behind it could invent addresses. Empty: the other end of the connection is the client.',
    },
    audit_log: {
      type: 'string',
      default: '',
      pattern: {
        source: '^(?:stdout|/.+|syslog(?:\\+tcp)?://(?:\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9.-]+)(?::\\d{1,5})?)?$',
        expects: 'empty, stdout, /PATH, syslog://HOST:PORT or syslog+tcp://HOST:PORT',
      },
      help: 'Where decision records go, one CADF event a line for each refusal and each guarded operation: stdout, a file (opened again on SIGHUP), syslog over UDP (syslog://; what no datagram holds is sent without its facts) or over TCP (syslog+tcp://). Empty writes none.',
    },
    audit_queue: {
      type: 'int',
      unit: 'bytes',
      min: 65_536,
      max: 1_073_741_824,
      default: '16777216',
      help: 'How much of the decision records may wait for a slow sink. What does not fit is dropped and counted in cinderguard_decision_records_total.',
    },
    traces_url: {
      type: 'url',
      help: 'Where OpenTelemetry traces are sent (OTLP over HTTP), such as http://collector:4318/v1/traces. Without it none are made. A collector that does not answer loses them, and delays no request.',
    },
    traces_sample_ratio: {
      type: 'float',
      min: 0,
      max: 1,
      default: '1',
      help: 'How many of the requests that bring no trace of their own are traced, from 0 to 1. One that brings a traceparent is traced when that says so.',
    },
    guard_shared_connector: {
      type: 'bool',
      default: 'false',
      help: 'Also refuse to delete or detach a second connected attachment record of a volume that Nova uses by another one: its deletion can tear down the real connection. Fixed Cinder lets it pass.',
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
      help: 'Path in front of /v3 under which clients see the API, such as /volume. A wrong one makes every request a 404.',
    },
    decision_timeout: {
      ...SECONDS,
      default: '10',
      help: 'Time for all look-ups of one decision together. When it is over the request is refused with 503.',
    },
    keystone_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time for one call to Keystone. When it is over the request is refused with 503.',
    },
    nova_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time for one call to Nova. When it is over the request is refused, since nobody knows whether the volume is in use.',
    },
    cinder_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time for one look-up in Cinder before a decision; forwarded requests have upstream_timeout.',
    },
    upstream_timeout: {
      ...SECONDS,
      default: '60',
      help: 'Time Cinder has to answer a forwarded request. When it is over the client gets a 504, though Cinder may still do the work.',
    },
    max_headers: {
      type: 'int',
      unit: 'header lines',
      min: 10,
      max: 2000,
      default: '100',
      help: 'More header lines than this are refused. Too low a number refuses requests that came through many proxies.',
    },
    shutdown_delay: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 300,
      default: '0',
      help: 'How long connections are still taken after SIGTERM while /readyz already says no, so that a balancer has noticed before the listener closes. Set it to a little more than its check takes.',
    },
    shutdown_timeout: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 86_400,
      default: '30',
      help: 'Time for requests under way after a SIGTERM; then their connections are cut.',
    },
    token_negative_cache_time: {
      type: 'float',
      unit: 'seconds',
      min: 0,
      max: 300,
      default: '5',
      help: 'How long a token Keystone does not know is refused without asking again. 0 asks each time, which lets anybody with a wrong token load Keystone.',
    },
    token_cache_size: {
      type: 'int',
      unit: 'entries',
      min: 0,
      max: 10_000_000,
      default: '100000',
      help: 'How many tokens are remembered; the one unused longest goes first. 0 remembers none. Each entry takes some kilobytes of memory.',
    },
    nova_endpoint_override: {
      type: 'url',
      also: ['nova.endpoint_override'],
      help: "Nova's API, such as http://nova:8774/v2.1, instead of the one in the service catalogue. [nova] endpoint_override does the same; this one is what the program reads.",
    },
    log_level: {
      type: 'enum',
      choices: ['error', 'warn', 'info', 'debug'],
      synonyms: { warning: 'warn' },
      default: 'info',
      help: 'The least important lines that are still written.',
    },
    jws_public_keys: {
      type: 'list',
      default: '',
      help: "Files or directories of Keystone's public keys, for clouds with JWS tokens: a bad signature is then refused without asking Keystone. A missing key refuses good tokens after a rotation. Empty leaves all to Keystone.",
    },
  },
  DEFAULT: {
    project_id_regex: {
      type: 'regex',
      default: '[0-9a-f\\-]+',
      help: "What the project id in a path looks like to Cinder (20.0.0 and later). Where a path has something else in that place, and not the token's own project either, it is left to Cinder, whose routes do not know it (404).",
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
      help: 'The address of Keystone told to clients in the WWW-Authenticate header of a 401, written there as it stands here.',
    },
    auth_section: {
      type: 'string',
      help: 'Section to read auth_type, auth_url and the account from, instead of this one.',
    },
    region_name: {
      type: 'string',
      help: 'Read as keystonemiddleware writes it, and of no effect: Keystone is asked at auth_url.',
    },
    interface: {
      ...INTERFACES,
      default: 'internal',
      help: 'Read as keystonemiddleware writes it, and of no effect: Keystone is asked at auth_url.',
    },
    service_token_roles: {
      type: 'list',
      default: 'service',
      help: 'A service token counts when it has one of these roles, compared exactly. A role that ordinary users have lets them go round the checks meant for services.',
    },
    service_token_roles_required: {
      type: 'bool',
      default: 'false',
      help: 'Refuse a service token without one of service_token_roles (401) instead of ignoring it. keystonemiddleware changed its default to true in 13.0.0: set what the Cinder behind uses.',
    },
    token_cache_time: {
      type: 'int',
      unit: 'seconds',
      min: -1,
      max: 86_400,
      default: '300',
      help: 'How long a token found valid is trusted without asking Keystone again; -1 asks each time. A revoked token goes on working here for as long.',
    },
    service_type: {
      type: 'string',
      help: 'Read as keystonemiddleware writes it, and of no effect: a token with access rules is judged by Cinder itself, to which it is forwarded.',
    },
    http_connect_timeout: {
      ...SECONDS,
      help: 'Time to open a connection to Keystone; within keystone_timeout, which alone counts without it.',
    },
    http_request_max_retries: {
      type: 'int',
      unit: 'retries',
      min: 0,
      max: 100,
      default: '3',
      help: 'How often a look-up in Keystone whose connection fails is tried again, within keystone_timeout.',
    },
    memcached_servers: {
      type: 'list',
      default: '',
      deprecated: ['memcache_servers'],
      help: 'Servers (HOST:PORT) of memcached in which gateways share what Keystone said of a token, so that each is asked about once. Used only with memcache_secret_key: entries are always sealed. A server that fails is left alone for memcache_pool_dead_retry; no request fails of it.',
    },
    memcache_secret_key: {
      type: 'secret',
      help: 'What entries in memcached_servers are sealed with, the same on each gateway; at least 16 characters. Without it the servers are not used.',
    },
    memcache_security_strategy: {
      type: 'enum',
      choices: ['None', 'MAC', 'ENCRYPT'],
      default: 'None',
      help: 'Read as keystonemiddleware writes it, and of no other effect: with a memcache_secret_key entries are always encrypted.',
    },
    memcache_pool_socket_timeout: {
      type: 'float',
      unit: 'seconds',
      min: 0.01,
      max: 10,
      default: '0.25',
      help: 'How long a memcached server may take to answer. This is added to a request whose token is in no nearer cache.',
    },
    memcache_pool_dead_retry: {
      type: 'float',
      unit: 'seconds',
      min: 0.1,
      max: 3600,
      default: '30',
      help: 'How long a memcached server that failed is left alone.',
    },
    delay_auth_decision: {
      type: 'bool',
      default: 'false',
      refuse: {
        value: 'true',
        because:
          'must be false: the gateway refuses whoever it cannot identify, and lets nobody else decide that',
      },
      help: 'Must be false. True would let requests without a valid token through to Cinder.',
    },
  },
  service_user: {
    send_service_user_token: {
      type: 'bool',
      default: 'false',
      help: "Send a service token of this account with the user's token to Nova, so that a user token may expire under way. Without an account here that of [keystone_authtoken] is used.",
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
      help: "Read as Cinder writes it, and of no effect: the user's token is sent to Nova as it is.",
    },
    ...TLS_OPTIONS,
    timeout: {
      ...SECONDS,
      help: 'Time for one HTTP request to Nova; the shorter of this and nova_timeout counts.',
    },
    endpoint_override: {
      type: 'url',
      help: 'The same as [cinderguard] nova_endpoint_override, which goes first.',
    },
  },
  oslo_policy: {
    policy_file: {
      type: 'path',
      default: 'policy.yaml',
      help: "Rules that replace the built-in ones. A relative path is looked for beside the configuration files. Use Cinder's own file: with another one the gateway judges by other rules than Cinder.",
    },
    policy_default_rule: {
      type: 'string',
      default: 'default',
      help: 'The rule that judges names for which there is none, if a policy file has it. Every name of Cinder has its own.',
    },
    policy_dirs: {
      type: 'multi',
      default: 'policy.d',
      help: 'Directory of further rule files, read after policy_file. Write the option again for each directory.',
    },
    enforce_new_defaults: {
      type: 'bool',
      default: 'false',
      help: 'Leave the old defaults out of rules that were changed. Must be as in Cinder.',
    },
    remote_content_type: {
      type: 'enum',
      choices: ['application/x-www-form-urlencoded', 'application/json'],
      default: 'application/x-www-form-urlencoded',
      help: 'In which form servers that http: and https: checks name are asked.',
    },
    remote_timeout: {
      ...SECONDS,
      default: '5',
      help: 'Time for one question to a server that a policy rule names. When it is over the request is refused with 503.',
    },
    remote_ssl_ca_crt_file: {
      type: 'path',
      help: 'CA certificates (PEM) of servers that https: checks name, if it is not a public authority.',
    },
    remote_ssl_verify_server_crt: {
      type: 'bool',
      default: 'true',
      help: "Verify those servers' certificates. Without it whoever stands between decides; oslo.policy does not verify unless it is told to.",
    },
    remote_ssl_client_crt_file: {
      type: 'path',
      help: 'Certificate (PEM) that the gateway shows to servers that https: checks name. With remote_ssl_client_key_file.',
    },
    remote_ssl_client_key_file: {
      type: 'path',
      help: 'Key of remote_ssl_client_crt_file (PEM, unencrypted).',
    },
    enforce_scope: {
      type: 'bool',
      default: 'false',
      help: "Taken as in Cinder's file, and without effect, as in Cinder: none of its rules says for which scopes it is made.",
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
      help: 'How often policy files are looked at. A broken one is not taken: the last good policy stays, and /readyz and a metric say so.',
    },
    bundle_url: {
      type: 'url',
      help: "Where the organisation's signed policy is fetched, such as https://policy.example.org/cinder.jws. Its rules are below those of this gateway's own files, but what it locks can only be tightened by them.",
    },
    bundle_public_keys: {
      type: 'list',
      default: '',
      help: 'Public keys (PEM), or folders of them, divided by commas; one of them must have signed the bundle.',
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
      help: 'How often the bundle is asked for.',
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
      help: 'A larger body is refused with 413. Bodies are held in memory while they are judged: a great value lets clients fill it.',
    },
    enable_proxy_headers_parsing: {
      type: 'bool',
      default: 'false',
      help: "Read as Cinder writes it, and of no effect here: X-Forwarded-* and Forwarded go on to Cinder as they came, which by this option builds the links in its answers of them. Whose word on the client's address the gateway itself takes is [cinderguard] trusted_proxies.",
    },
  },
  cors: {
    allowed_origin: {
      type: 'list',
      default: '',
      help: "Read as Cinder writes it, and of no effect: browsers are answered by the upstream Cinder, and the gateway's own refusals allow no origin.",
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

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labPassword } from './accounts.ts'
import { type LabLayout, labPaths } from './LabLayout.ts'

type Sections = Record<string, Record<string, string | number | boolean>>

function ini(sections: Sections): string {
  return Object.entries(sections)
    .map(
      ([name, values]) =>
        `[${name}]\n${Object.entries(values)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join('')}`,
    )
    .join('\n')
}

const credentials = (username: string, keystoneUrl: string) => ({
  auth_type: 'password',
  auth_url: keystoneUrl,
  username,
  password: labPassword,
  user_domain_name: 'Default',
  project_name: 'service',
  project_domain_name: 'Default',
  region_name: 'RegionOne',
})

const database = (path: string) => ({ connection: `sqlite:///${path}?timeout=30`, sqlite_synchronous: false })

/** Writes the configuration of Keystone, Nova and both kinds of Cinder, and of RabbitMQ. */
export function writeConfigs({ root, ports }: LabLayout): void {
  const paths = labPaths(root)
  const keystoneUrl = `http://127.0.0.1:${ports.keystone}/v3`
  const transport = `rabbit://guest:guest@127.0.0.1:${ports.rabbit}/`
  const write = (path: string, sections: Sections) => writeFileSync(path, ini(sections))
  for (const folder of [paths.conf, paths.data, paths.logs, join(paths.data, 'locks')])
    mkdirSync(folder, { recursive: true })
  for (const policy of [paths.policy, paths.legacyPolicy]) writeFileSync(policy, '{}\n')
  const authtoken = (user: string, type: string, required: boolean) => ({
    ...credentials(user, keystoneUrl),
    www_authenticate_uri: keystoneUrl,
    service_type: type,
    service_token_roles: 'service',
    service_token_roles_required: required,
  })
  const common = { use_stderr: true, debug: false, transport_url: transport, my_ip: '127.0.0.1', host: 'lab' }
  const tail = {
    oslo_concurrency: { lock_path: join(paths.data, 'locks') },
    oslo_policy: { policy_file: paths.policy },
    oslo_messaging_rabbit: {
      heartbeat_in_pthread: false,
      rabbit_retry_backoff: 1,
      kombu_reconnect_delay: 0.3,
    },
  }

  write(paths.keystoneConf, {
    DEFAULT: { use_stderr: true },
    database: database(paths.databases.keystone),
    cache: { enabled: true, backend: 'dogpile.cache.memory' },
    catalog: { caching: false },
    identity: { password_hash_rounds: 4 },
    token: { provider: 'fernet', expiration: 14400 },
    fernet_tokens: { key_repository: join(paths.data, 'fernet') },
    credential: { key_repository: join(paths.data, 'credential') },
    fernet_receipts: { key_repository: join(paths.data, 'fernet') },
    oslo_policy: { policy_file: paths.policy },
  })

  write(paths.novaConf, {
    DEFAULT: { ...common, state_path: paths.data },
    api: { auth_strategy: 'keystone' },
    database: database(paths.databases.nova),
    api_database: database(paths.databases.novaApi),
    keystone_authtoken: authtoken('nova', 'compute', false),
    service_user: { send_service_user_token: true, ...credentials('nova', keystoneUrl) },
    ...tail,
  })
  copyFileSync('/etc/nova/api-paste.ini', join(paths.conf, 'api-paste.ini'))

  const cinders = [
    { path: paths.cinderConf, required: false, policy: paths.policy },
    { path: paths.cinderRequiredConf, required: true, policy: paths.policy },
    { path: paths.cinderLegacyConf, required: false, policy: paths.legacyPolicy },
    { path: paths.cinderLegacyRequiredConf, required: true, policy: paths.legacyPolicy },
  ]
  for (const { path, required, policy } of cinders)
    write(path, {
      DEFAULT: {
        ...common,
        auth_strategy: 'keystone',
        state_path: paths.data,
        api_paste_config: '/etc/cinder/api-paste.ini',
        resource_query_filters_file: '/etc/cinder/resource_filters.json',
        rootwrap_config: '/etc/cinder/rootwrap.conf',
        default_volume_type: '__DEFAULT__',
        enabled_backends: 'lab',
        osapi_volume_listen: '127.0.0.1',
        osapi_volume_listen_port: ports.eventlet,
        osapi_volume_workers: 1,
        glance_num_retries: 0,
        periodic_interval: 10,
        report_interval: 10,
      },
      database: database(paths.databases.cinder),
      keystone_authtoken: authtoken('cinder', 'volumev3', required),
      service_user: { send_service_user_token: true, ...credentials('cinder', keystoneUrl) },
      nova: { token_auth_url: keystoneUrl, interface: 'public', ...credentials('cinder', keystoneUrl) },
      lab: { volume_driver: 'lab_driver.LabDriver', volume_backend_name: 'lab' },
      ...tail,
      oslo_policy: { policy_file: policy },
    })

  writeFileSync(
    join(paths.conf, 'rabbitmq.conf'),
    `listeners.tcp.default = 127.0.0.1:${ports.rabbit}\nlog.console = true\nlog.file = false\n`,
  )
  writeFileSync(join(paths.conf, 'enabled_plugins'), '[].\n')
}

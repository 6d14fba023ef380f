import { join } from 'node:path'
import { type CinderName, type LabLayout, labPaths } from './LabLayout.ts'
import type { LabCommand } from './LabProcesses.ts'

const python = join(import.meta.dirname, 'python')
const pythonEnv = { PYTHONPATH: python, PYTHONDONTWRITEBYTECODE: '1' }

function uwsgi(name: string, port: number, application: string, env: Record<string, string>): LabCommand {
  const flags =
    '--lazy-apps --enable-threads --need-app --buffer-size 65535 --post-buffering 65536 --die-on-term'
  const argv = [
    '/usr/bin/uwsgi',
    '--plugin',
    'python3',
    '--http-socket',
    `127.0.0.1:${port}`,
    ...flags.split(' '),
  ]
  return {
    name,
    argv: [...argv, '--add-header', 'Connection: close', '--wsgi-file', application],
    env: { ...pythonEnv, ...env },
  }
}

function rabbit({ root, ports }: LabLayout): LabCommand[] {
  const paths = labPaths(root)
  const epmd = { ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(ports.epmd) }
  const env = {
    ...epmd,
    RABBITMQ_CONFIG_FILE: join(paths.conf, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(paths.conf, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(paths.data, 'mnesia'),
    RABBITMQ_LOG_BASE: paths.logs,
    RABBITMQ_PID_FILE: join(root, 'rabbitmq.pid'),
    RABBITMQ_NODENAME: 'lab@localhost',
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  }
  return [
    // started here, as one that rabbitmq-server starts would outlive the lab
    {
      name: 'epmd',
      argv: ['/usr/bin/epmd', '-address', '127.0.0.1', '-port', String(ports.epmd)],
      env: epmd,
    },
    { name: 'rabbitmq', argv: ['/usr/lib/rabbitmq/bin/rabbitmq-server'], env },
  ]
}

/** The command of one Cinder API under uWSGI. */
function cinderApi({ root, ports }: LabLayout, name: CinderName, isTimed: boolean): LabCommand {
  const paths = labPaths(root)
  const conf = {
    fixed: paths.cinderConf,
    fixedRequired: paths.cinderRequiredConf,
    legacy: paths.cinderLegacyConf,
    legacyRequired: paths.cinderLegacyRequiredConf,
  }
  const command = uwsgi(name, ports[name], join(python, 'lab_cinder_api.py'), {
    LAB_CINDER_CONF: conf[name],
    ...(name.startsWith('legacy') ? { LAB_VERDICTS: isTimed ? 'none' : paths.verdicts } : {}),
  })
  return isTimed ? { ...command, argv: [...command.argv, '--master', '--processes', '2'] } : command
}

/** Every command of a lab with the given Cinders, in the order to start them. */
export function serviceCommands(
  layout: LabLayout,
  cinders: readonly CinderName[],
  eventlet: boolean,
  isTimed = false,
): LabCommand[] {
  const paths = labPaths(layout.root)
  const conf = ['--config-file', paths.cinderConf]
  const twin: LabCommand = {
    name: 'eventlet',
    argv: [
      '/usr/bin/python3',
      join(python, 'lab_cinder_eventlet.py'),
      '--config-file',
      paths.cinderLegacyConf,
    ],
    env: { ...pythonEnv, LAB_VERDICTS: paths.verdicts },
  }
  return [
    ...rabbit(layout),
    uwsgi('keystone', layout.ports.keystone, '/usr/bin/keystone-wsgi-public', {
      OS_KEYSTONE_CONFIG_DIR: paths.conf,
      OS_KEYSTONE_CONFIG_FILES: paths.keystoneConf,
    }),
    { name: 'cinder-volume', argv: ['/usr/bin/cinder-volume', ...conf], env: pythonEnv },
    { name: 'cinder-scheduler', argv: ['/usr/bin/cinder-scheduler', ...conf], env: pythonEnv },
    uwsgi('nova', layout.ports.nova, '/usr/bin/nova-api-wsgi', { OS_NOVA_CONFIG_DIR: paths.conf }),
    ...cinders.map((name) => cinderApi(layout, name, isTimed)),
    ...(eventlet ? [twin] : []),
  ]
}

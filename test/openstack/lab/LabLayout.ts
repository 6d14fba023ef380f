import { join } from 'node:path'

export const cinderNames = ['fixed', 'legacy', 'fixedRequired', 'legacyRequired'] as const
export type CinderName = (typeof cinderNames)[number]

/** Where everything of one lab lies and listens. */
export type LabLayout = {
  /** The lab's own directory. */
  readonly root: string
  /** Ports on 127.0.0.1; `eventlet` is unused unless asked for. */
  readonly ports: Record<
    'epmd' | 'distribution' | 'rabbit' | 'keystone' | 'nova' | 'eventlet' | CinderName,
    number
  >
}

/** The paths inside a lab's directory. */
export function labPaths(root: string) {
  const conf = join(root, 'conf')
  const data = join(root, 'data')
  return {
    root,
    conf,
    data,
    logs: join(root, 'logs'),
    /** Of fixed and legacy: service_token_roles_required = false. */
    cinderConf: join(conf, 'cinder.conf'),
    /** Of fixedRequired and legacyRequired. */
    cinderRequiredConf: join(conf, 'cinder-required.conf'),
    /** Of legacy and the eventlet twin, and of legacyRequired: the same with a policy file of their own. */
    cinderLegacyConf: join(conf, 'cinder-legacy.conf'),
    cinderLegacyRequiredConf: join(conf, 'cinder-legacy-required.conf'),
    /** The policy file of the fixed Cinders, and of the gateway. */
    policy: join(conf, 'policy.yaml'),
    legacyPolicy: join(conf, 'policy-legacy.yaml'),
    keystoneConf: join(conf, 'keystone.conf'),
    novaConf: join(conf, 'nova.conf'),
    verdicts: join(root, 'verdicts.jsonl'),
    pids: join(root, 'pids.json'),
    databases: {
      keystone: join(data, 'keystone.db'),
      cinder: join(data, 'cinder.db'),
      nova: join(data, 'nova.db'),
      novaCell0: join(data, 'nova_cell0.db'),
      novaApi: join(data, 'nova_api.db'),
    },
  }
}
export type LabPaths = ReturnType<typeof labPaths>

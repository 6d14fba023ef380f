/** Everything that doctor checks, by the stable name of its findings: what holds when the finding is `ok`. */
export const FINDINGS = {
  keystone: "Keystone answers, and the gateway's own account can log in.",
  'token-validation': "Keystone lets the gateway's account ask about other users' tokens.",
  'service-role': 'The account whose service token the gateway sends to Nova has a service role.',
  'service-account': 'The account in [service_user] can log in.',
  cinder: 'The upstream Cinder answers.',
  'cinder-microversion': 'Cinder lists all attachments of a volume (microversion 3.27).',
  nova: 'Nova answers.',
  'nova-microversion': 'Nova tells which attachment it uses (microversion 2.89).',
  clock: 'The clocks of the gateway and of Keystone agree.',
  certificate: 'No certificate that the gateway needs is about to expire.',
  'upstream-reachable': 'Nobody but the gateway reaches Cinder.',
  catalogue: "The service catalogue's block storage endpoints lead to the gateway.",
  traffic: 'Decisions of the running gateway, or of a log, could be read.',
  'service-token-missing': 'No service was seen calling without a service token.',
  'service-role-missing': 'No service was seen whose user lacks a service role.',
  'invalid-service-token': 'No service was seen whose service token is refused.',
  'would-be-refused': 'Nothing else that works today would be refused.',
  outages: 'The services that the gateway asks answered all the time.',
  'service-nova': 'Nova was seen sending valid service tokens.',
  'service-glance': 'Glance was seen sending valid service tokens.',
  'service-cinder-backup': 'Cinder was seen sending valid service tokens.',
  'service-ironic': 'Ironic was seen sending valid service tokens.',
  'service-manila': 'Manila was seen sending valid service tokens.',
  'service-masakari': 'Masakari was seen sending valid service tokens.',
  'services-optional': 'Services that need no service token here were not seen sending one.',
  'trusted-proxies': 'The addresses of clients are known, proxies in front or not.',
  'trusted-service-users': 'Nobody counts as a service without a service token.',
  mode: 'The gateway enforces.',
  'mode-override': 'No override makes part of it only observe.',
  insecure: 'The certificates of services are checked.',
  'admin-listener': 'The admin listener is not open to a network.',
  policy: "Cinder's policy files were found.",
} as const satisfies Record<string, string>

export type FindingId = keyof typeof FINDINGS

/** `error`: something is refused or unguarded now. `warning`: it will be, or may be. `info`: good to know. */
export type Level = 'ok' | 'info' | 'warning' | 'error'

export type Finding = Well | ToDo

interface Well {
  readonly id: FindingId
  readonly level: 'ok'
  readonly what: string
  readonly why: ''
  readonly fix: readonly []
}

export interface ToDo {
  readonly id: FindingId
  readonly level: Exclude<Level, 'ok'>
  readonly what: string
  /** Why it matters. */
  readonly why: string
  /** The configuration lines or commands that fix it. */
  readonly fix: readonly [string, ...string[]]
}

/** Commands that give a user a role, which may not exist yet. */
export function roleAdd(role: string, user: string, project: string): readonly [string, string] {
  return [
    `openstack role create --or-show ${role}`,
    `openstack role add --user ${user} --project ${project} ${role}`,
  ]
}

export function ok(id: FindingId, what: string): Finding {
  return { id, level: 'ok', what, why: '', fix: [] }
}

import type { FindingId } from './finding.ts'

/** A service that calls Cinder, or that operators think of when they hear of service tokens. */
export interface CloudService {
  readonly id: Extract<FindingId, `service-${string}`>
  readonly name: string
  /** Words in the name of its user, which may be `nova`, `svc-nova` or `nova_service`. */
  readonly words: readonly string[]
  /** Null when nothing breaks without its service token. */
  readonly need: Need | null
}

interface Need {
  /** What breaks. */
  readonly without: string
  /** What to write, for a user with a role of service_token_roles. */
  readonly fix: (user: string) => readonly [string, ...string[]]
}

const account = (user: string) => [
  'auth_type = password',
  'auth_url = …',
  `username = ${user}`,
  'password = …',
  'user_domain_name = Default',
  'project_name = service',
  'project_domain_name = Default',
]

/** Nova first: it is in every cloud, and every detach of users goes through it. */
export const SERVICES: readonly [CloudService & { readonly need: Need }, ...CloudService[]] = [
  {
    id: 'service-nova',
    name: 'Nova',
    words: ['nova', 'compute'],
    need: {
      without:
        'Users cannot detach their volumes through Nova: a fixed Cinder, and the gateway in enforce mode, answer 409.',
      fix: (user) => [
        '# nova.conf on controllers and on every compute host; then restart nova-api and nova-compute',
        '[service_user]',
        'send_service_user_token = true',
        ...account(user),
      ],
    },
  },
  // Its attachments name no server, so they are never refused; up to 2023.1 it cannot send any.
  { id: 'service-glance', name: 'Glance', words: ['glance', 'image'], need: null },
  // What cinder-volume and cinder-backup ask of Nova and Glance does not pass through the gateway.
  { id: 'service-cinder-backup', name: 'Cinder', words: ['cinder'], need: null },
  {
    id: 'service-ironic',
    name: 'Ironic',
    words: ['ironic', 'baremetal'],
    need: {
      without: 'If you run Ironic: bare metal nodes that boot from a volume may not be able to detach it.',
      fix: (user) => [
        '# ironic.conf; this account is also what it sends as service token, and needs the role',
        '[cinder]',
        ...account(user),
      ],
    },
  },
  // Its generic driver attaches and detaches through Nova, whose service token is what matters.
  { id: 'service-manila', name: 'Manila', words: ['manila'], need: null },
  // It evacuates through Nova, whose service token is what matters.
  { id: 'service-masakari', name: 'Masakari', words: ['masakari'], need: null },
]

/** Whether a user is, by its name, the service's: one of its words stands by itself in it. */
export function isUserOf({ words }: CloudService, userName: string): boolean {
  const parts = userName.toLowerCase().split(/[^a-z]+/)
  return words.some((word) => parts.includes(word))
}

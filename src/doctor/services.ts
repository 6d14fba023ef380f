import type { FindingId } from './finding.ts'

/** A service that calls Cinder, or that operators think of when they hear of service tokens. */
export interface CloudService {
  readonly id: Extract<FindingId, `service-${string}`>
  readonly name: string
  /** Words in the name of its user, which may be `nova`, `svc-nova` or `nova_service`. */
  readonly words: readonly string[]
  /** What breaks without its service token; null when nothing does. */
  readonly without: string | null
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
export const SERVICES: readonly CloudService[] = [
  {
    id: 'service-nova',
    name: 'Nova',
    words: ['nova', 'compute'],
    without:
      'Users cannot detach their volumes by Nova: fixed Cinder, and the gateway once it enforces, answer 409.',
    fix: (user) => [
      '# nova.conf on controllers and on every compute host; then restart nova-api and nova-compute',
      '[service_user]',
      'send_service_user_token = true',
      ...account(user),
    ],
  },
  {
    id: 'service-glance',
    name: 'Glance',
    words: ['glance', 'image'],
    without: null,
    fix: () => [
      '# nothing: its attachments name no server, so they are never refused; up to 2023.1 it cannot send any',
    ],
  },
  {
    id: 'service-cinder-backup',
    name: 'Cinder',
    words: ['cinder'],
    without: null,
    fix: (user) => [
      '# cinder.conf of cinder-volume and cinder-backup, for what they ask of Nova and Glance; nothing of it passes here',
      '[service_user]',
      'send_service_user_token = true',
      ...account(user),
    ],
  },
  {
    id: 'service-ironic',
    name: 'Ironic',
    words: ['ironic', 'baremetal'],
    without: 'Bare metal that boots from a volume may not be able to let go of it.',
    fix: (user) => [
      '# ironic.conf; this account is also what it sends as service token, and needs the role',
      '[cinder]',
      ...account(user),
    ],
  },
  {
    id: 'service-manila',
    name: 'Manila',
    words: ['manila'],
    without: null,
    fix: () => ['# nothing: its generic driver attaches and detaches by Nova, whose service token counts'],
  },
  {
    id: 'service-masakari',
    name: 'Masakari',
    words: ['masakari'],
    without: null,
    fix: () => ['# nothing: it evacuates by Nova, whose service token counts'],
  },
]

/** Whether a user is, by its name, the service's: one of its words stands by itself in it. */
export function isUserOf({ words }: CloudService, userName: string): boolean {
  const parts = userName.toLowerCase().split(/[^a-z]+/)
  return words.some((word) => parts.includes(word))
}

import type { ReadinessReport } from '../rollout/report.ts'
import { type Finding, ok } from './finding.ts'
import { isUnknown, type Survey } from './survey.ts'

/** Services that detach volumes and so must send service tokens; the first is in every cloud. */
const SERVICES = ['nova', 'cinder', 'glance', 'ironic', 'manila', 'masakari'] as const

/** Who was seen sending service tokens, and who was not. */
export function trafficFindings({ traffic, config }: Survey): readonly Finding[] {
  if (isUnknown(traffic))
    return [
      {
        id: 'traffic',
        level: 'warning',
        what: `What services send could not be seen: ${traffic.problem}.`,
        why: 'A Nova that sends no service token makes every detach fail with 409 once the gateway enforces.',
        fix: [
          'cinderguard doctor --audit-log FILE   # or start the gateway and detach a volume by the Compute API',
        ],
      },
    ]
  const roles = config.keystone_authtoken.service_token_roles
  return [...missing(traffic), ...badTokens(traffic), ...seen(traffic, roles)]
}

function missing({ rows }: ReadinessReport): readonly Finding[] {
  return rows
    .filter(({ reason }) => reason === 'service_token_missing')
    .map(({ count, address, userAgent, operation }) => ({
      id: 'service-token-missing',
      level: 'error' as const,
      what: `${count} × ${operation} came from ${address ?? 'somewhere'} (${userAgent ?? 'no user agent'}) like a service's, without a service token.`,
      why: 'Users cannot detach their volumes by Nova: fixed Cinder, and the gateway once it enforces, answer 409.',
      fix: [
        `# nova.conf on ${address ?? 'that host'}, then restart nova-compute and nova-api`,
        '[service_user]',
        'send_service_user_token = true',
        'auth_type = password',
        'auth_url = …',
        'username = nova',
        'password = …',
        'user_domain_name = Default',
        'project_name = service',
        'project_domain_name = Default',
      ],
    }))
}

function badTokens({ rows }: ReadinessReport): readonly Finding[] {
  return rows
    .filter(({ reason }) => reason === 'invalid_service_token' || reason === 'service_role_required')
    .map(({ reason, count, address }) => ({
      id: reason.replaceAll('_', '-'),
      level: 'error' as const,
      what: `${count} × a service token from ${address ?? 'somewhere'} ${reason === 'service_role_required' ? 'had no service role' : 'was unknown or expired'}.`,
      why: 'The calls of that service are refused with 401.',
      fix:
        reason === 'service_role_required'
          ? ['openstack role add --project service --user USER service']
          : ['# the account in [service_user] of that service: its password, project and domain'],
    }))
}

function seen({ services, guarded }: ReadinessReport, roles: readonly string[]): readonly Finding[] {
  return SERVICES.flatMap((name): readonly Finding[] => {
    const found = services.find(({ userName }) => userName.toLowerCase().startsWith(name))
    if (found !== undefined)
      return [
        ok(
          `service-${name}`,
          `${name} sends good service tokens (${found.count} times, last ${found.last}).`,
        ),
      ]
    if (name !== 'nova') return []
    return [
      {
        id: 'service-nova',
        level: 'warning',
        what: `Nova was not seen sending a service token yet (${guarded} guarded operations seen).`,
        why: 'Before enforcing, one detach by the Compute API should show that it does.',
        fix: ['openstack server remove volume SERVER VOLUME', `# its user needs one of: ${roles.join(', ')}`],
      },
    ]
  })
}

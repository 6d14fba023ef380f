import type { ReadinessReport, ReportRow } from '../rollout/report.ts'
import { type Finding, ok, type ToDo } from './finding.ts'
import { isUserOf, SERVICES } from './services.ts'
import { isUnknown, type Survey } from './survey.ts'

/** Who was seen sending service tokens, who was not, and what else would be refused. */
export function trafficFindings({ traffic, config, own }: Survey): readonly Finding[] {
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
  const blocking = traffic.rows.filter(({ blocks }) => blocks)
  const role = config.keystone_authtoken.service_token_roles[0] ?? 'service'
  const ownId = isUnknown(own) ? null : own.userId
  return [
    ...blocking.map((row) => standing(row, role)),
    ...outages(traffic),
    ...SERVICES.map((service): Finding => {
      const seen = traffic.services.find(
        ({ userId, userName }) => userId !== ownId && isUserOf(service, userName),
      )
      if (seen !== undefined)
        return ok(
          service.id,
          `${service.name} sends good service tokens, as ${seen.userName} (${seen.count} ×, last ${seen.last}).`,
        )
      const needed = service.without !== null
      return {
        id: service.id,
        level: service.id === 'service-nova' ? 'warning' : 'info',
        what: `${service.name} was not seen sending a service token (${traffic.guarded} guarded operations since ${traffic.since || 'the start'}).`,
        why: service.without ?? 'Nothing depends on it here.',
        fix: [
          ...(service.id === 'service-nova'
            ? ['openstack server remove volume SERVER VOLUME   # to see whether it does; if not:']
            : []),
          ...service.fix(service.words[0] ?? 'service'),
          ...(needed ? [`openstack role add --user ${service.words[0]} --project service ${role}`] : []),
        ] as unknown as ToDo['fix'],
      }
    }),
  ]
}

/** One row that stands in the way of enforcing. */
function standing(row: ReportRow, role: string): Finding {
  const { reason, count, operation, userAgent } = row
  const place = row.address || 'somewhere'
  const [nova] = SERVICES
  switch (reason) {
    case 'service_token_missing':
      return {
        id: 'service-token-missing',
        level: 'error',
        what: `${count} × ${operation} came from ${place} (${userAgent ?? 'no user agent'}) like a service's, without a service token; last ${row.last}.`,
        why: nova?.without ?? '',
        fix: [`# on ${place}, most likely:`, ...(nova?.fix('nova') ?? [])],
      }
    case 'service_role_missing':
    case 'service_role_required':
      return {
        id: 'service-role-missing',
        level: 'error',
        what: `${count} × ${operation} came from ${place} with a service token of ${row.serviceUser ?? 'a user'}, which has no service role; last ${row.last}.`,
        why: 'The service token does not count: its calls are refused as if it had sent none. Once it has the role, that counts when token_cache_time is over.',
        fix: [commandIn(row) ?? `openstack role add --user USER --project service ${role}`],
      }
    case 'invalid_service_token':
      return {
        id: 'invalid-service-token',
        level: 'error',
        what: `${count} × a service token from ${place} (${userAgent ?? 'no user agent'}) was unknown or expired; last ${row.last}.`,
        why: 'The calls of that service are refused with 401.',
        fix: [
          `# on ${place}: the account in [service_user] of that service, its password, project and domain`,
        ],
      }
    default:
      return {
        id: 'would-be-refused',
        level: row.verdict === 'observed' ? 'warning' : 'info',
        what: `${count} × ${operation} from ${place} would be refused: ${reason}${row.rule === null ? '' : ` (${row.rule})`}; last ${row.last}.`,
        why: 'Cinder does it today.',
        fix: [row.hint ?? 'cinderguard report   # shows who, and since when'],
      }
  }
}

/** The hint of a missing role ends with the very command. */
function commandIn({ hint }: ReportRow): string | undefined {
  return /openstack role add .*$/.exec(hint ?? '')?.[0]
}

function outages({ rows }: ReadinessReport): readonly Finding[] {
  return rows
    .filter(({ kind }) => kind === 'outage')
    .map(({ reason, count, first, last }) => ({
      id: 'outages',
      level: 'info',
      what: `${count} requests met ${reason}, from ${first} to ${last}.`,
      why: 'What the gateway asks was away, slow or broken. Guarded operations are refused meanwhile.',
      fix: ['curl -s http://127.0.0.1:9776/readyz   # whether all answer now'],
    }))
}

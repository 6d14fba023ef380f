import type { ReadinessReport, ReportRow } from '../rollout/report.ts'
import { type Finding, ok, roleAdd, type ToDo } from './finding.ts'
import { type CloudService, isUserOf, SERVICES } from './services.ts'
import { isUnknown, type Survey } from './survey.ts'

/** Who was seen sending service tokens, who was not, and what else would be refused. */
export function trafficFindings({ traffic, config, own }: Survey): readonly Finding[] {
  if (isUnknown(traffic))
    return [
      {
        id: 'traffic',
        level: 'warning',
        what: `Which services send service tokens is not known: ${traffic.problem}.`,
        why: 'A Nova that sends no service token makes every detach fail with 409 once the gateway enforces.',
        fix: [
          'cinderguard doctor --audit-log FILE   # or start the gateway and detach a volume through the Compute API',
        ],
      },
    ]
  const blocking = traffic.rows.filter(({ blocks }) => blocks)
  const role = config.keystone_authtoken.service_token_roles[0] ?? 'service'
  const ownId = isUnknown(own) ? null : own.userId
  return [
    ...blocking.map((row) => standing(row, role)),
    ...outages(traffic),
    ...SERVICES.flatMap((service): Finding | [] => {
      const seen = seenOf(service, traffic, ownId)
      if (seen !== undefined)
        return ok(
          service.id,
          `${service.name} sends valid service tokens, as ${seen.userName} (${seen.count} ×, last ${seen.last}).`,
        )
      const { need } = service
      if (need === null) return []
      return {
        id: service.id,
        level: service.id === 'service-nova' ? 'warning' : 'info',
        what: `${service.name} was not seen sending a service token (${traffic.guarded} guarded operations since ${traffic.since || 'the start'}).`,
        why: need.without,
        fix: [
          ...(service.id === 'service-nova'
            ? ['openstack server remove volume SERVER VOLUME   # to see whether it does; if not:']
            : []),
          ...need.fix(service.words[0] ?? 'service'),
          ...roleAdd(role, service.words[0] ?? 'service', 'service'),
        ] as unknown as ToDo['fix'],
      }
    }),
    ...optional(traffic, ownId),
  ]
}

/** Services that need no service token here, and were not seen sending one: all in one line. */
function optional(traffic: ReadinessReport, ownId: string | null): readonly Finding[] {
  const unseen = SERVICES.filter((each) => each.need === null && !seenOf(each, traffic, ownId))
  const names = unseen.map(({ name }) => name).join(', ')
  return unseen.length === 0
    ? []
    : [ok('services-optional', `Sent no service token so far, and need none here: ${names}.`)]
}

function seenOf(service: CloudService, { services }: ReadinessReport, ownId: string | null) {
  return services.find(({ userId, userName }) => userId !== ownId && isUserOf(service, userName))
}

/** One row that blocks enforcement. */
function standing(row: ReportRow, role: string): Finding {
  const { reason, count, operation, userAgent } = row
  const place = row.address || 'somewhere'
  const [nova] = SERVICES
  switch (reason) {
    case 'service_token_missing':
      return {
        id: 'service-token-missing',
        level: 'error',
        what: `${count} × ${operation} from ${place} (${userAgent ?? 'no user agent'}) looked like a service's but had no service token; last ${row.last}.`,
        why: nova.need.without,
        fix: [`# on ${place}, most likely:`, ...nova.need.fix('nova')],
      }
    case 'service_role_missing':
    case 'service_role_required':
      return {
        id: 'service-role-missing',
        level: 'error',
        what: `${count} × ${operation} from ${place} had a service token of ${row.serviceUser ?? 'a user'}, which has no service role; last ${row.last}.`,
        why: 'The service token is ignored: its calls are refused as if it had sent none. Once the user has the role, it takes up to token_cache_time until that takes effect.',
        fix: roleCommands(row, role),
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
function roleCommands({ hint }: ReportRow, role: string): readonly [string, string, string] {
  const [create, add] = roleAdd(role, 'USER', 'service')
  const found = /: (openstack role add --user \S+ --project \S+ \S+)$/.exec(hint ?? '')?.[1]
  return ["# only if that is a service's own account, and nobody else's:", create, found ?? add]
}

function outages({ rows }: ReadinessReport): readonly Finding[] {
  return rows
    .filter(({ kind }) => kind === 'outage')
    .map(({ reason, count, first, last }) => ({
      id: 'outages',
      level: 'info',
      what: `${count} requests failed with ${reason}, from ${first} to ${last}.`,
      why: 'A service that the gateway asks was down, slow or broken. In enforce mode such requests are refused meanwhile.',
      fix: ['curl -s http://127.0.0.1:9776/readyz   # whether all answer now'],
    }))
}

import { compare, type Version } from '../operation/version.ts'
import { type Finding, ok } from './finding.ts'
import { isUnknown, type Survey } from './survey.ts'

const DAY = 86_400_000
/** Keystone's tokens and their caching tolerate a little. */
const CLOCK_TOLERANCE = 5

/** Keystone, Cinder and Nova: reachable, new enough, on time. */
export function dependencyFindings(survey: Survey): readonly Finding[] {
  return [
    keystone(survey),
    ...account(survey),
    cinder(survey),
    nova(survey),
    ...clock(survey),
    ...certificates(survey),
  ]
}

function keystone({ own, config }: Survey): Finding {
  if (!isUnknown(own))
    return ok('keystone', `Keystone answers, and the gateway's account ${own.userName} is good.`)
  return {
    id: 'keystone',
    level: 'error',
    what: `The gateway cannot log in at Keystone: ${own.problem}.`,
    why: 'No token can be checked: every request is refused with 503.',
    fix: [
      '[keystone_authtoken]',
      `auth_url = ${config.credentials.keystone_authtoken.authUrl}`,
      'username = …',
      'password = …',
    ],
  }
}

function account({ own, config }: Survey): readonly Finding[] {
  if (isUnknown(own)) return []
  const wanted = config.keystone_authtoken.service_token_roles
  if (config.credentials.service_user === undefined)
    return [
      {
        id: 'service-user',
        level: 'warning',
        what: 'The gateway sends no service token of its own to Nova.',
        why: "A user's token that expires while a request is under way is then refused by Nova, and the request with it.",
        fix: ['[service_user]', 'send_service_user_token = true'],
      },
    ]
  if (own.roles.some((role) => wanted.includes(role)))
    return [ok('service-role', `The gateway's account has a service role (${own.roles.join(', ')}).`)]
  return [
    {
      id: 'service-role',
      level: 'error',
      what: `The gateway's account ${own.userName} has none of service_token_roles (${wanted.join(', ')}).`,
      why: 'Nova does not take its service token for one: expired user tokens fail, and a Nova that requires the role answers 401.',
      fix: [`openstack role add --project service --user ${own.userName} ${wanted[0] ?? 'service'}`],
    },
  ]
}

function cinder({ cinder: found, config }: Survey): Finding {
  const { upstream } = config.cinderguard
  if (isUnknown(found))
    return {
      id: 'cinder',
      level: 'error',
      what: `The upstream Cinder cannot be asked: ${found.problem}.`,
      why: 'Nothing can be forwarded.',
      fix: ['[cinderguard]', `upstream = ${upstream}`],
    }
  if (compare(found.maximum, [3, 27]) >= 0)
    return ok('cinder', `Cinder at ${upstream} answers, newest microversion ${text(found.maximum)}.`)
  return {
    id: 'cinder-microversion',
    level: 'warning',
    what: `Cinder's newest microversion is ${text(found.maximum)}, below 3.27.`,
    why: 'It cannot list all attachments of a volume. The safe fallback refuses a detach (409) whenever rows may be hidden.',
    fix: [],
  }
}

function nova({ nova: found }: Survey): Finding {
  if (isUnknown(found))
    return {
      id: 'nova',
      level: 'error',
      what: `Nova cannot be asked: ${found.problem}.`,
      why: 'Nobody can say whether a volume is in use: guarded operations of users are refused with 503.',
      fix: [
        '[nova]',
        'region_name = …',
        'interface = internal',
        '# or',
        '[cinderguard]',
        'nova_endpoint_override = http://NOVA:8774/v2.1',
      ],
    }
  if (compare(found.maximum, [2, 89]) >= 0)
    return ok('nova', `Nova at ${found.endpoint} answers, newest microversion ${text(found.maximum)}.`)
  return {
    id: 'nova-microversion',
    level: 'info',
    what: `Nova's newest microversion is ${text(found.maximum)}, below 2.89.`,
    why: 'It does not tell which attachment it uses. The safe fallback is in use: attached to the server at all means in use.',
    fix: [],
  }
}

function clock({ clockAhead }: Survey): readonly Finding[] {
  if (clockAhead === null) return []
  if (Math.abs(clockAhead) <= CLOCK_TOLERANCE) return [ok('clock', 'The clocks here and of Keystone agree.')]
  const how = `${Math.abs(Math.round(clockAhead))} seconds ${clockAhead > 0 ? 'ahead of' : 'behind'}`
  return [
    {
      id: 'clock',
      level: 'warning',
      what: `The clock here is ${how} Keystone's.`,
      why: 'Tokens seem to expire too early or too late.',
      fix: ['timedatectl set-ntp true'],
    },
  ]
}

function certificates({ certificates: found, now }: Survey): readonly Finding[] {
  return found.map(({ of, host, validTo }) => {
    const days = Math.floor((validTo - now) / DAY)
    if (days >= 30) return ok('certificate', `The certificate of ${of} (${host}) is good for ${days} days.`)
    return {
      id: 'certificate',
      level: days < 0 ? 'error' : 'warning',
      what: `The certificate of ${of} (${host}) ${days < 0 ? 'has expired' : `expires in ${days} days`}.`,
      why: 'Once expired the gateway refuses to talk to it: requests get 503.',
      fix: [],
    }
  })
}

function text([major, minor]: Version): string {
  return `${major}.${minor}`
}

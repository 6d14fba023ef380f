import { type Finding, ok } from './finding.ts'
import { isUnknown, type OwnAccount, type Survey } from './survey.ts'

/** Roles that Keystone's default policy lets ask about any token. */
const MAY_VALIDATE = ['admin', 'service']

/** The gateway's accounts: what [keystone_authtoken] checks tokens with, and what vouches for it to Nova. */
export function accountFindings(survey: Survey): readonly Finding[] {
  const { own, service, config } = survey
  if (isUnknown(own))
    return [
      {
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
      },
    ]
  const login = ok('keystone', `Keystone answers, and the gateway's account ${own.userName} is good.`)
  const validation = tokenValidation(survey, own)
  if (service === null) return [login, validation, serviceRole(own, 'keystone_authtoken', survey)]
  if (isUnknown(service))
    return [
      login,
      validation,
      {
        id: 'service-account',
        level: 'error',
        what: `The account in [service_user] cannot log in: ${service.problem}.`,
        why: 'Nova cannot be asked: guarded operations of users are refused with 503.',
        fix: ['[service_user]', 'username = …', 'password = …'],
      },
    ]
  return [login, validation, serviceRole(service, 'service_user', survey)]
}

function tokenValidation({ validated, traffic, config }: Survey, own: OwnAccount): Finding {
  const id = 'token-validation'
  const role = config.keystone_authtoken.service_token_roles[0] ?? 'service'
  const fix = `openstack role add --user ${own.userId} --project ${own.projectId ?? 'service'} ${role}`
  if (validated !== null && isUnknown(validated))
    return {
      id,
      level: 'error',
      what: `The account ${own.userName} could not have another user's token checked: ${validated.problem}.`,
      why: 'Keystone lets everybody ask about his own token, and about those of others only with a role for it: every request is refused with 503.',
      fix: [fix],
    }
  if (validated !== null)
    return ok(
      id,
      `The account ${own.userName} may check others' tokens: it did that of ${validated.userName}.`,
    )
  if (!isUnknown(traffic) && traffic.services.some(({ userId }) => userId !== own.userId))
    return ok(id, `The account ${own.userName} may check others' tokens: the gateway did.`)
  if (own.roles.some((each) => MAY_VALIDATE.includes(each.toLowerCase())))
    return ok(
      id,
      `By Keystone's defaults the account ${own.userName} may check others' tokens (${own.roles.join(', ')}).`,
    )
  return {
    id,
    level: 'warning',
    what: `The account ${own.userName} has neither the role service nor admin on its project: by Keystone's defaults it may check no token but its own.`,
    why: 'Every request is then refused with 503, though /readyz says that all is well.',
    fix: [fix, '# and to try it:', 'OS_TOKEN=$(openstack token issue -f value -c id) cinderguard doctor'],
  }
}

function serviceRole(account: OwnAccount, section: string, { config }: Survey): Finding {
  const wanted = config.keystone_authtoken.service_token_roles
  const { userName, userId, projectId, roles } = account
  if (roles.some((role) => wanted.includes(role)))
    return ok(
      'service-role',
      `The account ${userName} in [${section}] has a service role (${roles.join(', ')}).`,
    )
  return {
    id: 'service-role',
    level: 'error',
    what: `The account ${userName} in [${section}] has none of service_token_roles (${wanted.join(', ')}).`,
    why: 'The gateway vouches with it for users who ask Nova. Nova does not take it for a service: expired user tokens fail, and a Nova that requires the role answers 401.',
    fix: [
      `openstack role add --user ${userId} --project ${projectId ?? 'service'} ${wanted[0] ?? 'service'}`,
    ],
  }
}

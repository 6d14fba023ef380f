import { type Finding, ok, roleAdd } from './finding.ts'
import { isUnknown, type OwnAccount, type Survey } from './survey.ts'

/** Roles that Keystone's default policy lets ask about any token. */
const MAY_VALIDATE = ['admin', 'service']

/** The gateway's accounts: the one in [keystone_authtoken] validates tokens, that of [service_user] is sent to Nova. */
export function accountFindings(survey: Survey): readonly Finding[] {
  const { own, service, config } = survey
  if (isUnknown(own))
    return [
      {
        id: 'keystone',
        level: 'error',
        what: `The gateway cannot log in to Keystone: ${own.problem}.`,
        why: 'No token can be validated: in enforce mode requests are refused with 503 unless their token is cached; in observe mode they are forwarded unchecked.',
        fix: [
          '[keystone_authtoken]',
          `auth_url = ${config.credentials.keystone_authtoken.authUrl}`,
          'username = …',
          'password = …',
        ],
      },
    ]
  const login = ok('keystone', `Keystone answers, and the gateway's account ${own.userName} works.`)
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
        why: 'Nova cannot be asked: in enforce mode guarded operations of users are refused with 503.',
        fix: ['[service_user]', 'username = …', 'password = …'],
      },
    ]
  return [login, validation, serviceRole(service, 'service_user', survey)]
}

function tokenValidation({ validated, traffic, config }: Survey, own: OwnAccount): Finding {
  const id = 'token-validation'
  const role = config.keystone_authtoken.service_token_roles[0] ?? 'service'
  const fix = roleAdd(role, own.userId, own.projectId ?? 'service')
  if (validated !== null && isUnknown(validated))
    return {
      id,
      level: 'error',
      what: `The account ${own.userName} could not validate another user's token: ${validated.problem}.`,
      why: "Validating other users' tokens needs a role in Keystone: without it, in enforce mode requests are refused with 503.",
      fix,
    }
  if (validated !== null)
    return ok(
      id,
      `The account ${own.userName} may validate other users' tokens: it validated that of ${validated.userName}.`,
    )
  if (!isUnknown(traffic) && traffic.services.some(({ userId }) => userId !== own.userId))
    return ok(id, `The account ${own.userName} may validate other users' tokens: the gateway did.`)
  if (own.roles.some((each) => MAY_VALIDATE.includes(each.toLowerCase())))
    return ok(
      id,
      `By Keystone's defaults the account ${own.userName} may validate other users' tokens (${own.roles.join(', ')}).`,
    )
  return {
    id,
    level: 'warning',
    what: `The account ${own.userName} has neither the role service nor admin on its project: by Keystone's defaults it may validate no token but its own.`,
    why: 'In enforce mode requests are then refused with 503, although /readyz reports ready.',
    fix: [...fix, '# to check:', 'OS_TOKEN=$(openstack token issue -f value -c id) cinderguard doctor'],
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
    why: 'The gateway sends its service token along with the user token to Nova. Nova does not accept it as a service: expired user tokens fail, and a Nova that requires the role answers 401.',
    fix: roleAdd(wanted[0] ?? 'service', userId, projectId ?? 'service'),
  }
}

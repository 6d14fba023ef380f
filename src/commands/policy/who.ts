import { credentialsOf } from '../../checks/caller.ts'
import { createClients } from '../../clouds/clients.ts'
import { createSession } from '../../clouds/session.ts'
import type { Config } from '../../config/options.ts'
import { Secret } from '../../config/secret.ts'
import { completeCredentials, NOBODY } from '../../policy/credentials.ts'
import { REQUEST } from '../../policy/evaluate.ts'
import { described, type RequestFacts, readDescribed } from '../../policy/extensions.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { createMetrics } from '../../record/metrics.ts'
import { createTokens } from '../../tokens.ts'
import { versionOf } from '../../version.ts'
import { UsageError } from './usage-error.ts'

/** A caller as a file tells of them; what it leaves out is empty. */
export type Told = typeof NOBODY

/**
 * Reads credentials by name, or Keystone's answer to a token look-up (`{"token": ...}`, as oslopolicy-checker takes
 * it). @throws UsageError for what no caller has.
 */
export function toldOf(file: Readonly<Record<string, unknown>>): Told {
  const { token } = file
  const given =
    typeof token === 'object' && token !== null ? fromToken(token as Record<string, unknown>) : file
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(NOBODY, name))
      throw new UsageError(`"${name}" is not a credential; there are ${Object.keys(NOBODY).join(', ')}`)
    const isRoles = name === 'roles' || name === 'service_roles'
    if (isRoles && !(Array.isArray(value) && value.every((role) => typeof role === 'string')))
      throw new UsageError(`${name} is a list of names, such as ["member"]`)
    if (
      name === 'is_admin_project'
        ? typeof value !== 'boolean'
        : !isRoles && value !== null && typeof value !== 'string'
    )
      throw new UsageError(`${name} is ${name === 'is_admin_project' ? 'true or false' : 'text or null'}`)
  }
  return { ...NOBODY, ...given }
}

/** The credentials that a rule sees. @param asked what is said of the request itself. */
export function credentialsFrom(
  told: Told,
  rules: RuleSet,
  asked: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return Object.assign({ ...completeCredentials(told, rules) }, { [REQUEST]: requestFrom(asked) })
}

/** @throws UsageError */
export function requestFrom(asked: Readonly<Record<string, unknown>>): RequestFacts {
  try {
    return described(readDescribed(asked), Date.now())
  } catch (error) {
    throw new UsageError(`the request asked about: ${error instanceof Error ? error.message : 'unreadable'}`)
  }
}

/** Asks Keystone whose token it is. @throws UsageError when it is nobody's, or Keystone does not say. */
export async function holderOf(token: string, config: Config): Promise<Told> {
  const metrics = createMetrics(versionOf())
  const clients = createClients(config, metrics)
  try {
    const session = createSession(clients.keystone.send, config.credentials.keystone_authtoken, Date.now)
    const tokens = await createTokens(config, clients.keystone.send, session, metrics)
    const userToken = new Secret(token)
    const user = await tokens.keystone.validate(userToken, false, 'req-policy-check')
    await tokens.close()
    if (user === 'invalid') throw new UsageError('Keystone knows no such token, or it has expired')
    const everything = { allows: () => false, has: () => true }
    const {
      is_admin: _,
      system: __,
      ...told
    } = credentialsOf({ user, isService: false, userToken }, everything)
    return told as Told
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`Keystone: ${error instanceof Error ? error.message : 'no answer'}`)
  } finally {
    await clients.close()
  }
}

function fromToken(token: Record<string, unknown>): Record<string, unknown> {
  const at = (path: string): unknown =>
    path
      .split('.')
      .reduce<unknown>(
        (sofar, key) =>
          typeof sofar === 'object' && sofar !== null ? (sofar as Record<string, unknown>)[key] : undefined,
        token,
      ) ?? null
  const roles = Array.isArray(token.roles) ? token.roles : []
  return {
    user_id: at('user.id'),
    user_domain_id: at('user.domain.id'),
    system_scope: at('system.all') === true ? 'all' : null,
    domain_id: at('domain.id'),
    project_id: at('project.id'),
    project_domain_id: at('project.domain.id'),
    roles: roles.map((role: { name?: unknown }) => String(role.name)),
    is_admin_project: token.is_admin_project !== false,
  }
}

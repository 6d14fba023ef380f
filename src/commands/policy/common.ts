import { readFileSync } from 'node:fs'
import type { Config } from '../../config/options.ts'
import { startPolicy } from '../../organisation/live.ts'
import { completeCredentials } from '../../policy/credentials.ts'
import { REQUEST } from '../../policy/evaluate.ts'
import { described, type RequestFacts, readDescribed } from '../../policy/extensions.ts'
import { problemText } from '../../policy/references.ts'
import type { RuleSet } from '../../policy/ruleset.ts'
import { loadPolicy } from '../../policy/source.ts'
import { configurationOf } from '../configuration.ts'

/** A wrong command line or file: exit code 2. */
export class UsageError extends Error {}

/** The policy of `--policy-file` (several, divided by commas), or else of the configuration, with the bundle. */
export async function policyOf(file: string | undefined, rest: readonly string[]): Promise<RuleSet> {
  if (file !== undefined) return policyIn(file)
  const config = configOf(rest)
  const policy = await startPolicy(config, { loaded: () => undefined, refused: () => undefined }, 'looks')
  if ('problems' in policy) throw new UsageError(policy.problems.join('\n'))
  policy.stop()
  const problem = policy.problem()
  if (problem !== null) process.stderr.write(`To be noted: ${problem}\n`)
  return policy.current()
}

export function policyIn(files: string): RuleSet {
  const paths = files.split(',')
  // A file that is not there means Cinder's defaults to a gateway; here it is a slip of the pen.
  for (const path of paths) readText(path)
  const loaded = loadPolicy(paths, [])
  if ('problems' in loaded) throw new UsageError(loaded.problems.map(problemText).join('\n'))
  return loaded.ruleSet
}

export function configOf(rest: readonly string[]): Config {
  const loaded = configurationOf(rest, process.env)
  if ('config' in loaded) return loaded.config
  const lines = loaded.problems.map(({ where, message }) => `${where}: ${message}`)
  throw new UsageError(['the configuration is wrong (or name a --policy-file):', ...lines].join('\n  '))
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(
      `${path}: ${error instanceof Error && 'code' in error ? error.code : 'cannot be read'}`,
    )
  }
}

export function readJson(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readText(path))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch (error) {
    if (error instanceof UsageError) throw error
  }
  throw new UsageError(`${path}: it holds no JSON object`)
}

/**
 * The credentials that a rule sees, of a file: Keystone's answer to a token look-up (`{"token": ...}`, as
 * oslopolicy-checker takes it) or credentials by name, of which those that are missing are empty.
 * @param asked what is said of the request itself.
 */
export function credentialsFrom(
  file: Readonly<Record<string, unknown>>,
  rules: RuleSet,
  asked: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const token = file.token
  const given =
    typeof token === 'object' && token !== null ? fromToken(token as Record<string, unknown>) : file
  const known = {
    user_id: null,
    user_domain_id: null,
    system_scope: null,
    domain_id: null,
    project_id: null,
    project_domain_id: null,
    roles: [],
    is_admin_project: true,
    service_user_id: null,
    service_user_domain_id: null,
    service_project_id: null,
    service_project_domain_id: null,
    service_roles: [],
    ...given,
  }
  const completed = completeCredentials(known as Parameters<typeof completeCredentials>[0], rules)
  return Object.assign({ ...completed }, { [REQUEST]: requestFrom(asked) })
}

function requestFrom(asked: Readonly<Record<string, unknown>>): RequestFacts {
  try {
    return described(readDescribed(asked), Date.now())
  } catch (error) {
    throw new UsageError(`the request asked about: ${error instanceof Error ? error.message : 'unreadable'}`)
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

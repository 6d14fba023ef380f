import { askAdmin } from '../ask-admin.ts'
import { readJson } from './read-file.ts'
import { UsageError } from './usage-error.ts'
import { configOf } from './which-policy.ts'
import { type Told, toldOf } from './who.ts'

/** Who asked what of which object, as far as a decision record tells. */
export interface Recorded {
  /** The rule that refused; null when none did. */
  readonly rule: string | null
  readonly told: Told
  readonly target: Readonly<Record<string, unknown>>
  readonly asked: Readonly<Record<string, unknown>>
}

/** The record with this request id, of the running gateway, or one in a file. @throws UsageError */
export async function recordOf(
  from: { readonly file: string } | { readonly requestId: string },
  rest: readonly string[],
): Promise<Recorded> {
  if ('file' in from) return read(readJson(from.file))
  const { cinderguard } = configOf(rest)
  const path = `/api/v1/decisions/${encodeURIComponent(from.requestId)}`
  try {
    return read((await askAdmin(cinderguard, path, process.env.OS_TOKEN)) as Record<string, unknown>)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(error instanceof Error ? error.message : 'the gateway does not answer')
  }
}

function read(value: Readonly<Record<string, unknown>>): Recorded {
  const event = Array.isArray(value.decisions) ? (value.decisions[0] as Record<string, unknown>) : value
  const content = at(event, 'attachments', 0, 'content')
  if (!isObject(content)) throw new UsageError('this is no decision record of Cinderguard')
  const initiator = at(event, 'initiator')
  const project = textAt(initiator, 'project_id')
  const told = toldOf({
    user_id: textAt(initiator, 'id'),
    project_id: project,
    domain_id: textAt(initiator, 'domain_id'),
    system_scope: textAt(initiator, 'scope') === 'system' ? 'all' : null,
    roles: at(content, 'roles') ?? [],
    service_user_id: textAt(at(content, 'service'), 'id'),
    service_roles: at(content, 'service', 'roles') ?? [],
  })
  const address = textAt(content, 'client')
  const time = textAt(event, 'eventTime')
  const service = textAt(at(content, 'service'), 'name')
  return {
    rule: textAt(content, 'rule'),
    told,
    target: targetOf(content, told),
    asked: {
      ...(address === null ? {} : { address }),
      ...(time === null ? {} : { time: time.replace(/\d{3}\+0000$/, 'Z') }),
      ...(service === null ? {} : { service }),
    },
  }
}

/** The volume as it was; its project is not shown to everybody, and is then the caller's. */
function targetOf(content: unknown, told: Told): Recorded['target'] {
  const facts = at(content, 'facts')
  const own = { project_id: told.project_id, user_id: told.user_id }
  const volume = Array.isArray(facts)
    ? facts.find((fact) => at(fact, 'question', 'fact') === 'volume' && isObject(at(fact, 'answer')))
    : undefined
  if (volume === undefined) return own
  return {
    id: at(volume, 'answer', 'id'),
    status: at(volume, 'answer', 'status'),
    project_id: at(volume, 'answer', 'projectId') ?? own.project_id,
    user_id: at(volume, 'answer', 'userId') ?? undefined,
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (sofar, key) =>
      typeof sofar === 'object' && sofar !== null
        ? (sofar as Record<string | number, unknown>)[key]
        : undefined,
    value,
  )
}

function textAt(value: unknown, name: string): string | null {
  const found = at(value, name)
  return typeof found === 'string' ? found : null
}

import { isRejection, type Rejection, reject } from '../http/rejection.ts'
import { JsonError, type PyValue, parseJson } from './json.ts'
import type { Operation } from './operation.ts'
import { type Route, routeOf } from './routes.ts'
import { type GuardedAction, isGuardedAction, stringAt, violationOf } from './schema.ts'
import { type Mount, overridesMethod } from './target.ts'
import { compare, readVersion, type Version } from './version.ts'

/** What classification reads of a request. */
export interface Classifiable {
  readonly mount: Mount
  readonly method: string
  readonly segments: readonly string[]
  readonly body: Buffer
  readonly contentType: string | undefined
  readonly apiVersion: string | undefined
}

/** What it must know of the caller and the cloud. */
export interface Surroundings {
  /** Project of the user token, or null. */
  readonly tokenProject: string | null
  /** Take the URL's project as it is: for naming a request, never for deciding. */
  readonly anyProject?: true
  /**
   * What a project id in a path looks like to Cinder. Its routes do not know a path with something else in that place,
   * and before 20.0.0, which took anything there, it serves nobody but the token's own project.
   */
  readonly projectIds?: RegExp
  /** The upstream's newest microversion, or null when unknown. */
  readonly maximum: Version | null
}

/**
 * Whether Routes may take another method from the form that a POST carries (its `use_method_override`). A fixed Cinder
 * then answers 415 for the body; one before 14.0 passes over it, and does what that method says.
 */
function isMethodForm({ method, contentType, body }: Classifiable): boolean {
  if (method !== 'POST' || contentType === undefined) return false
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'multipart/form-data') return true
  return type === 'application/x-www-form-urlencoded' && overridesMethod(body.toString('latin1'))
}

/** The first microversion with an attachments API. */
const ATTACHMENTS: Version = [3, 27]
const JSON_TYPES: readonly string[] = ['application/json', 'application/vnd.openstack.volume+json']

/**
 * Names the operation that Cinder would execute, with Cinder's own order of refusals (version header, content
 * type, JSON, action, project, schema). For a guarded path nothing that the gateway cannot read is passed on.
 */
export function classify(request: Classifiable, around: Surroundings): Operation | Rejection {
  const route = routeOf(request.mount, request.method, request.segments)
  if (request.mount === 'versions' || request.mount === 'healthcheck') return UNVERSIONED
  if (isMethodForm(request)) return reject('unsupported_content_type')
  const version = versionOf(request, around)
  if (route === null || isNoProject(route.project, around)) return otherAt(version)
  const isWatchedOnly = route.name === 'attachment-update' || route.name === 'attachment-create'
  if (isRejection(version)) return isWatchedOnly ? otherAt(version) : version
  const common = { projectInUrl: route.project, version: version.join('.') }
  const found = operationAt(route, request, common, version, around)
  return isRejection(found) ? { ...found, version: common.version } : found
}

/** Without a header it is 3.0, for which nothing need be read. */
const OLDEST: Version = [3, 0]
const PLAIN: Operation = { kind: 'other', projectInUrl: null, version: '3.0' }
const UNVERSIONED: Operation = { ...PLAIN, version: '' }

function versionOf({ mount, apiVersion }: Classifiable, { maximum }: Surroundings): Version | Rejection {
  if (mount !== 'v3') return [2, 0]
  return apiVersion === undefined ? OLDEST : readVersion(apiVersion, maximum)
}

/** A version that Cinder refuses is left to Cinder to refuse. */
function otherAt(version: Version | Rejection): Operation {
  if (version === OLDEST) return PLAIN
  return { kind: 'other', projectInUrl: null, version: isRejection(version) ? '' : version.join('.') }
}

function operationAt(
  route: Route,
  request: Classifiable,
  common: CommonFields,
  version: Version,
  around: Surroundings,
): Operation | Rejection {
  switch (route.name) {
    case 'volume-action':
      return volumeAction(request, route, common, around)
    case 'attachment-delete':
      return attachmentDelete(request, route, common, version, around)
    case 'attachment-update':
      return { ...common, kind: 'attachment-update', attachmentId: route.id }
    case 'attachment-create':
      return attachmentCreate(request, common)
  }
}

/** Which volume gets another attachment; what cannot be read so is refused by Cinder itself. */
function attachmentCreate(request: Classifiable, common: CommonFields): Operation {
  const value = parseOrNothing(request.body)
  const inner = value instanceof Map ? value.get('attachment') : null
  const volumeId = inner instanceof Map ? stringAt(inner, 'volume_uuid') : null
  return volumeId === null ? { ...common, kind: 'other' } : { ...common, kind: 'attachment-create', volumeId }
}

type CommonFields = Pick<Operation, 'projectInUrl' | 'version'>

function attachmentDelete(
  request: Classifiable,
  path: Route,
  common: CommonFields,
  version: Version,
  around: Surroundings,
): Operation | Rejection {
  if (request.body.length > 0) {
    if (!isJsonType(request.contentType)) return reject('unsupported_content_type')
    if (parseOrNothing(request.body) === undefined) return reject('malformed_body')
  }
  if (!projectMatches(path, around)) return reject('malformed_url')
  if (compare(version, ATTACHMENTS) < 0) return reject('version_too_low')
  if (request.body.length > 0) return reject('unexpected_body')
  return { ...common, kind: 'attachment-delete', attachmentId: path.id }
}

function volumeAction(
  request: Classifiable,
  path: Route,
  common: CommonFields,
  around: Surroundings,
): Operation | Rejection {
  if (request.body.length === 0 || request.contentType === undefined)
    return reject('no_such_action', { action: 'None' })
  if (!isJsonType(request.contentType)) return reject('unsupported_content_type')
  const value = parseOrNothing(request.body)
  if (value === undefined) return reject('malformed_body')
  if (
    value === null ||
    typeof value === 'boolean' ||
    typeof value === 'bigint' ||
    typeof value === 'number'
  ) {
    return reject('body_not_an_object')
  }
  // Python counts a string's characters, not its UTF-16 units.
  const size = value instanceof Map ? value.size : [...value].length
  if (size !== 1) return reject('malformed_body')
  if (!(value instanceof Map)) return reject('body_not_an_object')
  const [[action, argument] = ['', null]] = value
  if (action === 'os-reset_status') return resetStatus(argument, path.id, common)
  if (!isGuardedAction(action)) return { kind: 'other', ...common }
  if (!projectMatches(path, around)) return reject('malformed_url')
  const problem = violationOf(action, argument)
  if (problem !== null) return reject('schema_violation', { problem })
  return actionOperation(action, argument, path.id, common)
}

/** Resetting the attach status to `detached` deletes attachment records without asking anybody. */
function resetStatus(argument: PyValue, volumeId: string, common: CommonFields): Operation {
  const status = argument instanceof Map ? stringAt(argument, 'attach_status') : null
  const detaches = status?.trim().toLowerCase() === 'detached'
  return detaches ? { ...common, kind: 'volume-reset-status', volumeId } : { ...common, kind: 'other' }
}

function actionOperation(
  action: GuardedAction,
  argument: PyValue,
  volumeId: string,
  common: CommonFields,
): Operation {
  const inner = argument instanceof Map ? argument : null
  switch (action) {
    case 'os-detach':
      return {
        ...common,
        kind: 'volume-detach',
        volumeId,
        nullBody: inner === null,
        attachmentId: stringAt(inner, 'attachment_id'),
      }
    case 'os-force_detach':
      return {
        ...common,
        kind: 'volume-force-detach',
        volumeId,
        attachmentId: stringAt(inner, 'attachment_id'),
      }
    case 'os-terminate_connection':
      return { ...common, kind: 'volume-terminate-connection', volumeId }
    case 'os-migrate_volume_completion': {
      const error = inner?.get('error')
      return {
        ...common,
        kind: 'volume-migrate-completion',
        volumeId,
        newVolumeId: stringAt(inner, 'new_volume') ?? '',
        error: error === true || (typeof error === 'string' && error !== ''),
      }
    }
  }
}

/** Cinder cuts at the first `;` without trimming, and compares exactly. */
function isJsonType(contentType: string | undefined): boolean {
  return contentType !== undefined && JSON_TYPES.includes(contentType.split(';', 1)[0] ?? '')
}

function parseOrNothing(body: Buffer): PyValue | undefined {
  try {
    return parseJson(body)
  } catch (error) {
    if (error instanceof JsonError) return undefined
    throw error
  }
}

function projectMatches(path: Route, around: Surroundings): boolean {
  return path.project === null || around.anyProject === true || path.project === around.tokenProject
}

function isNoProject(
  project: string | null,
  { projectIds, tokenProject, anyProject }: Surroundings,
): boolean {
  if (project === null || projectIds === undefined || anyProject === true) return false
  return project !== tokenProject && !projectIds.test(project)
}

import type { Call, Caller } from './cinder-call.ts'
import { type Match, match, routedMethod } from './cinder-routes.ts'
import { CinderStore } from './cinder-store.ts'
import { apiFault, jsonReply, newRequestId, unauthenticated, webobPage, withHeaders } from './faults.ts'
import type { Keystone } from './keystone.ts'
import { Listener, type ReceivedRequest, type Reply } from './listener.ts'
import { atLeast, compareMicroversions, isMicroversion } from './microversion.ts'
import { readPythonJson } from './python-json.ts'
import { callerOf } from './token-middleware.ts'

/** oslo.middleware's default `max_request_body_size`. */
const MAX_BODY_BYTES = 114_688
const JSON_TYPES = ['application/json', 'application/vnd.openstack.volume+json']
const MIN_MICROVERSION = '3.0'

/** Stand-in for a Cinder that nobody fixed: it detaches whatever its policy lets a user detach. */
export class Cinder extends Listener {
  readonly store = new CinderStore()
  /** Newest microversion spoken: 3.59 is Train, 3.64 Wallaby, 3.68 Yoga. */
  maxMicroversion = '3.68'
  /** `[keystone_authtoken] service_token_roles_required`. */
  serviceTokenRolesRequired = false
  readonly #keystone: Keystone

  constructor(keystone: Keystone) {
    super((request) => {
      const id = newRequestId()
      const made = this.#mount(request)
      // The CORS filter hides every failure of an OPTIONS, but not what the request did.
      const reply = request.method === 'OPTIONS' && made.status >= 300 ? { status: 200 } : made
      const context = made.headers?.['openstack-api-version'] ? { 'x-compute-request-id': id } : {}
      return withHeaders(reply, { 'x-openstack-request-id': id, ...context })
    })
    this.#keystone = keystone
  }

  /** What the outermost parts of the pipeline do: mount points, size, token. */
  #mount(request: ReceivedRequest): Reply {
    const accept = request.header('accept')
    const notFound = () => webobPage(404, 'Not Found', 'The resource could not be found.', accept)
    const [target = '', query = ''] = splitOnce(request.target.replace(/^https?:\/\/[^/?]*/, ''), '?')
    const path = unquote(target).replace(/\/{2,}/g, '/')
    const declared = Number(request.header('content-length') ?? 0)
    if (path === '/healthcheck')
      return { status: 200, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body: 'OK' }
    if (path === '/' || path === '') return jsonReply(300, this.#versions())
    if (path !== '/v3' && !path.startsWith('/v3/')) return notFound()
    const tooLarge = () =>
      webobPage(
        413,
        'Request Entity Too Large',
        `Request is too large. Larger than max_request_body_size (${MAX_BODY_BYTES}).`,
        accept,
      )
    if (declared > MAX_BODY_BYTES) return tooLarge()
    const user = callerOf(this.#keystone, request, this.serviceTokenRolesRequired)
    if (!user) return unauthenticated(this.#keystone.url)
    const caller: Caller = {
      userId: user.user.id,
      projectId: user.project?.id,
      isAdmin: user.roles.some((role) => role.toLowerCase() === 'admin'),
    }
    if (path === '/v3') return { status: 302, headers: { location: `${this.url}/v3/` } }
    if (path === '/v3/') return jsonReply(200, this.#versions())
    const matched = match(routedMethod(request.method, query), path.slice('/v3'.length))
    if (!matched) return notFound()
    if (request.body.length > MAX_BODY_BYTES) return tooLarge()
    const version = this.#negotiate(request)
    const effective = typeof version === 'string' ? version : MIN_MICROVERSION
    const reply = typeof version === 'string' ? this.#read(request, matched, caller, query, version) : version
    return withHeaders(reply, {
      'openstack-api-version': `volume ${effective}`,
      vary: 'OpenStack-API-Version',
    })
  }

  #negotiate(request: ReceivedRequest): string | Reply {
    const header = request.header('openstack-api-version')
    if (header === undefined) return MIN_MICROVERSION
    const mine = header.split(',').find((part) => part.includes('volume'))
    if (mine === undefined) return apiFault(400)
    const words = mine.trim().split(/\s+/)
    const [, asked = ''] = words
    if (words.length !== 2) return apiFault(500)
    if (asked === 'latest') return this.maxMicroversion
    if (!isMicroversion(asked)) {
      return apiFault(
        400,
        `API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`,
      )
    }
    if (atLeast(asked, MIN_MICROVERSION) && compareMicroversions(asked, this.maxMicroversion) <= 0)
      return asked
    const range = `Minimum is ${MIN_MICROVERSION} and maximum is ${this.maxMicroversion}.`
    return apiFault(406, `Version ${asked} is not supported by the API. ${range}`)
  }

  /** Reads the body and finds the action, in Cinder's order of refusals, then answers. */
  #read(
    request: ReceivedRequest,
    { route, projectId, parts }: Match,
    caller: Caller,
    query: string,
    microversion: string,
  ): Reply {
    const contentType = request.header('content-type')
    const hasBody = request.body.length > 0
    if (hasBody && contentType !== undefined && !JSON_TYPES.includes(contentType.split(';')[0] ?? '')) {
      return apiFault(415, 'Unsupported Content-Type')
    }
    const parsed = hasBody && contentType !== undefined ? readPythonJson(request.body) : { value: undefined }
    if (parsed === 'malformed') return apiFault(400, 'Malformed request body')
    const body = parsed.value
    const action = route.body === 'action' ? actionOf(body, route.knows) : ''
    if (typeof action !== 'string') return action
    if (projectId !== undefined && projectId !== caller.projectId)
      return apiFault(400, 'Malformed request url')
    if (!atLeast(microversion, route.since)) return apiFault(404)
    if (route.body === 'none' ? hasBody : body === undefined) return apiFault(400)
    if (!caller.isAdmin && caller.projectId === undefined) return apiFault(403, 'Not authorized.')
    const call: Call = {
      store: this.store,
      caller,
      parts,
      query: new URLSearchParams(query),
      body,
      microversion,
      publicUrl: this.url,
    }
    return route.answer(call, action)
  }

  #versions(): unknown {
    const version = {
      id: 'v3.0',
      status: 'CURRENT',
      version: this.maxMicroversion,
      min_version: MIN_MICROVERSION,
      updated: '2018-07-17T00:00:00Z',
      links: [{ rel: 'self', href: `${this.url}/v3/` }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
    }
    return { versions: [version] }
  }
}

/** The one key of the body, or the refusal Cinder has for this kind of body. */
function actionOf(body: unknown, knows: (name: string) => boolean): string | Reply {
  const unknown = (name: string) =>
    apiFault(
      400,
      `There is no such action: ${name}. Verify the request body and Content-Type header and try again.`,
    )
  if (body === undefined) return unknown('None')
  if (typeof body === 'number' || typeof body === 'boolean' || body === null) return apiFault(404)
  const isSequence = Array.isArray(body) || typeof body === 'string'
  const keys = isSequence ? [...body] : Object.keys(body)
  if (keys.length !== 1) return apiFault(400, 'Malformed request body')
  if (isSequence) return apiFault(404)
  const [name = ''] = keys
  return knows(name) ? name : unknown(name)
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** Percent-decodes once and leaves what is malformed, as Python's `unquote` does. */
function unquote(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('latin1'),
  )
}

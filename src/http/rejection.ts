/**
 * Every way in which the gateway refuses a request: one row per reason.
 *
 * A reason is what metrics, records and documentation call a refusal; its row says how it is answered.
 * `style` is who would have written the answer in a real Cinder:
 *  - `cinder`: a fault of Cinder's API (`{"<fault>": {"code": ..., "message": ...}}`);
 *  - `webob`: an error of a filter in its pipeline, in the form that the client's Accept asks for;
 *  - `keystone`: keystonemiddleware's 401.
 * `versioned`: Cinder knew the microversion by then, so the answer carries `OpenStack-API-Version`.
 */
interface Row {
  readonly status: number
  readonly style: 'cinder' | 'webob' | 'keystone'
  /** Key of the fault's JSON object (style `cinder`), or the title (style `webob`). */
  readonly fault: string
  /** Text with `{slots}`, filled by {@link reject}. */
  readonly message: string
  readonly versioned?: true
  /** Seconds for a `Retry-After` header. */
  readonly retryAfter?: number
  /** What an operator should know of it. */
  readonly help: string
}

const NO_SUCH_ACTION =
  'There is no such action: {action}. Verify the request body and Content-Type header and try again.'
const SERVER_ERROR = 'The server has either erred or is incapable of performing the requested operation.'

export const REASONS = {
  // identity
  no_user_token: {
    status: 401,
    style: 'keystone',
    fault: 'Unauthorized',
    message: '',
    help: 'No X-Auth-Token was sent.',
  },
  invalid_user_token: {
    status: 401,
    style: 'keystone',
    fault: 'Unauthorized',
    message: '',
    help: 'Keystone does not know the user token, or it has expired.',
  },
  invalid_service_token: {
    status: 401,
    style: 'keystone',
    fault: 'Unauthorized',
    message: '',
    help: 'Keystone does not know the service token, or it has expired. A forged one looks the same.',
  },
  service_role_required: {
    status: 401,
    style: 'keystone',
    fault: 'Unauthorized',
    message: '',
    help: 'The service token is valid but has none of [keystone_authtoken] service_token_roles, and service_token_roles_required is set.',
  },
  keystone_unavailable: {
    status: 503,
    style: 'webob',
    fault: 'Service Unavailable',
    retryAfter: 5,
    message:
      'The server is currently unavailable. Please try again at a later time.\n\nThe Keystone service is temporarily unavailable.',
    help: 'Keystone did not answer, or its answer was not usable.',
  },
  // the request itself
  bad_request_framing: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Cinderguard: {problem}',
    help: 'The request is ambiguous (HTTP framing, repeated or odd headers). No OpenStack client does this.',
  },
  ambiguous_target: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Cinderguard: {problem}',
    help: 'The request target is ambiguous (dot segments, doubled slashes, method override, ...). No OpenStack client does this.',
  },
  unknown_expectation: {
    status: 417,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Cinderguard: an Expect header other than 100-continue',
    help: 'The Expect header has a value other than 100-continue (RFC 9110, 10.1.1).',
  },
  request_timeout: {
    status: 408,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Cinderguard: the request did not come to its end in time',
    help: 'The client took too long to send its whole request.',
  },
  client_gone: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Cinderguard: the client went away',
    help: 'The client closed its connection before its request was read or its answer sent. Nobody reads this answer.',
  },
  headers_too_large: {
    status: 431,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Cinderguard: more than {limit} header fields',
    help: 'More header fields than [cinderguard] max_headers, or a head of more than 16 KiB.',
  },
  body_too_large: {
    status: 413,
    style: 'webob',
    fault: 'Request Entity Too Large',
    message: '{explanation}',
    help: 'The body is larger than [oslo_middleware] max_request_body_size.',
  },
  unsupported_content_type: {
    status: 415,
    style: 'cinder',
    fault: 'badMediaType',
    message: 'Unsupported Content-Type',
    versioned: true,
    help: 'The body of a volume action is not of a JSON content type that Cinder reads.',
  },
  malformed_body: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Malformed request body',
    versioned: true,
    help: 'The body of a volume action is not JSON as Cinder reads it, or has not exactly one key.',
  },
  body_not_an_object: {
    status: 404,
    style: 'cinder',
    fault: 'itemNotFound',
    message: 'The resource could not be found.',
    versioned: true,
    help: 'The body of a volume action is JSON, but not an object.',
  },
  no_such_action: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: NO_SUCH_ACTION,
    versioned: true,
    help: 'A volume action without a body.',
  },
  malformed_url: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Malformed request url',
    versioned: true,
    help: 'The project id in the URL is not that of the token, or an id has more than 255 characters.',
  },
  schema_violation: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: '{problem}',
    versioned: true,
    help: 'The body of a guarded action does not fit its JSON schema.',
  },
  unexpected_body: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    versioned: true,
    message:
      'The server could not comply with the request since it is either malformed or otherwise incorrect.',
    help: 'An attachment delete with a body.',
  },
  version_header_invalid: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'API Version String {version} is of invalid format. Must be of format MajorNum.MinorNum.',
    help: 'OpenStack-API-Version is not of the form "volume X.Y".',
  },
  version_header_unusable: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message:
      'The server could not comply with the request since it is either malformed or otherwise incorrect.',
    help: 'OpenStack-API-Version does not name a volume version.',
  },
  version_header_broken: {
    status: 500,
    style: 'cinder',
    fault: 'computeFault',
    message: SERVER_ERROR,
    help: 'OpenStack-API-Version names the volume service with no or with several versions: Cinder itself fails with 500.',
  },
  version_unsupported: {
    status: 406,
    style: 'cinder',
    fault: 'computeFault',
    message: 'Version {version} is not supported by the API. Minimum is 3.0 and maximum is {maximum}.',
    versioned: true,
    help: 'The microversion is beyond what the upstream Cinder serves.',
  },
  version_too_low: {
    status: 404,
    style: 'cinder',
    fault: 'itemNotFound',
    message: 'The resource could not be found.',
    versioned: true,
    help: 'Attachment delete exists from microversion 3.27.',
  },
  // policy and the objects it is about
  volume_not_found: {
    status: 404,
    style: 'cinder',
    fault: 'itemNotFound',
    message: 'Volume {volume} could not be found.',
    versioned: true,
    help: 'The caller cannot see such a volume.',
  },
  attachment_not_found: {
    status: 404,
    style: 'cinder',
    fault: 'itemNotFound',
    versioned: true,
    message: 'Volume attachment could not be found with filter: attachment_id = {attachment}.',
    help: 'There is no such attachment.',
  },
  policy: {
    status: 403,
    style: 'cinder',
    fault: 'forbidden',
    message: "Policy doesn't allow {rule} to be performed.",
    versioned: true,
    help: 'An oslo.policy rule refuses the operation.',
  },
  policy_unnamed: {
    status: 403,
    style: 'cinder',
    fault: 'forbidden',
    message: 'You are not authorized to perform this operation.',
    versioned: true,
    help: 'As policy, for the default-types operations, whose refusal names no rule.',
  },
  not_authorized: {
    status: 403,
    style: 'cinder',
    fault: 'forbidden',
    message: 'Not authorized.',
    versioned: true,
    help: 'Cinder does not let this token look at the volume (a system- or domain-scoped token that is not an admin).',
  },
  // the safety check of bug 2004555
  attachment_in_use: {
    status: 409,
    style: 'cinder',
    fault: 'conflictingRequest',
    versioned: true,
    message: 'ConflictNovaUsingAttachment: Detach volume from instance {server} using the Compute API',
    help: 'Nova uses the attachment, and the caller is not a service (CVE-2023-2088).',
  },
  service_token_missing: {
    status: 409,
    style: 'cinder',
    fault: 'conflictingRequest',
    versioned: true,
    message: 'ConflictNovaUsingAttachment: Detach volume from instance {server} using the Compute API',
    help: 'As attachment_in_use or attachment_ambiguous, for a caller that looks like a service but sent no service token: configure its [service_user]. The client sees the same answer.',
  },
  service_role_missing: {
    status: 409,
    style: 'cinder',
    fault: 'conflictingRequest',
    versioned: true,
    message: 'ConflictNovaUsingAttachment: Detach volume from instance {server} using the Compute API',
    help: 'As service_token_missing, for a service that sent a valid service token whose user has none of [keystone_authtoken] service_token_roles: give it the role. The client sees the same answer.',
  },
  shared_connector: {
    status: 409,
    style: 'cinder',
    fault: 'conflictingRequest',
    versioned: true,
    message: 'ConflictNovaUsingAttachment: Detach volume from instance {server} using the Compute API',
    help: 'guard_shared_connector: Nova uses the volume through another attachment record, whose connection this one may tear down.',
  },
  reset_status_in_use: {
    status: 409,
    style: 'cinder',
    fault: 'conflictingRequest',
    versioned: true,
    message: 'ConflictNovaUsingAttachment: Detach volume from instance {server} using the Compute API',
    help: 'guard_reset_status: os-reset_status to detached for a volume that Nova uses.',
  },
  update_in_use: {
    status: 409,
    style: 'cinder',
    fault: 'conflictingRequest',
    versioned: true,
    message: 'ConflictNovaUsingAttachment: Detach volume from instance {server} using the Compute API',
    help: 'guard_attachment_update: an update gives an attachment that Nova uses another connector.',
  },
  attachment_ambiguous: {
    status: 409,
    style: 'cinder',
    fault: 'conflictingRequest',
    versioned: true,
    message: 'ConflictNovaUsingAttachment: Detach volume from instance  using the Compute API',
    help: 'It is not clear which attachment is meant: there are several and none is named, or the named one is unknown.',
  },
  attachment_mismatch: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Invalid input received: Mismatched volume and attachment',
    versioned: true,
    help: 'The named attachment belongs to another volume.',
  },
  volume_in_maintenance: {
    status: 400,
    style: 'cinder',
    fault: 'badRequest',
    message: 'Invalid volume: The volume cannot be detached in maintenance mode.',
    versioned: true,
    help: 'The volume is in maintenance.',
  },
  null_body: {
    status: 500,
    style: 'cinder',
    fault: 'computeFault',
    message: SERVER_ERROR,
    versioned: true,
    help: 'os-detach with null: Cinder itself fails with 500.',
  },
  nova_forbidden: {
    status: 403,
    style: 'cinder',
    fault: 'forbidden',
    message: 'Access was denied to this resource.',
    versioned: true,
    help: "Nova answered 403 when asked who uses the volume; a fixed Cinder passes Nova's status on, too.",
  },
  nova_unauthorized: {
    status: 401,
    style: 'cinder',
    fault: 'unauthorized',
    versioned: true,
    message:
      'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.',
    help: "Nova answered 401 to the caller's token.",
  },
  nova_unavailable: {
    status: 503,
    style: 'cinder',
    fault: 'serviceUnavailable',
    retryAfter: 5,
    versioned: true,
    message: 'The server is currently unavailable. Please try again at a later time.',
    help: 'Nova did not answer, or its answer was not usable. Guarded operations of users are refused meanwhile.',
  },
  cinder_unavailable: {
    status: 503,
    style: 'cinder',
    fault: 'serviceUnavailable',
    retryAfter: 5,
    versioned: true,
    message: 'The server is currently unavailable. Please try again at a later time.',
    help: 'The upstream Cinder did not answer a lookup that the decision depends on.',
  },
  policy_unavailable: {
    status: 503,
    style: 'cinder',
    fault: 'serviceUnavailable',
    retryAfter: 5,
    message: 'The server is currently unavailable. Please try again at a later time.',
    help: 'The server of an http: or https: policy check did not answer.',
  },
  undecided: {
    status: 503,
    style: 'cinder',
    fault: 'serviceUnavailable',
    retryAfter: 5,
    message: 'The server is currently unavailable. Please try again at a later time.',
    help: 'No decision was reached: the time limit passed, attachments changed while they were read, more than 256 requests waited for one volume, a policy rule depends on something unknown, or there is a defect. The gateway fails closed; where it was an error, the log has the cause.',
  },
  // forwarding
  upstream_unreachable: {
    status: 502,
    style: 'cinder',
    fault: 'computeFault',
    message: 'Bad gateway.',
    retryAfter: 5,
    help: 'The upstream Cinder could not be reached, or closed the connection before it answered.',
  },
  upstream_timeout: {
    status: 504,
    style: 'cinder',
    fault: 'computeFault',
    message: 'The gateway has timed out.',
    retryAfter: 5,
    help: 'The upstream Cinder did not answer within [cinderguard] upstream_timeout.',
  },
} as const satisfies Record<string, Row>

export type Reason = keyof typeof REASONS

export interface Rejection {
  readonly verdict: 'reject'
  readonly reason: Reason
  readonly detail: Readonly<Record<string, string>>
  /** Effective microversion, where the refusal came after it was known and before the operation was. */
  readonly version?: string
}

type Slots<M extends string> = M extends `${string}{${infer S}}${infer Rest}` ? S | Slots<Rest> : never
/** The arguments that the message of `R` needs: none, or one object with every slot. */
export type SlotsOf<R extends Reason> = [Slots<(typeof REASONS)[R]['message']>] extends [never]
  ? []
  : [detail: Readonly<Record<Slots<(typeof REASONS)[R]['message']>, string>>]

export function reject<R extends Reason>(reason: R, ...detail: SlotsOf<R>): Rejection {
  return { verdict: 'reject', reason, detail: detail[0] ?? {} }
}

export function isRejection(value: object): value is Rejection {
  return 'verdict' in value && value.verdict === 'reject'
}

/** The row of a reason, as the general type. */
export function rowOf(reason: Reason): Row {
  return REASONS[reason]
}

/** The message that the client reads: the row's, with its slots filled. */
export function messageOf(rejection: Rejection): string {
  return rowOf(rejection.reason).message.replace(
    /\{(\w+)\}/g,
    (_, slot: string) => rejection.detail[slot] ?? '',
  )
}

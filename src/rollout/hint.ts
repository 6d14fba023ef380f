import type { Rejection } from '../http/rejection.ts'

/** What to do about a refusal. */
export interface Hint {
  readonly text: string
  /** For a shell; null where there is none to run. */
  readonly command: string | null
}

/** A name or id that may stand in a text or a command as it is: others could read as more than that. */
function plain(text: string | null | undefined, otherwise: string): string {
  return text && /^[\w.@+-]{1,255}$/.test(text) ? text : otherwise
}

const REMOVE = 'openstack server remove volume'

/** What to do about a refusal; null when there is nothing to advise. */
export function hintOf({ reason, detail }: Rejection, volumeId: string | null): Hint | null {
  switch (reason) {
    case 'service_token_missing':
      return {
        text: 'A service seems to have called without its service token: set [service_user] send_service_user_token = true with a user that has a role of service_token_roles, there where the call came from.',
        command: null,
      }
    case 'service_role_missing':
    case 'service_role_required':
      return roleHint(detail)
    case 'attachment_in_use':
      return {
        text: 'Detach it through the Compute API',
        command: `${REMOVE} ${plain(detail.server, 'SERVER')} ${plain(volumeId, 'VOLUME')}`,
      }
    case 'attachment_ambiguous':
      return {
        text: 'The volume has several attachments, or the one named is not its own: name the attachment, or detach it through the Compute API',
        command: `${REMOVE} SERVER VOLUME`,
      }
    case 'invalid_service_token':
      return {
        text: 'The service token is unknown or expired: see the account in [service_user] of the calling service.',
        command: null,
      }
    case 'policy': {
      const rule = detail.rule ?? ''
      return {
        text: `Rule ${rule} refuses it. If Cinder lets it pass, the two read different policies`,
        command: `cinderguard policy explain --rule ${rule}`,
      }
    }
    default:
      return null
  }
}

/** All of it as one text, as records and reports have it. */
export function hintText({ text, command }: Hint): string {
  return command === null ? text : `${text}: ${command}`
}

/** The text of {@link hintOf}. */
export function hintFor(rejection: Rejection, volumeId: string | null): string | null {
  const hint = hintOf(rejection, volumeId)
  return hint === null ? null : hintText(hint)
}

/** Anybody can send a token of his own as a service token: whose account it is must be known before it gets a role. */
function roleHint({
  service_user,
  service_user_id,
  service_project,
  service_roles,
  role,
}: Rejection['detail']): Hint {
  const who = plain(service_user, plain(service_user_id, 'of the calling service'))
  const has =
    service_user === undefined
      ? 'has no service role'
      : service_roles
        ? `has only ${service_roles}`
        : 'has no role'
  return {
    text: `A service token was sent, but its user ${who} ${has}. If that is a service's own account, and nobody else's`,
    command: `openstack role add --user ${plain(service_user_id, 'USER')} --project ${plain(service_project, 'service')} ${plain(role, 'service')}`,
  }
}

import { type Rejection, reject } from '../http/rejection.ts'
import type { Identity } from '../identity/identity.ts'
import type { ApiRule, JudgedOperation } from '../operation/operation.ts'
import { ALLOW, type Answer, type Attachment, ask, type Check, type Known } from './check.ts'
import type { PolicyRules } from './policy.ts'
import { rulesCheck } from './rules.ts'

/**
 * Beyond the fix: holes that a fixed Cinder has too, each closed by a switch of `[cinderguard]`, off by default.
 * docs/beyond-the-fix.md shows each, and what its switch costs.
 */
export interface BeyondOptions {
  /** Deleting or detaching a second, connected attachment record of a volume that Nova uses by another one. */
  readonly guard_shared_connector: boolean
  /** `os-reset_status` to `detached` of a volume that Nova uses. */
  readonly guard_reset_status: boolean
  /** Pointing an attachment that Nova uses to another connector (PUT). */
  readonly guard_attachment_update: boolean
}

const RESET_STATUS = 'volume_extension:volume_admin_actions:reset_status'
const UPDATE = 'volume:attachment_update'

export function beyondCheck(options: BeyondOptions, policy: PolicyRules): Check {
  const rules = rulesCheck(policy)
  // Whom policy refuses is told so, as by Cinder, and not who uses the volume.
  const permitted = (rule: ApiRule, operation: JudgedOperation, identity: Identity, known: Known): Answer =>
    rules.decide({ ...operation, rules: [rule] }, identity, known)
  return {
    name: 'beyond',
    decide(operation, identity, known) {
      if (identity.isService) return ALLOW
      switch (operation.kind) {
        case 'volume-detach':
        case 'volume-force-detach':
        case 'volume-terminate-connection':
          return options.guard_shared_connector
            ? unlessUsed(operation.volumeId, null, known, (server) => reject('shared_connector', { server }))
            : ALLOW
        case 'attachment-delete':
          return options.guard_shared_connector ? secondRecord(operation.attachmentId, known) : ALLOW
        case 'volume-reset-status': {
          if (!options.guard_reset_status) return ALLOW
          const { volumeId } = operation
          const rule = { name: RESET_STATUS, target: { kind: 'volume', volumeId } } as const
          const answer = permitted(rule, operation, identity, known)
          if (answer.verdict !== 'allow') return answer
          return unlessUsed(volumeId, null, known, (server) => reject('reset_status_in_use', { server }))
        }
        case 'attachment-update': {
          if (!options.guard_attachment_update) return ALLOW
          const { attachmentId } = operation
          const rule = { name: UPDATE, target: { kind: 'attachment', attachmentId } } as const
          const answer = permitted(rule, operation, identity, known)
          return answer.verdict === 'allow' ? update(attachmentId, known) : answer
        }
        default:
          return ALLOW
      }
    },
  }
}

/** The volume by an attachment's id; a missing attachment is Cinder's to answer. */
function secondRecord(attachmentId: string, known: Known): Answer {
  const question = { fact: 'attachment', attachmentId } as const
  const found = known.get(question)
  if (found === undefined) return ask(question)
  if (found === 'absent') return ALLOW
  const list = known.get({ fact: 'attachments', volumeId: found.volumeId })
  // A record that never was connected cannot tear down anybody's connection.
  if (Array.isArray(list) && list.some((row: Attachment) => row.id === found.id && !row.connected))
    return ALLOW
  return unlessUsed(found.volumeId, null, known, (server) => reject('shared_connector', { server }))
}

function update(attachmentId: string, known: Known): Answer {
  const question = { fact: 'attachment', attachmentId } as const
  const found = known.get(question)
  if (found === undefined) return ask(question)
  if (found === 'absent') return ALLOW
  return unlessUsed(found.volumeId, found.id, known, (server) => reject('update_in_use', { server }))
}

/**
 * Refuses when Nova uses any attachment of the volume, or only the one named. Cinder before 3.27 cannot list them
 * all, which is no pass.
 */
function unlessUsed(
  volumeId: string,
  only: string | null,
  known: Known,
  refuse: (server: string) => Rejection,
): Answer {
  const volumeQuestion = { fact: 'volume', volumeId } as const
  const volume = known.get(volumeQuestion)
  if (volume === undefined) return ask(volumeQuestion)
  if (typeof volume === 'string') return ALLOW
  const listQuestion = { fact: 'attachments', volumeId: volume.id } as const
  const attachments = known.get(listQuestion)
  if (attachments === undefined) return ask(listQuestion)
  if (attachments === 'unknown') return reject('attachment_ambiguous')
  for (const row of attachments) {
    if (row.serverId === null || (only !== null && row.id !== only)) continue
    const question = { fact: 'serverVolume', serverId: row.serverId, volumeId: volume.id } as const
    const nova = known.get(question)
    if (nova === undefined) return ask(question)
    if (nova === 'forbidden') return reject('nova_forbidden')
    if (nova === 'unauthorized') return reject('nova_unauthorized')
    if (nova !== 'absent' && (!nova.comparable || nova.attachmentId === row.id)) return refuse(row.serverId)
  }
  return ALLOW
}

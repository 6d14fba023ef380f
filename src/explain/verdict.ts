import { messageOf, type Rejection, rowOf } from '../http/rejection.ts'
import { hintOf, hintText } from '../rollout/hint.ts'
import type { Step } from './explain.ts'

/** The last step: what the client got (`did`) or would get (`would`), why, and what to do instead. */
export function verdictStep(
  refusal: Rejection | null,
  observed: boolean,
  volumeId: string | null,
  tense: 'did' | 'would',
): { readonly step: Step; readonly status: number | null; readonly command: string | null } {
  const did = tense === 'did'
  if (refusal === null) {
    const title = did ? 'Forwarded' : 'Would be forwarded'
    const note = did
      ? 'All checks let it pass; Cinder answered it.'
      : 'Cinder would answer it. Nothing was sent.'
    return {
      step: { stage: 'verdict', title, outcome: 'passed', details: { note } },
      status: null,
      command: null,
    }
  }
  const { status, help } = rowOf(refusal.reason)
  const hint = hintOf(refusal, volumeId)
  const title = observed
    ? `${did ? 'Forwarded' : 'Would be forwarded'} in observe mode; enforce mode answers ${status}`
    : `${did ? 'Refused' : 'Would be refused'} with ${status}`
  return {
    step: {
      stage: 'verdict',
      title,
      outcome: 'refused',
      details: {
        reason: refusal.reason,
        ...(isComplete(refusal) ? { message: messageOf(refusal) } : {}),
        meaning: help,
        ...(hint === null ? {} : { 'what to do': hintText(hint) }),
      },
    },
    status: observed ? null : status,
    command: hint?.command ?? null,
  }
}

/** A record does not hold all that a message may quote of a request. */
function isComplete({ reason, detail }: Rejection): boolean {
  return [...rowOf(reason).message.matchAll(/\{(\w+)\}/g)].every(
    ([, slot]) => detail[slot ?? ''] !== undefined,
  )
}

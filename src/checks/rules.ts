import { reject } from '../http/rejection.ts'
import { type Identity, projectOf } from '../identity/identity.ts'
import type { ApiRule, Operation } from '../operation/operation.ts'
import { ALLOW, type Answer, type Ask, allowedBy, ask, type Check, type Known } from './check.ts'
import {
  attachmentTarget,
  credentialsOf,
  judged,
  type PolicyRules,
  volumeTarget,
  withRequest,
} from './policy.ts'

/** The rules that an operation is given by the table of operations and by `[policy] enforce`. */
export function rulesCheck(policy: PolicyRules): Check {
  return {
    name: 'rules',
    decide(operation, identity, known) {
      const judged: string[] = []
      for (const rule of operation.rules ?? []) {
        const answer = one(rule, operation, identity, known, policy)
        if (answer.verdict !== 'allow') return answer
        judged.push(...(answer.rules ?? []))
      }
      return judged.length === 0 ? ALLOW : allowedBy(judged)
    },
  }
}

/** What is not there, or not to be seen, is Cinder's to answer: nothing is done to it. */
function one(
  rule: ApiRule,
  operation: Operation,
  identity: Identity,
  known: Known,
  policy: PolicyRules,
): Answer {
  const target = targetOf(rule, identity, known)
  if (target === null) return ALLOW
  if ('verdict' in target) return target as Ask
  const credentials = withRequest(credentialsOf(identity, policy), operation, identity)
  const verdict = judged(policy, rule.name, credentials, target, known)
  if (typeof verdict !== 'boolean') return verdict
  if (verdict) return allowedBy([rule.name])
  if (rule.name === 'volume:get' && rule.target.kind === 'volume')
    return reject('volume_not_found', { volume: rule.target.volumeId })
  const detail = { rule: rule.name }
  if (rule.name.startsWith('volume_extension:default_')) return { ...reject('policy_unnamed'), detail }
  return reject('policy', detail)
}

function targetOf(
  { target, onlyWhile }: ApiRule,
  identity: Identity,
  known: Known,
): Record<string, unknown> | Ask | null {
  const own = { project_id: projectOf(identity.user), user_id: identity.user.userId }
  switch (target.kind) {
    case 'context':
      return own
    case 'project':
      return { project_id: target.projectId }
    case 'volume': {
      const question = { fact: 'volume', volumeId: target.volumeId } as const
      const volume = known.get(question)
      if (volume === undefined) return ask(question)
      if (typeof volume === 'string') return null
      return onlyWhile === undefined || volume.status === onlyWhile ? volumeTarget(volume, identity) : null
    }
    case 'attachment': {
      const question = { fact: 'attachment', attachmentId: target.attachmentId } as const
      const attachment = known.get(question)
      if (attachment === undefined) return ask(question)
      if (attachment === 'absent') return null
      return attachmentTarget(target, attachment, identity, known)
    }
    case 'object': {
      const question = { fact: 'object', collection: target.collection, id: target.id } as const
      const object = known.get(question)
      if (object === undefined) return ask(question)
      return typeof object === 'string' ? null : { ...own, ...object }
    }
  }
}

import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Question } from '../checks/check.ts'
import { type Draft, judge, type Stages } from '../gateway.ts'
import { isRejection, messageOf, type Rejection, rowOf } from '../http/rejection.ts'
import { hintFor } from '../rollout/caller.ts'

/** A request as an operator describes it. */
export interface Described {
  readonly method: string
  /** With query, as a client sends it: `/v3/PROJECT/volumes/ID/action`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One step of the decision, in the order in which it was made. */
export interface Step {
  readonly stage: 'read' | 'authenticate' | 'classify' | 'check' | 'fact' | 'verdict'
  readonly what: string
  /** What came of it; never a token. */
  readonly result: Readonly<Record<string, unknown>>
}

export interface Explanation {
  readonly steps: readonly Step[]
  /** What the client would get: the status of a refusal, or null when the request would be forwarded. */
  readonly status: number | null
}

/**
 * Judges a described request with the gateway's own stages and says each step, every fact read live. Nothing is
 * forwarded: what would be is where it ends.
 */
export async function explain(described: Described, stages: Stages): Promise<Explanation> {
  const steps: Step[] = []
  const say = (stage: Step['stage'], what: string, result: Step['result']) => {
    steps.push({ stage, what, result })
  }
  const raw = asMessage(described)
  const envelope = stages.envelope(raw)
  const draft: Draft = {}
  const verdict = await judge(raw, envelope, draft, spoken(stages, say)).catch((fault: unknown) =>
    stages.reasonOf(fault, envelope.requestId),
  )
  void draft.turn?.then((end) => end()).catch(() => undefined)
  if (!isRejection(verdict)) {
    say('verdict', 'forwarded', { note: 'Cinder would now answer it. Nothing was forwarded.' })
    return { steps, status: null }
  }
  const refusal = stages.refine(verdict, stages.caller(draft))
  const { status, help } = rowOf(refusal.reason)
  const volumeId =
    draft.operation !== undefined && 'volumeId' in draft.operation ? draft.operation.volumeId : null
  const observed = stages.mode(refusal, draft) === 'observe' && draft.request !== undefined
  say('verdict', observed ? 'would be refused, forwarded in observe mode' : 'refused', {
    status,
    reason: refusal.reason,
    message: messageOf(refusal),
    meaning: help,
    hint: hintFor(refusal, volumeId),
  })
  return { steps, status: observed ? null : status }
}

type Say = (stage: Step['stage'], what: string, result: Step['result']) => void

function spoken(stages: Stages, say: Say): Stages {
  const outcome = (value: object | null) =>
    value !== null && isRejection(value) ? refusalOf(value) : undefined
  return {
    ...stages,
    async read(raw, envelope) {
      const request = await stages.read(raw, envelope)
      say(
        'read',
        'the request as Cinder reads it',
        outcome(request) ?? { method: raw.method, target: raw.url },
      )
      return request
    },
    async authenticate(request) {
      const identity = await stages.authenticate(request)
      const refused = outcome(identity)
      if (refused !== undefined) say('authenticate', 'who asks', refused)
      else if (identity === null)
        say('authenticate', 'who asks', { note: 'Cinder serves this without a token' })
      else if (!isRejection(identity)) {
        const { user, service, isService } = identity
        say('authenticate', 'who asks', {
          user: user.userName,
          user_id: user.userId,
          scope: user.scope,
          roles: user.roles,
          is_service: isService,
          service: service === undefined ? null : { name: service.userName, roles: service.roles },
        })
      }
      return identity
    },
    async classify(request, identity) {
      const operation = await stages.classify(request, identity)
      say('classify', 'what Cinder would do', outcome(operation) ?? { ...operation })
      return operation
    },
    checks: stages.checks,
    decided(check, answer) {
      if (answer.verdict === 'allow') say('check', check.name, { verdict: 'allow' })
      if (answer.verdict === 'reject') say('check', check.name, refusalOf(answer))
    },
    facts(request, identity) {
      const book = stages.facts(request, identity)
      return {
        get: (question) => book.get(question),
        forget: () => book.forget(),
        async gather(questions) {
          await book.gather(questions).catch((fault: unknown) => {
            say('fact', 'could not be had', { problem: fault instanceof Error ? fault.message : 'failed' })
            throw fault
          })
          for (const question of questions) say('fact', question.fact, factOf(question, book.get(question)))
        },
      }
    },
  }
}

function refusalOf({ reason, detail }: Rejection): Step['result'] {
  return { verdict: 'reject', reason, ...detail }
}

function factOf(question: Question, answer: unknown): Step['result'] {
  const { fact: _, ...asked } = question
  if (typeof answer !== 'object' || answer === null || !('view' in answer)) return { ...asked, answer }
  const { view: _view, ...shown } = answer
  return { ...asked, answer: shown }
}

/** The described request as Node would hand it over, had it come over the wire. */
function asMessage({ method, target, headers, body }: Described): IncomingMessage {
  const bytes = Buffer.from(body)
  const all = { ...headers, ...(bytes.length > 0 ? { 'content-length': String(bytes.length) } : {}) }
  const lower = Object.fromEntries(Object.entries(all).map(([name, value]) => [name.toLowerCase(), value]))
  return Object.assign(Readable.from(bytes.length > 0 ? [bytes] : []), {
    method,
    url: target,
    httpVersion: '1.1',
    rawHeaders: Object.entries({ host: 'localhost', ...all }).flat(),
    headers: lower,
    complete: true,
    socket: { remoteAddress: '' },
  }) as unknown as IncomingMessage
}

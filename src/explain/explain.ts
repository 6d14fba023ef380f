import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Check } from '../checks/check.ts'
import type { PolicyRules } from '../checks/policy.ts'
import { type Draft, judge, type Stages } from '../gateway.ts'
import { isRejection } from '../http/rejection.ts'
import type { Trace } from '../policy/trace.ts'
import { StepLog } from './step-log.ts'
import { verdictStep } from './verdict.ts'
import { whatDetails, whoDetails } from './words.ts'

/**
 * Why a request was or would be answered as it was, for people: what `cinderguard explain` prints and what the admin
 * listener answers to `GET /api/v1/decisions/ID/explanation`, as this JSON.
 */
export interface Explanation {
  readonly requestId: string
  /** `record`: a decision that was made, and what its facts are now. `request`: one described, judged now. */
  readonly of: 'record' | 'request'
  /** Of a refusal the status that the client got or would get; null when the request was or would be forwarded. */
  readonly status: number | null
  /** In the order of the decision; the verdict is last. */
  readonly steps: readonly Step[]
  /** What to run instead, if there is something. */
  readonly command: string | null
  /** For a recorded decision: what is otherwise by now, one sentence each. */
  readonly differences: readonly string[]
}

export interface Step {
  /** `fact`: something that a check had to know; `rule`: a policy rule that the check after it judged. */
  readonly stage: 'read' | 'authenticate' | 'classify' | 'fact' | 'rule' | 'check' | 'verdict'
  /** A heading, such as `Does Nova use it?` */
  readonly title: string
  /** `failed`: not available, or could not be judged; `changed`: of a record, is different now. */
  readonly outcome: 'passed' | 'refused' | 'failed' | 'changed'
  /** Names and values, ready to be shown; never a token. */
  readonly details: Readonly<Record<string, string>>
  /** Of a `rule`: each of its checks, how it came out, and what it read. */
  readonly trace?: Trace
}

/** A request as an operator describes it. */
export interface Described {
  readonly method: string
  /** With query, as a client sends it: `/v3/PROJECT/volumes/ID/action`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The gateway, as far as explanations judge with it. */
export interface Judging {
  readonly stages: Stages
  /** The checks, with another view of the same policy. */
  checksBy(policy: PolicyRules): readonly Check[]
  policy(): PolicyRules
}

/**
 * Judges a described request with the gateway's own stages and says each step, every fact read live. Nothing is
 * forwarded: what would be is where it ends.
 */
export async function explain(
  described: Described,
  { stages, checksBy, policy }: Judging,
): Promise<Explanation> {
  const log = new StepLog()
  const raw = asMessage(described)
  const envelope = stages.envelope(raw)
  const draft: Draft = {}
  const spoken: Stages = {
    ...stages,
    async read(message, about) {
      const request = await stages.read(message, about)
      const details = { method: message.method ?? '', target: message.url ?? '' }
      log.stage('read', 'The request, as Cinder reads it', request, () => details)
      return request
    },
    async authenticate(request) {
      const identity = await stages.authenticate(request)
      log.stage('authenticate', 'Who asks', identity, whoDetails)
      return identity
    },
    async classify(request, identity) {
      const operation = await stages.classify(request, identity)
      log.stage('classify', 'What Cinder would do', operation, whatDetails)
      return operation
    },
    checks: log.watching(checksBy, policy()),
    decided: (check, answer) => log.decided(check, answer),
    facts: (request, identity) => log.spoken(stages.facts(request, identity)),
  }
  const verdict = await judge(raw, envelope, draft, spoken).catch((fault: unknown) =>
    stages.reasonOf(fault, envelope.requestId),
  )
  void draft.turn?.then((end) => end?.()).catch(() => undefined)
  const refusal = isRejection(verdict) ? stages.refine(verdict, stages.caller(draft), draft) : null
  const observed =
    isRejection(verdict) && draft.request !== undefined && stages.mode(verdict, draft) === 'observe'
  const { operation } = draft
  const volumeId = operation !== undefined && 'volumeId' in operation ? operation.volumeId : null
  const { step, status, command } = verdictStep(refusal, observed, volumeId, 'would')
  const steps = [...log.steps, step]
  return { requestId: envelope.requestId, of: 'request', status, steps, command, differences: [] }
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

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type FactBook, runChecks } from './checking.ts'
import type { Answer, Check, Known } from './checks/check.ts'
import type { Forward } from './forward/forward.ts'
import type { Fault, FaultContext } from './http/fault.ts'
import { isRejection, type Rejection, reject } from './http/rejection.ts'
import type { CompleteRequest, Envelope, GuardedRequest } from './http/request.ts'
import type { Eventually, Identity } from './identity/identity.ts'
import { isJudged, type JudgedOperation, type Operation } from './operation/operation.ts'
import type { CallerKind } from './rollout/caller.ts'
import type { Mode } from './rollout/mode.ts'
import { StageClock, type StageSeconds } from './stage-clock.ts'

/**
 * THE LIFE OF A REQUEST: read, authenticate, classify, check, then forward or refuse, and record once.
 *
 * An {@link Approved} is the proof of judgement. Its key is private to this module, so nothing else can make one,
 * and `forward` takes nothing else: forwarding what was not judged does not compile.
 */
const approval: unique symbol = Symbol('approved')
export interface Approved {
  readonly [approval]: true
  readonly request: CompleteRequest
  /** Null for what Cinder serves without a token. */
  readonly identity: Identity | null
  /** Null when it was forwarded in observe mode, though it could not be told. */
  readonly operation: Operation | null
}

/** What each stage is given; `app.ts` makes them of the configuration. */
export interface Stages {
  envelope(raw: IncomingMessage): Envelope
  read(raw: IncomingMessage, envelope: Envelope): Promise<GuardedRequest | Rejection>
  /** Null: Cinder serves this without a token. */
  authenticate(request: GuardedRequest): Eventually<Identity | Rejection | null>
  classify(request: CompleteRequest, identity: Identity | null): Eventually<Operation | Rejection>
  /** Asked once for each decision, which one policy judges from beginning to end. */
  readonly checks: readonly Check[]
  /** Told of each check's answer; for explanations. */
  decided?(check: Check, answer: Answer): void
  /** The policy in force, for the record. */
  policyInForce?(): PolicyInForce
  facts(request: GuardedRequest, identity: Identity): FactBook
  /** Waits until no other operation on the same volume is under way; ended when Cinder has answered. Null: needs none. */
  turn(operation: JudgedOperation, identity: Identity, facts: FactBook): Promise<(() => void) | null>
  /** A time limit for all waiting of one decision together, begun when the request has been read. */
  deadline(): <T>(work: Eventually<T>) => Eventually<T>
  /** Which refusal a fault of a dependency means. */
  reasonOf(fault: unknown, requestId: string): Rejection
  /** Who seems to ask, for the record. */
  caller(draft: Draft): CallerKind
  /** Gives a refusal the reason that fits its caller; the answer stays the same. */
  refine(rejection: Rejection, caller: CallerKind, draft: Draft): Rejection
  /** In `observe` a refusal is recorded, and its request forwarded. */
  mode(rejection: Rejection | null, draft: Draft): Mode
  render(rejection: Rejection, context: Omit<FaultContext, 'wwwAuthenticateUri'>): Fault
  /** Resolves when the answer was sent, or to a rejection when nothing was; `answered` hears when Cinder is done. */
  readonly forward: Forward
  record(outcome: Outcome): void
  now(): number
}

/** What became of a request: exactly one for each. */
export interface Outcome {
  readonly envelope: Envelope
  readonly draft: Draft
  readonly rejection: Rejection | null
  /** What would have refused it, had it not been forwarded in observe mode. */
  readonly observed: Rejection | null
  /** The mode that counted for it. */
  readonly mode: Mode
  readonly caller: CallerKind
  readonly status: number
  /** Seconds from the first byte read to the decision, and to the end of the answer. */
  readonly decisionSeconds: number
  readonly totalSeconds: number
  readonly stages: StageSeconds
}

/** What became known of the upstream by forwarding. */
export interface Heard {
  /** The request was handed to it: whatever the client was answered, it may have been executed. */
  isSent?: true
  /** Its own id of the request, which the client sees as that of the answer. */
  upstreamRequestId?: string
}

/** Which policy judged. */
export interface PolicyInForce {
  /** Of the organisation's bundle; null without one. */
  readonly version: number | null
  readonly digest: string
  /** Who wrote a rule: Cinder itself (`default`), the organisation (`bundle`) or a file here (`local`). */
  layerOf(rule: string): string | null
}

/** What is known of a request so far, for the record; filled stage by stage. */
export interface Draft extends Heard {
  request?: GuardedRequest
  identity?: Identity | null
  operation?: Operation
  policy?: PolicyInForce | undefined
  /** The check that refused. */
  check?: string
  /** Policy rules that allowed, in the order in which they were judged. */
  rules?: readonly string[]
  facts?: Known & { entries?(): readonly (readonly [string, unknown])[] }
  /** Absent, too, when none was needed. */
  turn?: Promise<(() => void) | null>
  /** The record's name for what was refused before it was classified, once one was looked for. */
  looksLike?: string
  /** Absent when nobody measures. */
  clock?: StageClock
}

/** Decides one request. The only place that can approve. @throws when a dependency fails. */
export async function judge(
  raw: IncomingMessage,
  envelope: Envelope,
  draft: Draft,
  stages: Stages,
): Promise<Approved | Rejection> {
  const request = await stages.read(raw, envelope)
  if (isRejection(request)) return request
  draft.request = request
  draft.clock?.enter('authenticate', stages.now())
  const inTime = stages.deadline()
  const identity = await inTime(stages.authenticate(request))
  if (identity !== null && isRejection(identity)) return identity
  draft.identity = identity
  if (request.body === 'too-large') return reject('body_too_large', { explanation: 'Request is too large.' })
  draft.clock?.enter('classify', stages.now())
  const operation = await inTime(stages.classify(request, identity))
  if (isRejection(operation)) return operation
  draft.operation = operation
  if (isJudged(operation)) {
    draft.clock?.enter('check', stages.now())
    if (identity === null) return reject('undecided')
    const facts = stages.facts(request, identity)
    draft.facts = facts
    draft.policy = stages.policyInForce?.()
    draft.turn = stages.turn(operation, identity, facts)
    const { checks } = stages
    if ((await inTime(draft.turn)) === null) delete draft.turn
    const decided = (check: Check, answer: Answer): void => {
      if (isRejection(answer)) draft.check = check.name
      else if (answer.verdict === 'allow' && answer.rules !== undefined)
        draft.rules = [...(draft.rules ?? []), ...answer.rules]
      stages.decided?.(check, answer)
    }
    const refusal = await inTime(runChecks(checks, operation, identity, facts, decided))
    if (refusal !== null) return refusal
  }
  return { [approval]: true, request, identity, operation }
}

/**
 * In observe mode what was refused is forwarded all the same, so that Cinder answers as it would without the
 * gateway. What has no single meaning, or was not read to its end, cannot be forwarded in any mode.
 */
function despite(draft: Draft): Approved | null {
  const { request, identity = null, operation = null } = draft
  if (request === undefined || request.body === 'too-large') return null
  return { [approval]: true, request, identity, operation }
}

/** The request handler: judges, forwards or refuses, and records, whatever happens. */
export function createGateway(
  stages: Stages,
): (raw: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (raw, response) => {
    const started = stages.now()
    const envelope = stages.envelope(raw)
    const clock = new StageClock(started)
    const draft: Draft = { clock }
    let decided = started
    let rejection: Rejection | null = null
    let observed: Rejection | null = null
    let caller: CallerKind = 'unknown'
    let mode: Mode | null = null
    // A turn that came too late for its request is ended too.
    const endTurn = (): void => void draft.turn?.then((end) => end?.()).catch(() => undefined)
    let isForwarded = false
    try {
      const verdict = await judge(raw, envelope, draft, stages).catch((fault: unknown) =>
        stages.reasonOf(fault, envelope.requestId),
      )
      decided = stages.now()
      clock.enter(null, decided)
      caller = stages.caller(draft)
      let approved: Approved | null
      if (isRejection(verdict)) {
        // Before the reason is refined: that rests on what the client says of itself.
        mode = stages.mode(verdict, draft)
        approved = mode === 'observe' ? despite(draft) : null
        const refusal = stages.refine(verdict, caller, draft)
        if (approved === null) rejection = refusal
        else observed = refusal
      } else approved = verdict
      if (approved !== null) {
        clock.enter('forward', decided)
        try {
          const answered = draft.turn && endTurn
          rejection = await stages.forward({ approved, raw, response, heard: draft, answered })
          isForwarded = true
        } catch (fault) {
          rejection = stages.reasonOf(fault, envelope.requestId)
        }
        if (rejection !== null) mode = stages.mode(rejection, draft)
        clock.enter(null, stages.now())
      }
      if (rejection !== null) refuse(rejection, envelope, draft, response, stages)
    } finally {
      if (!isForwarded) endTurn()
      stages.record({
        envelope,
        draft,
        rejection,
        observed,
        mode: mode ?? stages.mode(null, draft),
        caller,
        status: response.statusCode,
        decisionSeconds: (decided - started) / 1000,
        totalSeconds: (stages.now() - started) / 1000,
        stages: clock,
      })
    }
  }
}

function refuse(
  rejection: Rejection,
  { requestId, accept, method }: Envelope,
  draft: Draft,
  response: ServerResponse,
  stages: Stages,
): void {
  const version = rejection.version ?? draft.operation?.version ?? null
  const fault = stages.render(rejection, { requestId, accept, version })
  // The rest of an answer that has begun will never come.
  if (response.headersSent) response.destroy()
  else response.statusCode = fault.status
  if (response.destroyed) return
  // What was not read to its end, or may end elsewhere to somebody, must not be taken for the start of the next one.
  if (!response.req.complete || rejection.reason === 'bad_request_framing')
    response.setHeader('connection', 'close')
  for (const [name, value] of Object.entries(fault.headers)) response.setHeader(name, value)
  response.setHeader('content-length', Buffer.byteLength(fault.body))
  response.end(method === 'HEAD' ? undefined : fault.body)
}

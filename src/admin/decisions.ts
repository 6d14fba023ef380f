import { type RequestHandler, Router } from 'express'
import { REASONS } from '../http/rejection.ts'
import { RULE_NAMES } from '../policy/try-out.ts'
import type { CadfEvent } from '../record/cadf.ts'
import type { Recent } from '../record/recent.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import { eventStream } from './events.ts'
import type { Now } from './now.ts'
import { type TryOutPolicy, triedOut } from './try-out.ts'

export interface DecisionSources {
  readonly now: () => Promise<Now>
  readonly policy: () => TryOutPolicy
  readonly recent: Recent<CadfEvent>
  readonly report: () => Promise<ReadinessReport>
}

/**
 * What operators look at, read only, as JSON below `/api/v1`: `decisions` (the latest, newest first; `?limit=N`),
 * `decisions/<request id>`, `events` (server-sent), `report` (readiness to enforce), `now`, `reasons` (what they
 * mean), `rules` and `try-out` (what a policy rule says of somebody made up).
 */
export function decisionRoutes(
  access: RequestHandler,
  { recent, report, now, policy }: DecisionSources,
): Router {
  const router = Router()
  router.use(access)
  router.get('/decisions', (request, response) => {
    response.json({ decisions: recent.all().toReversed().slice(0, latest(request.query.limit)) })
  })
  router.get('/decisions/:requestId', (request, response) => {
    const found = recent.all().filter((event) => requestIdOf(event) === request.params.requestId)
    if (found.length === 0) {
      response.status(404).json({ error: 'no such decision among the latest' })
      return
    }
    response.json({ decisions: found.toReversed() })
  })
  router.get('/now', async (_request, response) => {
    response.json(await now())
  })
  router.get('/rules', (_request, response) => {
    response.json({ rules: policy().names?.() ?? RULE_NAMES })
  })
  router.get('/reasons', (_request, response) => {
    response.json({ reasons: MEANINGS })
  })
  router.get('/try-out', (request, response) => {
    const { status, body } = triedOut(new URL(request.url, 'http://localhost').searchParams, policy())
    response.status(status).json(body)
  })
  router.get('/report', async (_request, response) => {
    response.json(await report())
  })
  router.get('/events', eventStream(recent, now))
  return router
}

/** What each reason says to operators. */
const MEANINGS = Object.fromEntries(
  Object.entries(REASONS).map(([reason, { status, help }]) => [reason, { status, help }]),
)

function latest(limit: unknown): number {
  const number = Number(limit)
  return Number.isInteger(number) && number > 0 ? number : Number.POSITIVE_INFINITY
}

function requestIdOf(event: CadfEvent): unknown {
  const { initiator } = event
  return typeof initiator === 'object' && initiator !== null && 'request_id' in initiator
    ? initiator.request_id
    : undefined
}

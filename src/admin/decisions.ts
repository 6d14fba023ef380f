import { type RequestHandler, Router } from 'express'
import type { Explanation } from '../explain/explain.ts'
import { REASONS } from '../http/rejection.ts'
import { ruleNames } from '../policy/try-out.ts'
import { type CadfEvent, isCalled } from '../record/cadf.ts'
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
  /** @param token whose eyes see the facts of now; else those of the gateway's own account. */
  readonly explain: (event: CadfEvent, token: string | undefined) => Promise<Explanation>
}

/**
 * What operators look at, read only, as JSON below `/api/v1`: `decisions` (the latest, newest first; `?limit=N`),
 * `decisions/<id>` (by request id, that of Cinder's answer or that of the record), `decisions/<id>/explanation` (of
 * the newest of them), `events` (server-sent), `report` (readiness to enforce), `now`, `reasons` (what they mean),
 * `rules` and `try-out` (what a policy rule says of somebody made up).
 */
export function decisionRoutes(
  access: RequestHandler,
  { recent, report, now, policy, explain }: DecisionSources,
): Router {
  const router = Router()
  router.use(access)
  router.get('/decisions', (request, response) => {
    response.json({ decisions: recent.all().toReversed().slice(0, latest(request.query.limit)) })
  })
  const find = (id: string) => recent.all().filter((event) => isCalled(event, id))
  router.get('/decisions/:id', (request, response) => {
    const found = find(request.params.id)
    if (found.length === 0) response.status(404).json({ error: UNKNOWN })
    else response.json({ decisions: found.toReversed() })
  })
  router.get('/decisions/:id/explanation', async (request, response) => {
    const newest = find(request.params.id).at(-1)
    const token = request.headers['x-auth-token']
    if (newest === undefined) response.status(404).json({ error: UNKNOWN })
    else response.json(await explain(newest, typeof token === 'string' ? token : undefined))
  })
  router.get('/now', async (_request, response) => {
    response.json(await now())
  })
  router.get('/rules', (_request, response) => {
    response.json({ rules: ruleNames(policy()) })
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

const UNKNOWN = 'no such decision among the latest'

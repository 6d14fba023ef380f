import { type RequestHandler, Router } from 'express'
import type { CadfEvent } from '../record/cadf.ts'
import type { Recent } from '../record/recent.ts'
import type { ReadinessReport } from '../rollout/report.ts'

export interface DecisionSources {
  readonly recent: Recent<CadfEvent>
  readonly report: () => ReadinessReport
}

/**
 * What operators look at, read only, as JSON below `/api/v1`: `decisions` (the latest, newest first),
 * `decisions/<request id>`, `report` (readiness to enforce) and `events` (new decisions as server-sent events).
 */
export function decisionRoutes(access: RequestHandler, { recent, report }: DecisionSources): Router {
  const router = Router()
  router.use(access)
  router.get('/decisions', (_request, response) => {
    response.json({ decisions: recent.all().toReversed() })
  })
  router.get('/decisions/:requestId', (request, response) => {
    const found = recent.all().filter((event) => requestIdOf(event) === request.params.requestId)
    if (found.length === 0) {
      response.status(404).json({ error: 'no such decision among the latest' })
      return
    }
    response.json({ decisions: found.toReversed() })
  })
  router.get('/report', (_request, response) => {
    response.json(report())
  })
  router.get('/events', (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(': decisions as they are made\n\n')
    const stop = recent.subscribe((event) => {
      // A page that does not read must not fill the memory.
      if (response.writableLength < MAX_UNREAD) response.write(`data: ${JSON.stringify(event)}\n\n`)
    })
    const beat = setInterval(() => response.write(': still here\n\n'), 15_000)
    request.once('close', () => {
      clearInterval(beat)
      stop()
    })
  })
  return router
}

const MAX_UNREAD = 1_048_576

function requestIdOf(event: CadfEvent): unknown {
  const { initiator } = event
  return typeof initiator === 'object' && initiator !== null && 'request_id' in initiator
    ? initiator.request_id
    : undefined
}

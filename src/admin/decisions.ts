import { type RequestHandler, Router } from 'express'
import type { Explanation } from '../explain/explain.ts'
import { RULE_NAMES, type TryOutRules, tryOut } from '../policy/try-out.ts'
import { type CadfEvent, isCalled } from '../record/cadf.ts'
import type { Recent } from '../record/recent.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import type { Now } from './now.ts'

/** The policy, as far as the console tries rules out. */
export interface TryOutPolicy extends TryOutRules {
  source(rule: string): { readonly from: string; readonly check: unknown } | undefined
}

export interface DecisionSources {
  readonly now: () => Promise<Now>
  readonly policy: () => TryOutPolicy
  readonly recent: Recent<CadfEvent>
  readonly report: () => Promise<ReadinessReport>
  /** @param token whose eyes see the facts of now; else those of the gateway's own account. */
  readonly explain: (event: CadfEvent, token: string | undefined) => Promise<Explanation>
}

/**
 * What operators look at, read only, as JSON below `/api/v1`: `decisions` (the latest, newest first),
 * `decisions/<id>` (by request id, that of Cinder's answer or that of the record), `decisions/<id>/explanation` (of
 * the newest of them), `events` (new decisions as server-sent events), `report` (readiness to enforce), `now`,
 * `rules` and `try-out` (what a policy rule says of somebody made up).
 */
export function decisionRoutes(
  access: RequestHandler,
  { recent, report, now, policy, explain }: DecisionSources,
): Router {
  const router = Router()
  router.use(access)
  router.get('/decisions', (_request, response) => {
    response.json({ decisions: recent.all().toReversed() })
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
    response.json({ rules: RULE_NAMES })
  })
  router.get('/try-out', (request, response) => {
    const asked = new URL(request.url, 'http://localhost').searchParams
    const rule = asked.get('rule') ?? ''
    try {
      const allowed = tryOut(
        {
          rule,
          roles: (asked.get('roles') ?? '')
            .split(',')
            .map((role) => role.trim())
            .filter((role) => role !== ''),
          target: asked.get('target') === 'other' ? 'other' : 'own',
          scope: asked.get('scope') === 'system' ? 'system' : 'project',
          isService: asked.get('service') === 'true',
        },
        policy(),
      )
      const { check, from } = policy().source(rule) ?? { check: '', from: '' }
      if (allowed === null) response.status(404).json({ error: 'there is no such rule' })
      else response.json({ allowed, check: typeof check === 'string' ? check : JSON.stringify(check), from })
    } catch (error) {
      response
        .status(422)
        .json({ error: error instanceof Error ? error.message : 'the rule cannot be judged' })
    }
  })
  router.get('/report', async (_request, response) => {
    response.json(await report())
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

const UNKNOWN = 'no such decision among the latest'

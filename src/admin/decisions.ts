import { type RequestHandler, Router } from 'express'
import type { PolicyRuleSource } from '../checks/policy.ts'
import { described, FIELDS, readDescribed } from '../policy/extensions.ts'
import { ruleNames, type TryOutRules, tryOut } from '../policy/try-out.ts'
import type { CadfEvent } from '../record/cadf.ts'
import type { Recent } from '../record/recent.ts'
import type { ReadinessReport } from '../rollout/report.ts'
import type { Now } from './now.ts'

/** The policy, as far as the console tries rules out. */
export interface TryOutPolicy extends TryOutRules {
  source(rule: string): PolicyRuleSource | undefined
}

export interface DecisionSources {
  readonly now: () => Promise<Now>
  readonly policy: () => TryOutPolicy
  readonly recent: Recent<CadfEvent>
  readonly report: () => Promise<ReadinessReport>
}

/**
 * What operators look at, read only, as JSON below `/api/v1`: `decisions` (the latest, newest first),
 * `decisions/<request id>`, `events` (new decisions as server-sent events), `report` (readiness to enforce), `now`,
 * `rules` and `try-out` (what a policy rule says of somebody made up).
 */
export function decisionRoutes(
  access: RequestHandler,
  { recent, report, now, policy }: DecisionSources,
): Router {
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
  router.get('/now', async (_request, response) => {
    response.json(await now())
  })
  router.get('/rules', (_request, response) => {
    response.json({ rules: ruleNames(policy()) })
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
        requestOf(asked),
      )
      const source = policy().source(rule)
      const { check = '', from = '', layer = '', locked = false } = source ?? {}
      if (allowed === null) response.status(404).json({ error: 'there is no such rule' })
      else {
        const text = typeof check === 'string' ? check : JSON.stringify(check)
        response.json({ allowed, check: text, from, layer, locked })
      }
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

/** The request as the one who tries tells of it: `address`, `time`, `microversion`; a plain call without. */
function requestOf(asked: URLSearchParams): ReturnType<typeof described> {
  const told = [...asked].filter(([name]) => FIELDS.includes(name) && name !== 'service' && name !== 'body')
  const service = asked.get('service') === 'true' ? { service: 'service' } : {}
  return described(readDescribed({ ...Object.fromEntries(told), ...service }), Date.now())
}

const MAX_UNREAD = 1_048_576

function requestIdOf(event: CadfEvent): unknown {
  const { initiator } = event
  return typeof initiator === 'object' && initiator !== null && 'request_id' in initiator
    ? initiator.request_id
    : undefined
}

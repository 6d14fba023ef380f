import express, { type Express, type Router } from 'express'
import type { Registry } from 'prom-client'
import type { PolicyReadiness, Readiness } from './readiness.ts'

export interface AdminSources {
  readonly registry: () => Promise<Registry>
  readonly readiness: () => Promise<Readiness & { readonly policy?: PolicyReadiness }>
  /** True once shutdown has begun. */
  readonly isDraining: () => boolean
  /** What operators look at, below `/api/v1`. */
  readonly decisions?: Router
  /** The console's page. */
  readonly page?: Router
}

/** The admin listener's pages: `/healthz` (alive), `/readyz` (can decide), `/metrics`. */
export function createAdmin({ registry, readiness, isDraining, decisions, page }: AdminSources): Express {
  const app = express()
  // Else what it throws would be shown with its stack.
  app.set('env', 'production')
  app.disable('x-powered-by')
  app.disable('etag')
  app.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n')
  })
  app.get('/readyz', async (_request, response) => {
    if (isDraining()) {
      response.status(503).json({ ready: false, draining: true })
      return
    }
    const { ready, services, policy } = await readiness()
    response.status(ready ? 200 : 503).json({ ready, draining: false, services, policy })
  })
  app.get('/metrics', async (_request, response) => {
    const metrics = await registry()
    response.setHeader('content-type', metrics.contentType)
    response.send(await metrics.metrics())
  })
  if (decisions !== undefined) app.use('/api/v1', decisions)
  if (page !== undefined) app.use(page)
  app.use((_request, response) => {
    response.status(404).type('text/plain').send('not found\n')
  })
  return app
}

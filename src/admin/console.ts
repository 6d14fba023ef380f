import { readFileSync } from 'node:fs'
import { Router } from 'express'

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/console.js': ['console.js', 'text/javascript; charset=utf-8'],
  '/console.css': ['console.css', 'text/css; charset=utf-8'],
} as const

/** Nothing from elsewhere, nothing inline, nobody's frame. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/** The console's page. It holds no data: that comes from `/api/v1`, which asks who wants to know. */
export function consolePage(): Router {
  const router = Router()
  for (const [path, [file, type]] of Object.entries(FILES)) {
    const bytes = readFileSync(new URL(`./console/${file}`, import.meta.url))
    router.get(path, (_request, response) => {
      response.set(HEADERS).type(type).send(bytes)
    })
  }
  return router
}

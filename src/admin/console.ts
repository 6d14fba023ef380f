import { readFileSync } from 'node:fs'
import { Router } from 'express'

const MODULES = [
  ...['console', 'api', 'dom', 'words', 'rates', 'sparkline', 'now'],
  ...['decision', 'decisions', 'detail', 'report', 'trace', 'try-out'],
]
const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
} as const

/** Of the page's own folder, below `/console/`. */
const FILES = ['console.css', ...MODULES.map((name) => `${name}.js`)]
/** Nothing from elsewhere, nothing inline, nobody's frame. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

/** The console's page. It holds no data: that comes from `/api/v1`, which asks who wants to know. */
export function consolePage(): Router {
  const router = Router()
  const serve = (path: string, file: string, type: string): void => {
    const bytes = readFileSync(new URL(`./console/${file}`, import.meta.url))
    router.get(path, (_request, response) => {
      response.set(HEADERS).type(type).send(bytes)
    })
  }
  serve('/', 'index.html', TYPES.html)
  for (const file of FILES) serve(`/console/${file}`, file, file.endsWith('.css') ? TYPES.css : TYPES.js)
  return router
}

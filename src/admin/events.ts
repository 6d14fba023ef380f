import type { RequestHandler, Response } from 'express'
import type { CadfEvent } from '../record/cadf.ts'
import type { Recent } from '../record/recent.ts'
import type { Now } from './now.ts'

/** Bytes that a page may leave unread. More would fill the memory; less would be lost without a word. */
const MAX_UNREAD = 4_194_304
/** Milliseconds from one state to the next. */
const TICK = 2000

/**
 * What happens, as server-sent events: each decision as it is made (unnamed events), and the state as `now`, read
 * once for all who listen. A page that does not read is let go, so that it comes again and asks for what it missed;
 * so is one whose token has expired.
 */
export function eventStream(recent: Recent<CadfEvent>, now: () => Promise<Now>): RequestHandler {
  const listeners = new Set<Response>()
  let ticking: NodeJS.Timeout | undefined

  const send = (response: Response, text: string): void => {
    if (response.writableLength < MAX_UNREAD) response.write(text)
    else response.destroy()
  }
  const tick = async (): Promise<void> => {
    // What cannot be read now can be the next time.
    const state = await now().catch(() => null)
    const text = state === null ? ': no state\n\n' : `event: now\ndata: ${JSON.stringify(state)}\n\n`
    for (const response of listeners) send(response, text)
  }
  const begin = (): void => {
    ticking ??= setInterval(() => void tick(), TICK)
  }
  const end = (): void => {
    if (listeners.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }

  return (_request, response) => {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.write(': decisions as they are made\n\n')
    listeners.add(response)
    begin()
    const stop = recent.subscribe((event) => send(response, `data: ${JSON.stringify(event)}\n\n`))
    const expiry = endAt(response, response.locals.until)
    response.once('close', () => {
      stop()
      clearTimeout(expiry)
      listeners.delete(response)
      end()
    })
  }
}

/** @param until milliseconds since the epoch, where there is a token. */
function endAt(response: Response, until: unknown): NodeJS.Timeout | undefined {
  if (typeof until !== 'number') return undefined
  const timer = setTimeout(() => response.end(), Math.min(Math.max(until - Date.now(), 0), 2 ** 31 - 1))
  return timer.unref()
}

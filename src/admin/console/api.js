// The admin listener's API, and its stream of events.

let token = ''

/** The token is kept in this page's memory alone. */
export function setToken(text) {
  token = text
}
export const hasToken = () => token !== ''

/** What the gateway, or the way to it, said no with; `status` is 0 when it was the way. */
class Refusal extends Error {
  constructor(message, status) {
    super(message)
    this.status = status
  }
}
const lost = (error) => {
  throw new Refusal(error instanceof TypeError ? 'the gateway cannot be reached' : error.message, 0)
}

/** @throws Refusal */
async function ask(path, signal) {
  const headers = token === '' ? {} : { 'x-auth-token': token }
  const answer = await fetch(`api/v1${path}`, { signal, headers }).catch(lost)
  if (answer.ok) return answer
  const { error = `status ${answer.status}` } = await answer.json().catch(() => ({}))
  throw new Refusal(error, answer.status)
}

/** Reads JSON. @throws Refusal */
export async function get(path) {
  return (await ask(path)).json().catch(lost)
}

/** The gateway says something every few seconds; a line that is silent for longer is dead. */
const SILENCE = 10_000

/**
 * Hears of what happens, until the line breaks.
 *
 * @param on is given the name of each event (`message` when it has none) and its data
 * @param onOpen is called when nothing that happens from then on will be missed
 * @throws Refusal, always, in the end; faults of `on` are reported and end nothing
 */
export async function listen(on, onOpen) {
  const line = new AbortController()
  let watch
  const alive = () => {
    clearTimeout(watch)
    watch = setTimeout(() => line.abort(new Error('the gateway went silent')), SILENCE)
  }
  try {
    alive()
    const answer = await ask('/events', line.signal)
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    await onOpen()
    let held = ''
    for (;;) {
      const { value, done } = await reader.read().catch(lost)
      if (done) throw new Refusal('the gateway ended the connection', 0)
      alive()
      held += value
      const blocks = held.split('\n\n')
      held = blocks.pop()
      for (const block of blocks) deliver(block, on)
    }
  } finally {
    clearTimeout(watch)
    line.abort()
  }
}

function deliver(block, on) {
  let name = 'message'
  let data = ''
  for (const part of block.split('\n')) {
    if (part.startsWith('event: ')) name = part.slice(7)
    if (part.startsWith('data: ')) data += part.slice(6)
  }
  if (data === '') return
  try {
    on(name, JSON.parse(data))
  } catch (error) {
    reportError(error)
  }
}

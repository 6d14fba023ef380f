// The admin listener's API, and its stream of events.

let token = ''

/** The token is kept in this page's memory alone. */
export function setToken(text) {
  token = text
}
export const hasToken = () => token !== ''

/** @returns the answer. @throws an Error with the gateway's words and `status`; none when it cannot be reached. */
async function ask(path, signal) {
  const answer = await fetch(`api/v1${path}`, {
    signal,
    headers: token === '' ? {} : { 'x-auth-token': token },
  })
  if (answer.ok) return answer
  const { error = `status ${answer.status}` } = await answer.json().catch(() => ({}))
  throw Object.assign(new Error(error), { status: answer.status })
}

export async function get(path) {
  return (await ask(path)).json()
}

/** The gateway says something every few seconds; a line that is silent for longer is dead. */
const SILENCE = 10_000

/**
 * Hears of what happens, until the line breaks.
 *
 * @param on is given the name of each event (`message` when it has none) and its data
 * @param onOpen is called when nothing that happens from then on will be missed
 * @throws always, in the end: with the reason
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
      const { value, done } = await reader.read()
      if (done) throw new Error('the gateway ended the connection')
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
  if (data !== '') on(name, JSON.parse(data))
}

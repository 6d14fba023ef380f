import { get } from './api.js'
import { at, el, setHidden, setText } from './dom.js'
import { traceItem } from './trace.js'

export function startTryOut() {
  at('try').addEventListener('submit', (event) => {
    event.preventDefault()
    void ask()
  })
}

/** Offers the names of rules. */
export async function learnRules() {
  const { rules = [] } = await get('/rules').catch(() => ({}))
  at('rules').replaceChildren(...rules.map((value) => el('option', { value })))
}

async function ask() {
  const asked = new URLSearchParams({
    rule: at('rule').value.trim(),
    roles: at('roles').value,
    target: at('target').value,
    scope: at('scope').value,
    service: String(at('service').checked),
  })
  const verdict = at('answer')
  const trace = at('trace')
  try {
    const found = await get(`/try-out?${asked}`)
    setText(verdict, found.allowed ? 'Allowed' : 'Refused')
    verdict.dataset.tone = found.allowed ? 'good' : 'bad'
    setText(at('rule-text'), found.check || 'the empty rule: everybody may')
    setText(at('rule-from'), originOf(found))
    setHidden(at('rule-shown'), false)
    trace.replaceChildren(...(found.trace === undefined ? [] : [traceItem(found.trace)]))
  } catch (error) {
    setText(verdict, error.message)
    verdict.dataset.tone = 'bad'
    setHidden(at('rule-shown'), true)
    trace.replaceChildren()
  }
  setHidden(at('trace-shown'), trace.childElementCount === 0)
}

function originOf({ from, layer, place }) {
  if (from === 'default') return "Cinder's default"
  if (layer === 'bundle') return "the organisation's bundle"
  return place === undefined ? from || 'not told' : `${place.file}, line ${place.line}`
}

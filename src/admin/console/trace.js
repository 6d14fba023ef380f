import { el } from './dom.js'

const RESULTS = { true: 'passes', false: 'fails', error: 'error', asks: 'asks another server' }

/** A policy rule check by check, as an item of a list. */
export function traceItem({ check, result, read, parts = [] }) {
  return el(
    'li',
    { 'data-result': String(result) },
    el('span', { class: 'result' }, RESULTS[result] ?? String(result)),
    ' ',
    el('code', {}, check),
    read === undefined ? null : el('span', { class: 'read' }, ` ${read}`),
    parts.length === 0 ? null : el('ul', {}, ...parts.map(traceItem)),
  )
}

import { merged, read } from './decision.js'
import { at, el, keyed, setAttribute, setHidden, setText, soon } from './dom.js'
import { clock, count, VERDICTS } from './words.js'

/** Decisions in memory, and rows to begin with. */
const KEPT = 500
const PAGE = 15

let decisions = []
/** Ids that were there when the list was last let go on; null while it follows. */
let held = null
let isPaused = false
let room = PAGE
let onOpen = () => undefined

const FILTERS = {
  operation: ({ operation }) => operation,
  verdict: ({ verdict }) => verdict,
  reason: ({ reason }) => reason ?? '',
  user: ({ user }) => String(user),
}

/** @param open is called with a decision that somebody wants to see */
export function startDecisions(open) {
  onOpen = open
  const list = at('decisions')
  at('filters').addEventListener('input', again)
  at('clear').addEventListener('click', () => {
    at('filters').reset()
    again()
  })
  at('filters').addEventListener('submit', (event) => event.preventDefault())
  at('fresh').addEventListener('click', () => {
    again()
    list.querySelector('button')?.focus()
  })
  at('more').addEventListener('click', () => {
    const first = room
    room += 5 * PAGE
    show()
    list.children[first]?.querySelector('button').focus()
  })
  at('pause').addEventListener('click', () => {
    isPaused = !isPaused
    setAttribute(at('pause'), 'aria-pressed', String(isPaused))
    settle()
  })
  // Rows must not move away under the pointer or the focus.
  for (const name of ['focusin', 'focusout', 'mouseenter', 'mouseleave'])
    list.addEventListener(name, () => setTimeout(settle))
  list.addEventListener('keydown', walk)
  // The focus returns to the row whose detail was read.
  at('detail').addEventListener('close', () => setTimeout(settle))
}

/** Takes records in, as `/decisions` and the events give them. */
export function add(events) {
  decisions = merged(decisions, events.map(read), KEPT)
  soonShow()
}

export const withRequestId = (requestId) =>
  decisions.filter((each) => each.requestId === requestId || each.content.upstream_request_id === requestId)

/** Shows the decisions with this reason alone. */
export function filterReason(reason) {
  at('filters').reset()
  choose('reason', [reason])
  at('filter-reason').value = reason
  again()
  at('decisions-title').scrollIntoView({ block: 'start' })
  at('filter-reason').focus({ preventScroll: true })
}

function again() {
  room = PAGE
  held = null
  show()
  hold()
}

/** Lets the list go on, or not, as the pointer and the focus are now. */
function settle() {
  hold()
  show()
}

function hold() {
  const list = at('decisions')
  const isHeld =
    isPaused || at('detail').open || list.contains(document.activeElement) || list.matches(':hover')
  if (!isHeld) held = null
  else held ??= new Set(decisions.map(({ id }) => id))
}

function show() {
  const text = at('filter-text').value.trim().toLowerCase()
  const wanted = Object.entries(FILTERS).map(([name, of]) => {
    choose(name, decisions.map(of))
    return [of, at(`filter-${name}`).value]
  })
  const fitting = decisions.filter(
    (each) => wanted.every(([of, value]) => value === '' || of(each) === value) && each.text.includes(text),
  )
  const shown = held === null ? fitting : fitting.filter(({ id }) => held.has(id))
  const fresh = fitting.length - shown.length
  setHidden(at('fresh'), fresh === 0)
  setText(at('fresh'), `Show ${count(fresh)} new`)
  setHidden(at('none'), shown.length > 0)
  setText(
    at('none'),
    decisions.length === 0
      ? 'None yet: refusals and guarded operations appear here as they happen.'
      : 'No decision fits this filter.',
  )
  setHidden(at('more'), shown.length <= room)
  setText(
    at('shown'),
    shown.length === decisions.length
      ? `${count(decisions.length)} kept here`
      : `${count(fitting.length)} of ${count(decisions.length)} fit`,
  )
  keyed(at('decisions'), shown.slice(0, room), ({ id }) => id, row)
}

const soonShow = soon(show, 100)

/** Adds what was seen to the choices of a filter; what is there stays where it is. */
function choose(name, values) {
  const select = at(`filter-${name}`)
  const known = new Set([...select.options].map(({ value }) => value))
  for (const value of new Set(values))
    if (value !== '' && !known.has(value)) {
      const option = el('option', { value }, name === 'verdict' ? (VERDICTS[value] ?? value) : value)
      const after = [...select.options].slice(1).find(({ text }) => text > option.text)
      select.insertBefore(option, after ?? null)
    }
}

function row(decision) {
  const { time, verdict, operation, target, reason, user, status, wouldBe, content } = decision
  const button = el(
    'button',
    { type: 'button', class: 'row', 'data-verdict': verdict },
    el('time', { datetime: time?.toISOString() }, time === null ? '–' : clock(time)),
    el('span', { class: 'verdict' }, VERDICTS[verdict] ?? verdict),
    el('span', { class: 'what' }, operation),
    el('span', { class: target === null ? 'target' : 'target code' }, target ?? 'no volume'),
    el('span', { class: reason === null ? 'why soft' : 'why' }, reason ?? passing(content)),
    el('span', { class: 'who' }, user),
    el('span', { class: 'status' }, verdict === 'observed' && wouldBe !== null ? `(${wouldBe})` : status),
  )
  button.addEventListener('click', () => onOpen(decision))
  return el('li', {}, button)
}

const passing = ({ is_service }) => (is_service ? 'a service asked' : 'nothing against it')

function walk(event) {
  const items = [...at('decisions').children]
  const here = items.indexOf(document.activeElement.closest('li'))
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key]
  if (to === undefined || items[to] === undefined) return
  event.preventDefault()
  items[to].querySelector('button').focus()
}

import { at, el, keyed, setAttribute, setHidden, setText } from './dom.js'
import { Rates, ROOM } from './rates.js'
import { draw, sparkline } from './sparkline.js'
import { count, dateOf, milliseconds, moment, percent, rate } from './words.js'

const rates = new Rates()
const sum = (counts) => Object.values(counts ?? {}).reduce((all, each) => all + each, 0)
const requests = (now) => sum(now.requests)
const refused = (now) => now.requests.refused ?? 0
const observed = (now) => now.requests.observed ?? 0
const inFlight = (now) => now.inFlight ?? 0
const hits = (now) => now.tokenLookups?.hit ?? 0
const seconds = (now) => now.decided?.seconds ?? 0
const decided = (now) => now.decided?.count ?? 0

/** What the tiles say: label, value, unit, what it was, and a line under it. */
const TILES = [
  {
    label: 'Requests',
    value: () => [rate(rates.perSecond(requests)), '/s'],
    points: () => rates.history(requests),
    note: (now) => `${count(requests(now))} in all`,
  },
  {
    label: 'Refused',
    tone: 'bad',
    value: () => [rate(60 * rates.perSecond(refused)), '/min'],
    points: () => rates.history(refused),
    note: (now) => `${count(refused(now))} in all`,
  },
  {
    label: 'Would be refused',
    tone: 'warn',
    isShown: (now) => now.mode === 'observe' || observed(now) > 0,
    value: () => [rate(60 * rates.perSecond(observed)), '/min'],
    points: () => rates.history(observed),
    note: (now) => `${count(observed(now))} in all`,
  },
  {
    label: 'Time to decide',
    value: () => {
      const mean = rates.mean(seconds, decided)
      return mean === null ? ['–', ''] : [milliseconds(mean), 'ms']
    },
    points: () => rates.means(seconds, decided),
    note: () => 'on average',
  },
  {
    label: 'Under way',
    value: (now) => [count(inFlight(now)), ''],
    points: () => rates.values(inFlight),
    note: () => 'at this moment',
  },
  {
    label: 'Tokens from cache',
    value: (now) => [percent(hits(now), sum(now.tokenLookups)), '%'],
    points: () => rates.means(hits, (now) => sum(now.tokenLookups)),
    note: ({ tokenLookups }) => `${count(tokenLookups?.miss ?? 0)} asked of Keystone`,
  },
]

/** @param onReason is called with the reason that somebody wants to see decisions of */
export function showNow(now, onReason) {
  rates.add(now)
  keyed(
    at('tiles'),
    TILES.filter(({ isShown }) => isShown?.(now) ?? true),
    ({ label }) => label,
    makeTile,
    (tile, row) => updateTile(tile, row, now),
  )
  setText(at('mode'), now.mode === 'observe' ? 'Observing' : 'Enforcing')
  setAttribute(at('mode'), 'data-mode', now.mode)
  const since = dateOf(now.since)
  setText(at('version'), `${now.version}, up since ${since === null ? '–' : moment(since)}`)
  showReasons(now, onReason)
  showServices(now)
  showPolicy(now.policy ?? {})
}

function makeTile({ label, tone = 'plain', points }) {
  return el(
    'div',
    { class: 'tile', 'data-tone': tone },
    el('dt', {}, label),
    el('dd', {}, el('span', { class: 'number' }), el('span', { class: 'unit' })),
    el('dd', { class: 'note' }),
    points === undefined ? null : sparkline(),
  )
}

function updateTile(tile, { value, note, points }, now) {
  const [number, unit] = value(now)
  setText(tile.querySelector('.number'), number)
  setText(tile.querySelector('.unit'), unit)
  setText(tile.querySelector('.note'), note(now))
  if (points !== undefined) draw(tile.querySelector('.spark'), points(), ROOM)
}

function showReasons(now, onReason) {
  const rows = [
    ...(now.refusals ?? []).map((row) => ({ ...row, verdict: 'refused' })),
    ...(now.wouldBe ?? []).map((row) => ({ ...row, verdict: 'observed' })),
  ].sort((a, b) => b.count - a.count)
  const most = rows[0]?.count ?? 1
  setHidden(at('no-reasons'), rows.length > 0)
  keyed(
    at('reasons'),
    rows.slice(0, 10),
    ({ verdict, reason, operation }) => `${verdict} ${reason} ${operation}`,
    (row) => {
      const button = el(
        'button',
        { type: 'button', class: 'bar', 'data-verdict': row.verdict },
        el('span', { class: 'bar-name' }, row.reason),
        el('span', { class: 'bar-count' }),
        el(
          'span',
          { class: 'bar-of' },
          row.verdict === 'observed' ? `${row.operation}, observed` : row.operation,
        ),
        el('progress', { 'aria-hidden': 'true' }),
      )
      button.addEventListener('click', () => onReason(row.reason))
      return el('li', {}, button)
    },
    (item, row) => {
      setText(item.querySelector('.bar-count'), count(row.count))
      const bar = item.querySelector('progress')
      setAttribute(bar, 'max', most)
      setAttribute(bar, 'value', row.count)
    },
  )
}

function showServices(now) {
  const rows = Object.entries(now.services ?? {})
  keyed(
    at('services'),
    rows,
    ([name]) => name,
    ([name]) =>
      el(
        'li',
        { class: 'service' },
        el('span', { class: 'dot', 'aria-hidden': 'true' }),
        el('span', { class: 'service-name' }, name),
        el('span', { class: 'service-state' }),
        el('span', { class: 'service-calls' }),
      ),
    (item, [name, problem]) => {
      setAttribute(item, 'data-state', problem === 'ok' ? 'ok' : 'bad')
      setText(item.querySelector('.service-state'), problem === 'ok' ? 'answers' : withoutName(problem, name))
      setText(item.querySelector('.service-calls'), callsText(now.calls?.[name], name))
    },
  )
}

const withoutName = (problem, name) =>
  problem.startsWith(`${name}: `) ? problem.slice(name.length + 2) : problem

function callsText(calls, name) {
  if (calls === undefined || calls.count === 0) return ''
  const of = (now) => now.calls?.[name] ?? { count: 0, seconds: 0 }
  const mean = rates.mean(
    (now) => of(now).seconds,
    (now) => of(now).count,
  )
  const failed = calls.errors > 0 ? `, ${count(calls.errors)} failed` : ''
  return `${mean === null ? '' : `${milliseconds(mean)} ms · `}${count(calls.count)} calls${failed}`
}

function showPolicy({ version = null, digest = '', problem = null }) {
  setText(at('policy-version'), version === null ? 'none' : version)
  setText(at('policy-digest'), digest === 'unknown' ? '–' : digest.slice(0, 16))
  setAttribute(at('policy-digest'), 'title', digest)
  setHidden(at('policy-problem'), problem === null)
  setText(at('policy-problem'), problem === null ? '' : `A newer policy is not taken: ${problem}`)
}

import { at, el, keyed, setAttribute, setHidden, setText } from './dom.js'
import { CALLERS, count, dateOf, moment, name, VERDICTS, value } from './words.js'

/** Rows shown. */
const MOST = 50
/** What the page has a place for; whatever else a row says is shown under its name. */
const PLACED = new Set([
  ...['operation', 'reason', 'rule', 'verdict', 'kind', 'caller', 'count', 'first', 'last', 'hint', 'blocks'],
  ...['userName', 'userId', 'projectId', 'serviceUser', 'serviceUserId', 'address', 'userAgent', 'resolved'],
  ...['passed', 'shown'],
])
/** The states of a finding, in the order in which they are shown. */
const STATES = {
  blocking: 'Blocks',
  resolved: 'Resolved',
  outage: 'Outage',
  unreadable: 'Unreadable',
  intended: 'As it should be',
}
const ORDER = Object.keys(STATES)
/** Those that ask for somebody's attention. */
const OPEN = new Set(['blocking', 'resolved'])

/** Shows readiness to enforce, of whatever the report says. */
export function showReport(report) {
  const rows = (report.rows ?? [])
    .map((row) => ({ ...row, shown: stateOf(row) }))
    .sort((a, b) => ORDER.indexOf(a.shown) - ORDER.indexOf(b.shown))
  const blocking = rows.filter(({ shown }) => shown === 'blocking').length
  setText(at('ready-word'), report.ready ? 'Ready' : blocking > 0 ? 'Not ready' : 'Not known yet')
  setAttribute(at('ready-word'), 'data-tone', report.ready ? 'good' : 'warn')
  setText(at('advice'), report.advice ?? '')
  const since = dateOf(report.since)
  setText(
    at('basis'),
    [
      `${MODES[report.mode] ?? report.mode} since ${since === null ? '–' : moment(since)}`,
      `${count(report.guarded ?? 0)} guarded operations judged`,
      report.unlisted ? `${count(report.unlisted.count)} more problems fell outside of the list` : null,
      report.others > 0 ? `${count(report.others)} more refusals fell outside of the list` : null,
    ]
      .filter(Boolean)
      .join('; '),
  )
  const findings = rows.filter(({ shown }) => OPEN.has(shown))
  const expected = rows.filter(({ shown }) => !OPEN.has(shown))
  keyed(at('findings'), findings.slice(0, MOST), keyOf, finding, updateFinding)
  keyed(at('expected'), expected.slice(0, MOST), keyOf, finding, updateFinding)
  setHidden(at('no-findings'), findings.length > 0)
  setHidden(at('expected-shown'), expected.length === 0)
  setText(at('expected-title'), `${count(expected.length)} more that do not stand in the way`)
  showServices(report.services ?? [])
  showTrusted(report.trusted ?? [])
}

const MODES = { observe: 'Observing', enforce: 'Enforcing' }

function stateOf({ resolved, blocks, kind }) {
  if (resolved) return 'resolved'
  if (blocks) return 'blocking'
  return kind in STATES ? kind : 'intended'
}

/** All that does not change from one report to the next. */
function keyOf({ count: _count, first, last, hint, passed, resolved, blocks, shown, ...same }) {
  return JSON.stringify(same)
}

function finding(row) {
  const rest = Object.entries(row).filter(
    ([key, each]) => !PLACED.has(key) && each !== null && each !== false,
  )
  return el(
    'li',
    { class: 'finding' },
    el(
      'div',
      { class: 'finding-head' },
      el('span', { class: 'chip' }),
      el('strong', {}, `${row.operation}: ${row.reason}`),
      el('span', { class: 'times' }),
    ),
    el('p', { class: 'finding-who' }, whoOf(row)),
    row.rule ? el('p', { class: 'finding-more' }, 'Rule ', el('code', {}, row.rule)) : null,
    ...rest.map(([key, each]) => el('p', { class: 'finding-more' }, `${name(key)}: ${value(each)}`)),
    el('p', { class: 'finding-when' }),
    el('p', { class: 'finding-fix' }),
  )
}

function updateFinding(item, row) {
  setAttribute(item, 'data-state', row.shown)
  setText(item.querySelector('.chip'), STATES[row.shown])
  setText(item.querySelector('.times'), `${count(row.count ?? 0)} ×`)
  const times = { First: row.first, last: row.last, 'went well': row.passed, 'resolved since': row.resolved }
  setText(
    item.querySelector('.finding-when'),
    Object.entries(times)
      .map(([label, text]) => [label, text ? dateOf(text) : null])
      .filter(([, date]) => date !== null)
      .map(([label, date]) => `${label} ${moment(date)}`)
      .join(', '),
  )
  setHidden(item.querySelector('.finding-fix'), !row.hint || row.shown === 'resolved')
  setText(item.querySelector('.finding-fix'), row.hint ?? '')
}

function whoOf({ userName, userId, projectId, serviceUser, address, userAgent, caller, verdict }) {
  const kind = caller === 'user' || caller === 'unknown' ? '' : ` (${CALLERS[caller] ?? caller})`
  return [
    VERDICTS[verdict] ?? verdict,
    `${userName ?? userId ?? 'nobody known'}${kind}`,
    serviceUser ? `service ${serviceUser}` : null,
    projectId ? `project ${projectId}` : null,
    address ? `from ${address}` : null,
    userAgent,
  ]
    .filter(Boolean)
    .join(' · ')
}

function showServices(services) {
  setHidden(at('no-services'), services.length > 0)
  people(at('seen'), services)
}

/** Users that count as services without a token: a debt. */
function showTrusted(trusted) {
  setHidden(at('trusted-shown'), trusted.length === 0)
  people(at('trusted'), trusted)
}

function people(list, users) {
  keyed(
    list,
    users,
    ({ userId }) => userId,
    ({ userName, userId }) =>
      el('li', {}, el('strong', {}, userName ?? userId), ' ', el('span', { class: 'soft' })),
    (item, { count: times = 0, guarded, last, from, addresses }) => {
      const date = dateOf(last)
      const places = (from ?? addresses ?? []).map((each) => each.address ?? each)
      const parts = [
        `${count(times)} calls`,
        guarded === undefined ? null : `${count(guarded)} of them guarded`,
        date === null ? null : `last ${moment(date)}`,
        places.length === 0 ? null : `from ${places.slice(0, 3).join(', ')}${places.length > 3 ? ' …' : ''}`,
      ]
      setText(item.querySelector('.soft'), parts.filter(Boolean).join(' · '))
    },
  )
}

import { at, el, keyed, setAttribute, setHidden, setText } from './dom.js'
import { CALLERS, count, dateOf, moment, name, VERDICTS, value } from './words.js'

/** Rows shown. */
const MOST = 50
/** What the page has a place for; whatever else a row says is shown under its name. */
const PLACED = new Set([
  ...['operation', 'reason', 'rule', 'verdict', 'caller', 'count', 'first', 'last', 'hint', 'fix', 'blocks'],
  ...[
    'userName',
    'userId',
    'projectName',
    'projectId',
    'address',
    'userAgent',
    'state',
    'resolved',
    'client',
  ],
])
const STATES = { blocking: 'Blocks', resolved: 'Resolved', expected: 'As it should be' }
const ORDER = Object.keys(STATES)

/** Shows readiness to enforce, of whatever the report says. */
export function showReport(report) {
  const rows = (report.rows ?? [])
    .map((row) => ({ ...row, shown: stateOf(row) }))
    .sort((a, b) => ORDER.indexOf(a.shown) - ORDER.indexOf(b.shown))
  const observing = report.mode === 'observe'
  const blocking = rows.filter(({ shown }) => shown === 'blocking').length
  setText(at('ready-word'), report.ready ? 'Ready' : blocking > 0 ? 'Not ready' : 'Not known yet')
  setAttribute(at('ready-word'), 'data-tone', report.ready ? 'good' : 'warn')
  setText(at('advice'), report.advice ?? '')
  const since = dateOf(report.since)
  const others = report.others > 0 ? ` ${count(report.others)} more refusals fell outside of the list.` : ''
  setText(
    at('basis'),
    `${observing ? 'Observing' : 'Enforcing'} since ${since === null ? '–' : moment(since)}; ${count(report.guarded ?? 0)} guarded operations judged.${others}`,
  )
  const expected = rows.filter(({ shown }) => shown === 'expected')
  const findings = rows.filter(({ shown }) => shown !== 'expected')
  keyed(at('findings'), findings.slice(0, MOST), keyOf, finding, updateFinding)
  keyed(at('expected'), expected.slice(0, MOST), keyOf, finding, updateFinding)
  setHidden(at('no-findings'), findings.length > 0)
  setHidden(at('expected-shown'), expected.length === 0)
  setText(at('expected-title'), `${count(expected.length)} more that are as they should be`)
  showServices(report.services ?? [])
}

function stateOf(row) {
  if (row.state in STATES) return row.state
  if (row.resolved) return 'resolved'
  return row.blocks ? 'blocking' : 'expected'
}

const keyOf = (row) =>
  JSON.stringify(
    [row.verdict, row.caller, row.operation, row.reason, row.rule, row.userId, row.projectId].concat([
      row.address,
      row.userAgent,
    ]),
  )

function finding(row) {
  const rest = Object.entries(row).filter(
    ([key, each]) => key !== 'shown' && !PLACED.has(key) && each !== null && each !== false,
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
  const first = dateOf(row.first)
  const last = dateOf(row.last)
  setText(
    item.querySelector('.finding-when'),
    [first === null ? '' : `First ${moment(first)}`, last === null ? '' : `last ${moment(last)}`]
      .filter((each) => each !== '')
      .join(', '),
  )
  const fix = row.fix ?? row.hint
  setHidden(item.querySelector('.finding-fix'), !fix)
  setText(item.querySelector('.finding-fix'), value(fix))
}

function whoOf({ userName, userId, projectName, projectId, address, client, userAgent, caller, verdict }) {
  return [
    VERDICTS[verdict],
    `${userName ?? userId ?? 'nobody known'}${caller in CALLERS && caller !== 'user' && caller !== 'unknown' ? ` (${CALLERS[caller]})` : ''}`,
    (projectName ?? projectId) ? `project ${projectName ?? projectId}` : null,
    (address ?? client) ? `from ${address ?? client}` : null,
    userAgent,
  ]
    .filter(Boolean)
    .join(' · ')
}

function showServices(services) {
  setHidden(at('no-services'), services.length > 0)
  keyed(
    at('seen'),
    services,
    ({ userId, userName }) => userId ?? userName,
    ({ userName, userId }) =>
      el('li', {}, el('strong', {}, userName ?? userId), ' ', el('span', { class: 'soft' })),
    (item, { count: times = 0, last, addresses = [] }) => {
      const date = dateOf(last)
      const parts = [
        `${count(times)} calls`,
        date === null ? null : `last ${moment(date)}`,
        addresses.length === 0
          ? null
          : `from ${addresses.slice(0, 3).join(', ')}${addresses.length > 3 ? ' …' : ''}`,
      ]
      setText(item.querySelector('.soft'), parts.filter(Boolean).join(' · '))
    },
  )
}

import { get } from './api.js'
import { at, el, setText } from './dom.js'
import { traceItem } from './trace.js'
import { CALLERS, moment, name, VERDICTS, value } from './words.js'

/** What each reason means, once the gateway has said it. */
let meanings = {}
let shown = null

export async function learnReasons() {
  meanings = (await get('/reasons').catch(() => ({}))).reasons ?? {}
}

/** @param onClose is called when the detail was closed */
export function startDetail(onClose) {
  const dialog = at('detail')
  at('detail-close').addEventListener('click', () => dialog.close())
  dialog.addEventListener('click', (event) => {
    // The dialog fills itself: what is hit of it directly is the backdrop.
    if (event.target === dialog) dialog.close()
  })
  dialog.addEventListener('close', () => {
    shown = null
    onClose()
  })
}

/** Shows one decision; `others` have the same request id. */
export function openDetail(decision, others) {
  shown = decision.id
  const { verdict, operation, reason, content } = decision
  const badge = at('detail-verdict')
  setText(badge, VERDICTS[verdict] ?? verdict)
  badge.dataset.verdict = verdict
  setText(at('detail-title'), operation)
  at('detail-body').replaceChildren(
    ...[
      el('p', { class: 'summary' }, summaryOf(decision)),
      meaningOf(reason),
      content.hint
        ? el('div', { class: 'callout' }, el('h3', {}, 'What to do'), el('p', { id: 'hint' }, content.hint))
        : null,
      others.length === 0 ? null : siblings(decision, others),
      ...sections(decision),
      el('section', { id: 'steps', hidden: true }),
      facts(content.facts),
    ].filter((part) => part !== null),
  )
  if (!at('detail').open) at('detail').showModal()
  at('detail').scrollTop = 0
  void explain(decision)
}

/** Says that there is no such decision. */
export function openMissing(requestId, problem) {
  shown = null
  setText(at('detail-verdict'), 'Not found')
  at('detail-verdict').dataset.verdict = ''
  setText(at('detail-title'), 'No such decision')
  at('detail-body').replaceChildren(
    el('p', { class: 'summary' }, `${requestId}: ${problem}.`),
    el(
      'p',
      {},
      'The gateway keeps the latest decisions only; older ones are in the decision log, if there is one.',
    ),
  )
  if (!at('detail').open) at('detail').showModal()
}

export const closeDetail = () => at('detail').close()

function summaryOf({ time, verdict, user, status, wouldBe }) {
  const when = time === null ? '' : `${moment(time)}: `
  if (verdict === 'forwarded') return `${when}asked by ${user}, forwarded, answered ${status}.`
  if (verdict === 'observed')
    return `${when}asked by ${user}, forwarded in observe mode, answered ${status}; enforcing, it would be ${wouldBe ?? 'refused'}.`
  return `${when}asked by ${user}, refused with ${status}.`
}

function meaningOf(reason) {
  if (reason === null) return null
  return el(
    'p',
    { class: 'meaning' },
    el('code', {}, reason),
    meanings[reason]?.help === undefined ? null : ` ${meanings[reason].help}`,
  )
}

function siblings(decision, others) {
  const list = el('p', { class: 'siblings' }, 'Other decisions with this request id: ')
  for (const other of others) {
    const button = el(
      'button',
      { type: 'button', class: 'quiet' },
      `${moment(other.time)} ${VERDICTS[other.verdict] ?? other.verdict}`,
    )
    button.addEventListener('click', () =>
      openDetail(
        other,
        [decision, ...others].filter((each) => each !== other),
      ),
    )
    list.append(button, ' ')
  }
  return list
}

function sections({ content, initiator }) {
  return [
    section('Who', {
      User: initiator.name,
      'User ID': content.user_id ?? initiator.id,
      Roles: content.roles,
      Project: content.project_id,
      Caller: CALLERS[content.caller] ?? content.caller,
      Service: content.service,
      From: content.client,
      'User agent': content.user_agent,
    }),
    section('What', {
      Volume: content.volume_id,
      Attachment: content.attachment_id,
      Server: content.server_id,
      'Request ID': content.request_id ?? initiator.request_id,
      "Cinder's request ID": content.upstream_request_id,
    }),
    section('Decision', {
      Mode: content.mode,
      Check: content.check,
      Rule: content.rule,
      'Rule from': content.rule_layer,
      Problem: content.problem,
      Policy: content.policy,
      'Policy version': content.policy_version,
      Took: times(content),
    }),
  ]
}

/** Every time that the record has, in milliseconds. */
function times(content) {
  const known = Object.entries(content).filter(([key]) => key.endsWith('_ms'))
  return known.length === 0 ? null : known.map(([key, each]) => `${key.slice(0, -3)} ${each} ms`).join(', ')
}

function section(title, rows) {
  const known = Object.entries(rows).filter(([, each]) => each !== null && each !== undefined)
  if (known.length === 0) return null
  return el('section', {}, el('h3', {}, title), pairs(known))
}

const pairs = (rows) =>
  el(
    'dl',
    { class: 'pairs' },
    ...rows.map(([label, each]) => {
      const shape = Array.isArray(each) ? each : [each]
      const isDeep = shape.length > 0 && shape.every((part) => typeof part === 'object' && part !== null)
      const text = value(each)
      return el(
        'div',
        {},
        el('dt', {}, label),
        isDeep
          ? el('dd', {}, ...shape.map((part) => pairs(labelled(part))))
          : el('dd', { class: isCode(text) && 'code' }, text),
      )
    }),
  )

const labelled = (object) =>
  Object.entries(object)
    .filter(([, each]) => each !== null && each !== undefined)
    .map(([key, each]) => [name(key), each])

/** Ids, addresses, rules: what is compared letter by letter. */
const isCode = (text) => !text.includes(' ') && /[\d:]/.test(text) && text.length > 6

function facts(known) {
  if (!Array.isArray(known) || known.length === 0) return null
  return el(
    'section',
    { id: 'facts' },
    el('h3', {}, 'Facts it rested on'),
    el(
      'ol',
      { class: 'steps' },
      ...known.map(({ question = {}, answer }) => {
        const { fact = 'fact', ...asked } = question
        return step(name(fact), 'fact', { ...asked, answer })
      }),
    ),
  )
}

/** The explanation step by step, where the gateway has it: its facts are read anew. */
async function explain({ id, content }) {
  const found = await get(`/decisions/${encodeURIComponent(id)}/explanation`).catch(() => null)
  const place = at('steps')
  if (shown !== id || place === null || !Array.isArray(found?.steps) || found.steps.length === 0) return
  const { steps, differences = [], command } = found
  place.replaceChildren(
    ...[
      el('h3', {}, 'Step by step, with its facts as they are now'),
      differences.length === 0
        ? null
        : el(
            'div',
            { class: 'callout' },
            el('h4', {}, 'Otherwise by now'),
            ...differences.map((each) => el('p', {}, each)),
          ),
      el(
        'ol',
        { class: 'steps' },
        ...steps.map(({ title, outcome, details, trace }) => step(title, outcome, details, trace)),
      ),
    ].filter((part) => part !== null),
  )
  place.hidden = false
  if (found.of === 'record') at('facts')?.remove()
  const hint = at('hint')
  if (command && hint !== null && content.hint.endsWith(command))
    hint.replaceChildren(content.hint.slice(0, -command.length), el('code', { class: 'command' }, command))
}

function step(title, outcome, details = {}, trace = undefined) {
  const rows = labelled(details)
  return el(
    'li',
    { 'data-outcome': outcome },
    el('h4', {}, title),
    rows.length === 0 ? null : pairs(rows),
    trace === undefined ? null : el('ul', { class: 'trace' }, traceItem(trace)),
  )
}

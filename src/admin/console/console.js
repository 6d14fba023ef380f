// The console: reads /api/v1 and shows it. Text only ever becomes text nodes.
const at = (id) => document.getElementById(id)
const KEPT = 300
let token = sessionStorage.getItem('token') ?? ''
let decisions = []

const api = async (path, options = {}) => {
  const headers = { ...options.headers, ...(token === '' ? {} : { 'x-auth-token': token }) }
  const answer = await fetch(`api/v1${path}`, { ...options, headers })
  if (answer.ok) return answer
  const { error = `status ${answer.status}` } = await answer.json().catch(() => ({}))
  throw Object.assign(new Error(error), { status: answer.status })
}

const node = (tag, text, attributes = {}) => {
  const made = document.createElement(tag)
  if (text !== undefined && text !== null) made.textContent = String(text)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

const showNow = (now) => {
  const sum = Object.values(now.requests).reduce((all, count) => all + count, 0)
  const { hit = 0, miss = 0, joined = 0 } = now.tokenLookups
  const lookups = hit + miss + joined
  const tiles = {
    Mode: now.mode,
    Requests: sum,
    Refused: now.requests.refused ?? 0,
    'Would be refused': now.requests.observed ?? 0,
    'Under way': now.inFlight,
    'Tokens from cache': lookups === 0 ? '–' : `${Math.round((100 * hit) / lookups)} %`,
  }
  at('tiles').replaceChildren(
    ...Object.entries(tiles).map(([name, value]) => {
      const tile = node('div')
      tile.append(node('dt', name), node('dd', value))
      return tile
    }),
  )
  at('services').replaceChildren(
    ...Object.entries(now.services).map(([name, problem]) => {
      const ok = problem === 'ok'
      return node('li', `${ok ? '✓' : '✗'} ${name}: ${ok ? 'answers' : problem}`, {
        class: ok ? 'good' : 'bad',
      })
    }),
  )
  const observing = now.mode === 'observe'
  const counted = observing ? now.wouldBe : now.refusals
  at('refusals-title').textContent = observing ? 'Would be refused, by reason' : 'Refused, by reason'
  const most = counted[0]?.count ?? 1
  at('refusals').replaceChildren(
    ...(counted.length === 0
      ? [node('li', 'nothing yet')]
      : counted.slice(0, 12).map((each) => bar(each, most))),
  )
  at('state').textContent = `${now.version}, ${now.policy}, since ${new Date(now.since).toLocaleString()}`
}

const bar = ({ reason, operation, count }, most) => {
  const item = node('li')
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  drawing.setAttribute('aria-hidden', 'true')
  const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  rect.setAttribute('width', `${(100 * count) / most}%`)
  rect.setAttribute('height', '100%')
  drawing.append(rect)
  const text = node('span')
  text.append(node('span', `${reason} · ${operation}`), node('span', count))
  item.append(drawing, text)
  return item
}

const showReport = (report) => {
  const ready = at('ready')
  ready.replaceChildren(
    node('strong', report.ready ? 'Ready. ' : 'Not ready. ', { class: report.ready ? 'good' : 'warn' }),
    `${report.guarded} guarded operations since ${new Date(report.since).toLocaleString()}. ${report.advice}`,
  )
  at('report').hidden = report.rows.length === 0
  at('report').tBodies[0].replaceChildren(
    ...report.rows.slice(0, 50).map((row) => {
      const line = node('tr')
      line.append(
        node('td', row.count),
        node(
          'td',
          `${row.operation}: ${row.reason}${row.rule === null ? '' : ` (${row.rule})`}`,
          row.blocks ? { class: 'warn' } : {},
        ),
        node(
          'td',
          `${row.userName ?? 'nobody known'} from ${row.address ?? '–'}, ${row.userAgent ?? 'no user agent'}`,
        ),
        node('td', row.hint ?? ''),
      )
      return line
    }),
  )
  at('seen').replaceChildren(
    ...(report.services.length === 0
      ? [node('li', 'none yet: detach a volume by the Compute API and look again', { class: 'warn' })]
      : report.services.map(({ userName, count, last }) =>
          node('li', `✓ ${userName}: ${count} times, last ${new Date(last).toLocaleString()}`),
        )),
  )
}

const contentOf = (event) => event.attachments[0].content
const CLASSES = { refused: 'bad', observed: 'warn', forwarded: 'good' }

const showDecisions = () => {
  const text = at('filter').value.trim().toLowerCase()
  const verdict = at('verdict').value
  const shown = decisions.filter(
    (event) =>
      (verdict === '' || contentOf(event).verdict === verdict) &&
      (text === '' || JSON.stringify(event).toLowerCase().includes(text)),
  )
  const open = new Set([...document.querySelectorAll('#decisions details[open]')].map(({ id }) => id))
  at('none').hidden = shown.length > 0
  at('none').textContent = decisions.length > 0 ? 'None that fits.' : at('none').textContent
  at('decisions').replaceChildren(...shown.slice(0, 100).map((event) => decision(event, open)))
}

const decision = (event, open) => {
  const content = contentOf(event)
  const details = node('details', undefined, { id: `d-${event.id}` })
  details.open = open.has(details.id)
  const summary = node('summary')
  const who = event.initiator.name ?? 'nobody known'
  summary.append(
    node('time', new Date(event.eventTime.replace('+0000', 'Z')).toLocaleTimeString(), {
      datetime: event.eventTime,
    }),
    node('span', content.verdict, { class: `verdict ${CLASSES[content.verdict]}` }),
    node('span', `${content.operation} by ${who}: ${content.reason ?? 'passed'} (${content.status})`),
  )
  const list = node('dl')
  const rows = {
    'What to do': content.hint,
    Volume: content.volume_id,
    Attachment: content.attachment_id,
    Server: content.server_id,
    Rule: content.rule,
    User: `${event.initiator.id}, roles ${(content.roles ?? []).join(', ') || 'none'}`,
    Project: content.project_id,
    Caller: content.caller,
    From: `${content.client ?? '–'}, ${content.user_agent ?? 'no user agent'}`,
    Request: content.request_id,
    Policy: content.policy,
    'Decided in': `${content.decision_ms} ms`,
  }
  for (const [name, value] of Object.entries(rows))
    if (value !== null && value !== undefined) list.append(node('dt', name), node('dd', value))
  for (const { question, answer } of content.facts) {
    const { fact, ...asked } = question
    list.append(
      node('dt', `Fact: ${fact}`),
      node('dd', `${JSON.stringify(asked)} → ${JSON.stringify(answer)}`),
    )
  }
  details.append(summary, list)
  const item = node('li')
  item.append(details)
  return item
}

const refresh = async () => {
  showNow(await (await api('/now')).json())
  showReport(await (await api('/report')).json())
}

const follow = async () => {
  const reader = (await api('/events')).body.pipeThrough(new TextDecoderStream()).getReader()
  decisions = (await (await api('/decisions')).json()).decisions.slice(0, KEPT)
  showDecisions()
  let held = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new Error('the gateway went away')
    held += value
    const parts = held.split('\n\n')
    held = parts.pop()
    const fresh = parts.filter((part) => part.startsWith('data: ')).map((part) => JSON.parse(part.slice(6)))
    if (fresh.length === 0) continue
    const known = new Set(decisions.map(({ id }) => id))
    decisions = [...fresh.filter(({ id }) => !known.has(id)).reverse(), ...decisions].slice(0, KEPT)
    showDecisions()
  }
}

const run = async () => {
  for (;;) {
    try {
      await refresh()
      at('login').hidden = true
      at('content').hidden = false
      at('rules').replaceChildren(
        ...(await (await api('/rules')).json()).rules.map((value) => node('option', undefined, { value })),
      )
      const timer = setInterval(() => refresh().catch(() => undefined), 3000)
      await follow().finally(() => clearInterval(timer))
    } catch (error) {
      at('state').textContent = `not connected: ${error.message}`
      if (error.status === 401 || error.status === 403) {
        at('content').hidden = true
        at('login').hidden = false
        at('login-problem').textContent = token === '' && error.status === 401 ? '' : error.message
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 3000))
    }
  }
}

at('login').addEventListener('submit', (event) => {
  event.preventDefault()
  token = at('token').value.trim()
  sessionStorage.setItem('token', token)
  at('token').value = ''
  void run()
})
at('filter').addEventListener('input', showDecisions)
at('verdict').addEventListener('change', showDecisions)
at('try').addEventListener('submit', async (event) => {
  event.preventDefault()
  const asked = new URLSearchParams({
    rule: at('rule').value.trim(),
    roles: at('roles').value,
    target: at('target').value,
    scope: at('scope').value,
    service: String(at('service').checked),
  })
  const answer = at('answer')
  try {
    const { allowed, check, from } = await (await api(`/try-out?${asked}`)).json()
    answer.className = allowed ? 'good' : 'bad'
    answer.textContent = `${allowed ? '✓ allowed' : '✗ refused'} by ${check === '' ? 'the empty rule' : check} (${from})`
  } catch (error) {
    answer.className = 'bad'
    answer.textContent = error.message
  }
})
void run()

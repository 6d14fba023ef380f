// The console: follows a gateway and shows it. It only ever reads.
import { get, hasToken, listen, setToken } from './api.js'
import { read } from './decision.js'
import { add, filterReason, startDecisions, withRequestId } from './decisions.js'
import { closeDetail, learnReasons, openDetail, openMissing, startDetail } from './detail.js'
import { at, setAttribute, setHidden, setText, soon } from './dom.js'
import { showNow } from './now.js'
import { showReport } from './report.js'
import { learnRules, startTryOut } from './try-out.js'
import { clock } from './words.js'

/** Decisions asked for with each new connection. */
const LATEST = 300
/** Milliseconds: the report is asked for again so long after a decision, and anyway after a while. */
const REPORT_SOON = 2000
const REPORT_ANYWAY = 30_000
/** Milliseconds to wait before connecting again. */
const WAITS = [500, 1000, 2000, 5000]

let wake = () => undefined
/** When the gateway last said something. */
let heard = null

function setState(state, text) {
  setAttribute(document.body, 'data-state', state)
  setText(at('state'), text)
}

const refreshReport = async () => showReport(await get('/report'))
const reportSoon = soon(() => refreshReport().catch(() => undefined), REPORT_SOON)

const ON = {
  message(event) {
    add([event])
    reportSoon()
  },
  now: (now) => showNow(now, filterReason),
}

async function catchUp() {
  const [{ decisions }, now] = await Promise.all([get(`/decisions?limit=${LATEST}`), get('/now')])
  const hasLoggedIn = !at('login').hidden
  setHidden(at('login'), true)
  setHidden(at('content'), false)
  if (hasLoggedIn) at('now-title').focus()
  setHidden(at('lost'), true)
  setHidden(at('forget'), !hasToken())
  add(decisions)
  showNow(now, filterReason)
  heard = new Date()
  setState('live', 'Live')
  await Promise.all([refreshReport(), learnReasons(), learnRules()])
  void openNamed()
}

async function follow() {
  let failures = 0
  for (;;) {
    try {
      await listen((name, data) => {
        heard = new Date()
        failures = 0
        ON[name]?.(data)
      }, catchUp)
    } catch (error) {
      if (error.status === 401 || error.status === 403) {
        showLogin(error)
        return
      }
      // A fault of this page is no matter of the line.
      if (error.status === undefined) reportError(error)
      setState('lost', 'Not connected, trying again')
      setHidden(at('lost'), false)
      const since = heard === null ? '' : ` What you see is of ${clock(heard)}.`
      setText(at('lost-reason'), `Connection lost: ${error.message}.${since}`)
      await moment(WAITS[Math.min(failures, WAITS.length - 1)])
      failures += 1
    }
  }
}

/** Waits, or until somebody wants it now. */
const moment = (milliseconds) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })

function showLogin({ status, message }) {
  setState('locked', 'Log in')
  closeDetail()
  setHidden(at('content'), true)
  setHidden(at('lost'), true)
  setHidden(at('forget'), true)
  setHidden(at('login'), false)
  // Without a token the gateway's words only say what the form says.
  setText(at('login-problem'), status === 401 && !hasToken() ? '' : `Not let in: ${message}.`)
  setToken('')
  at('token').focus()
}

/** Opens the decision that the address names: `#req-…`. */
async function openNamed() {
  const [, requestId] = /^#(req-[\w.-]+)$/.exec(location.hash) ?? []
  if (requestId === undefined) return
  let found = withRequestId(requestId)
  if (found.length === 0) {
    try {
      found = (await get(`/decisions/${encodeURIComponent(requestId)}`)).decisions.map(read)
    } catch (error) {
      openMissing(requestId, error.message)
      return
    }
  }
  const [newest, ...others] = found
  openDetail(newest, others)
}

startDecisions((decision) => {
  if (decision.requestId.startsWith('req-')) history.pushState(null, '', `#${decision.requestId}`)
  openDetail(
    decision,
    withRequestId(decision.requestId).filter(({ id }) => id !== decision.id),
  )
})
startDetail(() => {
  if (location.hash.startsWith('#req-')) history.replaceState(null, '', location.pathname + location.search)
})
startTryOut()
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#req-')) void openNamed()
  else closeDetail()
})
addEventListener('online', () => wake())
at('retry').addEventListener('click', () => wake())
at('login').addEventListener('submit', (event) => {
  event.preventDefault()
  setToken(at('token').value.trim())
  at('token').value = ''
  setText(at('login-problem'), '')
  void follow()
})
at('forget').addEventListener('click', () => {
  // The page's memory is where the token is.
  location.reload()
})
setInterval(() => {
  if (document.body.dataset.state === 'live') reportSoon()
}, REPORT_ANYWAY)
void follow()

import { setTimeout as sleep } from 'node:timers/promises'
import { openChromium, openPage, SCREENS } from '../../browser/chromium.ts'
import { Prometheus } from '../../support/prometheus.ts'
import { OPERATIONS, SITUATIONS } from '../cases.ts'
import { exchange } from '../exchange.ts'
import { labPassword } from '../lab/accounts.ts'
import type { Lab } from '../lab/lab.ts'
import { ComputeHost } from './compute-host.ts'
import { Installation } from './installation.ts'

/** What happened at a step: a sentence, and what a program said. */
export interface Walked {
  readonly title: string
  readonly text: string
}

/** Values that must have come out; compared by the test, printed by the script. */
export interface Arrived {
  readonly bareAttack: number
  readonly observedDetach: number
  readonly firstReport: number
  readonly findings: readonly string[]
  readonly detachWithToken: number
  readonly secondReport: number
  readonly attack: number
  readonly attachmentAfterAttack: unknown
  readonly detachEnforced: number
  readonly alerts: readonly string[]
  readonly console: string
  readonly attackObserved: number
  readonly attackAfterBackOut: number
}

/**
 * An adoption from nothing to enforce, on a real OpenStack: observe mode catches a Nova without service token, doctor
 * names the fix, the fix is applied, the report turns clean, enforce is switched on, the attack gets 409, the alert
 * fires, the console shows it; and all the way back.
 */
export async function walk(
  lab: Lab,
  tell: (step: Walked) => void,
  picture: string | null = null,
): Promise<Arrived> {
  const installation = await Installation.prepare(lab)
  const { url } = installation
  const compute = new ComputeHost(lab, installation.folder, url)
  const fresh = (): void => lab.reset(SITUATIONS['Nova uses this attachment'] ?? {})
  const attackOn = async (base: string): Promise<number> => {
    const { token, projectId } = await lab.token('member')
    const shape = OPERATIONS['os-detach']
    if (shape === undefined) throw new Error('no os-detach')
    return (await exchange(base, projectId, shape, { user: token })).status
  }
  const say = (title: string, text: string): void => tell({ title, text: text.trimEnd() })
  let prometheus: Prometheus | undefined
  try {
    fresh()
    const bareAttack = await attackOn(lab.urls.cinder.legacy)
    say(
      'The hole: a user detaches a volume that a server uses',
      `POST …/action {"os-detach": {}} → ${bareAttack}`,
    )

    fresh()
    const configuration = installation.configure('observe')
    await installation.start()
    lab.pointVolumesAt(url)
    say('Cinderguard in front, in mode observe; the catalogue points at it', configuration)

    const observedDetach = await compute.detach()
    say(
      'A compute host without [service_user] detaches that volume',
      `Nova's own code: ${observedDetach}. Nothing is refused in this mode.`,
    )

    const first = await installation.run('report')
    say(`cinderguard report (exit code ${first.code})`, first.text)
    const doctor = await installation.run('doctor', '--format', 'json')
    const { findings } = JSON.parse(doctor.text) as { findings: readonly Finding[] }
    const missing = findings.find(({ id }) => id === 'service-token-missing')
    say(
      'cinderguard doctor',
      missing === undefined ? doctor.text : [missing.what, missing.why, ...missing.fix].join('\n'),
    )

    const lines = applied(missing?.fix ?? [], lab.urls.keystone)
    compute.add(lines)
    say("Those lines, in the compute host's nova.conf", lines.join('\n'))

    fresh()
    const detachWithToken = await compute.detach()
    const second = await installation.run('report')
    say(
      `The same detach again: ${detachWithToken}. cinderguard report (exit code ${second.code})`,
      second.text,
    )

    const enforcing = await installation.switchTo('enforce')
    say('mode = enforce in its configuration file, and SIGHUP (systemctl reload cinderguard)', enforcing)
    prometheus = await Prometheus.start([{ instance: 'gateway', url: installation.admin }])
    await looked(prometheus)
    fresh()
    const attack = await attackOn(url)
    const attachmentAfterAttack = lab.cinderRow(
      'volume_attachment',
      '20000000-0000-4000-8000-000000000001',
    )?.attach_status
    say('The attack of the first step again', `→ ${attack}; the attachment is ${attachmentAfterAttack}`)

    const alerts = await firing(prometheus, 'CinderguardAttackRefused')
    say('Prometheus, with deploy/prometheus', alerts.map((name) => `firing: ${name}`).join('\n'))
    const console = await shown(installation.admin, picture)
    say('The console', console)

    const detachEnforced = await compute.detach()
    say('The compute host detaches', `→ ${detachEnforced}`)

    const observing = await installation.switchTo('observe')
    fresh()
    const attackObserved = await attackOn(url)
    say('Backed out: mode = observe, and SIGHUP', `${observing}\nThe attack → ${attackObserved}, as before.`)

    await installation.stop()
    lab.pointVolumesAt(lab.urls.cinder.legacy)
    fresh()
    const attackAfterBackOut = await attackOn(lab.urls.cinder.legacy)
    say('Taken out: the catalogue points at Cinder again', `The attack → ${attackAfterBackOut}, as before.`)
    return {
      ...{ bareAttack, observedDetach, firstReport: first.code, findings: idsOf(findings) },
      ...{ detachWithToken, secondReport: second.code, attack, attachmentAfterAttack, detachEnforced },
      ...{ alerts, console, attackObserved, attackAfterBackOut },
    }
  } finally {
    await prometheus?.end()
    await installation.clear()
    lab.pointVolumesAt(lab.urls.cinder.fixed)
  }
}

interface Finding {
  readonly id: string
  readonly level: string
  readonly what: string
  readonly why: string
  readonly fix: readonly string[]
}

const idsOf = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ level }) => level === 'error').map(({ id }) => id)

/** The lines that doctor says, with what only the operator knows filled in; commands and remarks are not for the file. */
function applied(fix: readonly string[], keystone: string): readonly string[] {
  const from = fix.indexOf('[service_user]')
  const section = from === -1 ? [] : fix.slice(from)
  const lines = section.filter((line) => /^(?:\[\w+\]|\w+ = )/.test(line))
  const known: Readonly<Record<string, string>> = { auth_url: keystone, password: labPassword }
  return lines.map((line) => {
    const name = line.split(' = ')[0] ?? ''
    return known[name] === undefined ? line : `${name} = ${known[name]}`
  })
}

/** An alert counts what came since the first looks. */
async function looked(prometheus: Prometheus): Promise<void> {
  for (let turn = 0; turn < 120; turn += 1) {
    const [sample] = await prometheus.query('max(count_over_time(cinderguard_mode[1m]))')
    if (Number(sample?.value[1] ?? 0) >= 3) return
    await sleep(250)
  }
  throw new Error('Prometheus does not reach the gateway')
}

async function firing(prometheus: Prometheus, wanted: string): Promise<readonly string[]> {
  for (let turn = 0; turn < 60; turn += 1) {
    const alerts = (await prometheus.alerts()).filter(({ state }) => state === 'firing')
    const names = alerts.map(({ labels }) => labels.alertname ?? '')
    if (names.includes(wanted)) return names
    await sleep(500)
  }
  return []
}

/** What the console says of the latest refusal, seen in a real browser. */
async function shown(admin: string, picture: string | null): Promise<string> {
  const browser = await openChromium()
  try {
    const { page } = await openPage(browser, admin, { viewport: SCREENS.desktop })
    const row = page.getByText('attachment_in_use').first()
    await row.waitFor({ timeout: 20_000 })
    if (picture !== null) await page.screenshot({ path: picture })
    return (await row.textContent()) ?? ''
  } finally {
    await browser.close()
  }
}

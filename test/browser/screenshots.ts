// Takes the pictures of the console for README and docs: npm run screenshots [-- SECONDS FOLDER]
import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { attachmentId, PROJECTS, VOLUMES } from '../../src/demo/fixture.ts'
import { ensure } from '../openstack/lab/install.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { openChromium, openPage } from './chromium.ts'
import { act, ask, type Call, cinderPolicy } from './traffic.ts'

/** Seconds of traffic: two minutes fill the lines over time. */
const SECONDS = Number(process.argv[2] ?? 130)
const FOLDER = process.argv[3] ?? 'docs/images'

/** What clients do, and how often: weights per beat of a fifth of a second. */
function clients(gateway: TestGateway): readonly (readonly [weight: number, call: () => Promise<number>])[] {
  const { cloud } = gateway
  const person = (user: string, project: string) =>
    cloud.keystone.addToken({ user, project, roles: ['member', 'reader'] })
  const tokens = {
    alice: cloud.token('alice'),
    nova: cloud.token('nova'),
    carol: person('carol', 'demo'),
    'backup-bot': person('backup-bot', 'demo'),
    mallory: person('mallory', 'demo'),
  }
  const shell = { 'user-agent': 'openstacksdk/4.0.1 keystoneauth1/5.9.1 python-requests/2.32.3' }
  const compute = (host: number): Call => ({
    from: `127.0.3.${host}`,
    headers: { 'x-openstack-request-id': `req-${crypto.randomUUID()}` },
  })
  const list = `/v3/${PROJECTS.demo}/volumes/detail`
  return [
    [1, () => ask(gateway, 'GET', list, tokens.alice, { headers: shell, from: '127.0.9.14' })],
    [0.7, () => ask(gateway, 'GET', list, tokens['backup-bot'], { from: '127.0.5.2' })],
    [0.4, () => ask(gateway, 'GET', `/v3/${PROJECTS.demo}/volumes/${VOLUMES.available}`, tokens.carol)],
    [
      0.12,
      () =>
        act(gateway, { ...compute(21), volume: 'in-use', token: tokens.alice, serviceToken: tokens.nova }),
    ],
    [
      0.08,
      () =>
        act(gateway, { ...compute(22), volume: 'reused', token: tokens.carol, serviceToken: tokens.nova }),
    ],
    [
      0.1,
      () =>
        act(gateway, { token: tokens.mallory, headers: { 'user-agent': 'curl/8.5.0' }, from: '127.0.9.77' }),
    ],
    [
      0.05,
      () => act(gateway, { volume: 'multi-attach', token: tokens.carol, headers: shell, from: '127.0.9.15' }),
    ],
    [
      0.04,
      () =>
        act(gateway, { action: 'os-force_detach', token: tokens.alice, headers: shell, from: '127.0.9.14' }),
    ],
    [
      0.03,
      () =>
        act(gateway, {
          token: tokens.mallory,
          serviceToken: 'forged',
          from: '127.0.9.77',
          headers: { 'user-agent': 'curl/8.5.0' },
        }),
    ],
    [
      0.05,
      () => act(gateway, { ...compute(31), action: 'os-terminate_connection', token: tokens['backup-bot'] }),
    ],
    [
      0.06,
      () =>
        ask(gateway, 'DELETE', `/v3/${PROJECTS.demo}/attachments/${attachmentId('in-use')}`, tokens.carol, {
          ...compute(23),
          headers: { ...compute(23).headers, 'openstack-api-version': 'volume 3.27' },
        }),
    ],
  ]
}

async function run(gateway: TestGateway): Promise<void> {
  const { cloud } = gateway
  const calls = clients(gateway)
  const end = performance.now() + SECONDS * 1000
  for (let beat = 0; performance.now() < end; beat += 1) {
    const swell = 1 + 0.7 * Math.sin(beat / 23) + 0.3 * Math.sin(beat / 7)
    const due = calls.filter(([weight]) => Math.random() < weight * swell)
    await Promise.all(due.map(([, call]) => call().catch(() => 0)))
    // What passed changed something; the next one finds it as it was.
    putBack(cloud)
    await sleep(200)
  }
}

/** Puts the volumes back and leaves faults as they are. */
function putBack(cloud: TestGateway['cloud']): void {
  const { fault } = cloud.nova
  cloud.reset()
  cloud.nova.fault = fault
}

async function take(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${FOLDER}/console-${name}.png` })
  process.stdout.write(`${FOLDER}/console-${name}.png\n`)
}

ensure(['chromium', 'fonts-inter', 'fonts-jetbrains-mono'])
mkdirSync(FOLDER, { recursive: true })
const gateway = await startTestGateway(
  { 'cinderguard.mode_overrides': 'attachment-delete=observe, volume-terminate-connection=observe' },
  { policy: cinderPolicy() },
)
const browser = await openChromium()
try {
  const { page: light } = await openPage(browser, gateway.adminUrl, { colorScheme: 'light' })
  const { page: dark } = await openPage(browser, gateway.adminUrl, { colorScheme: 'dark' })
  const traffic = run(gateway)
  await sleep(SECONDS * 550)
  gateway.cloud.nova.fault = (_request, response) => {
    response.destroy()
    return true
  }
  await sleep(Math.min(SECONDS * 100, 5000))
  gateway.cloud.nova.fault = undefined
  await traffic
  await sleep(2500)
  // The same for who reads in the dark.
  await take(light, 'light')
  await take(dark, 'dark')
  const refused = light.locator('.row[data-verdict=refused]', { hasText: 'attachment_in_use' })
  await refused.first().click()
  await sleep(500)
  await take(light, 'detail')
} finally {
  await browser.close()
  await gateway.stop()
}

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { openChromium, openPage, textOf } from './chromium.ts'
import { findings } from './judge.ts'
import { act, cinderPolicy } from './traffic.ts'

/** Coming in, losing the line, coming back. */
let browser: Browser
let gateway: TestGateway
beforeAll(async () => {
  browser = await openChromium()
})
afterAll(() => browser.close())
afterEach(async () => {
  for (const context of browser.contexts()) await context.close()
  await gateway.stop()
})
const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor()

test('a gateway that restarts: the page says so, comes back by itself, and keeps what it has', async () => {
  gateway = await startTestGateway({}, { policy: cinderPolicy() })
  const { adminUrl } = gateway
  await act(gateway)
  const { page } = await openPage(browser, adminUrl)
  await page.locator('.row').first().waitFor()
  await gateway.stop()
  await page.getByText('Not connected, trying again').waitFor()
  expect(await textOf(page.locator('#lost'))).toMatch(/Connection lost: .+ What you see is of/)

  gateway = await startTestGateway(
    { 'cinderguard.admin_bind': new URL(adminUrl).host },
    { policy: cinderPolicy() },
  )
  await isLive(page)
  expect(await page.locator('#lost').isVisible()).toBe(false)
  await act(gateway, { action: 'os-force_detach' })
  await expect.poll(() => page.locator('.row').count()).toBe(2)
})

describe('on an address that others reach', () => {
  async function open(): Promise<{ page: Page; complaints: string[] }> {
    gateway = await startTestGateway(
      { 'cinderguard.admin_bind': '0.0.0.0:0', 'cinderguard.console_role': 'auditor' },
      { policy: cinderPolicy() },
    )
    const opened = await openPage(browser, gateway.adminUrl.replace('0.0.0.0', '127.0.0.1'))
    await opened.page.getByRole('heading', { name: 'Log in' }).waitFor()
    return opened
  }
  async function logIn(page: Page, token: string): Promise<void> {
    await page.getByLabel('Keystone token').fill(token)
    await page.keyboard.press('Enter')
  }

  test('nothing is shown before, nor to a wrong token, nor without the role', async () => {
    const { page, complaints } = await open()
    expect(await textOf(page.locator('#login-problem'))).toBe('')
    expect(await findings(page)).toEqual([])
    await logIn(page, 'unknown')
    await page.getByText('Not let in: the token is not valid.').waitFor()
    await logIn(page, gateway.cloud.token('alice'))
    await page.getByText('Not let in: the role auditor is needed.').waitFor()
    expect(await page.locator('#content').isVisible()).toBe(false)
    expect(complaints).toEqual([])
  })

  test('a token with the role opens it; it is written down nowhere', async () => {
    const { page } = await open()
    const token = gateway.cloud.token('auditor')
    await logIn(page, token)
    await isLive(page)
    await act(gateway)
    await page.locator('.row').first().waitFor()
    const kept = await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.body.outerHTML])',
    )
    expect(kept).not.toContain(token)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
  })

  test('a token that expires closes it again', async () => {
    const { page } = await open()
    const expiresAt = Date.now() + 4000
    await logIn(page, gateway.cloud.keystone.addToken({ user: 'auditor', expiresAt }))
    await isLive(page)
    await page.getByText('Not let in: the token is not valid.').waitFor({ timeout: 10_000 })
    expect(await page.locator('#content').isVisible()).toBe(false)
  })
})

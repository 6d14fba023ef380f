import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { openChromium, openPage, textOf } from './chromium.ts'
import { act, cinderPolicy, underLoad } from './traffic.ts'

/** The console without a mouse, while twenty decisions a second come in. */
let browser: Browser
let gateway: TestGateway
let stopLoad: () => Promise<void>
let page: Page
beforeAll(async () => {
  gateway = await startTestGateway({}, { policy: cinderPolicy() })
  browser = await openChromium()
  const tokens = ['mallory', 'carol'].map((user) =>
    gateway.cloud.keystone.addToken({ user, project: 'demo', roles: ['member'] }),
  )
  let turn = 0
  await act(gateway)
  stopLoad = underLoad(gateway, 20, () => {
    turn += 1
    return { token: tokens[turn % 2] ?? '', action: turn % 3 === 0 ? 'os-force_detach' : 'os-detach' }
  })
  page = (await openPage(browser, gateway.adminUrl)).page
  await page.locator('.row').first().waitFor()
})
afterAll(async () => {
  await stopLoad()
  await browser.close()
  await gateway.stop()
})

const focus = () =>
  page.evaluate('document.activeElement.id || document.activeElement.innerText') as Promise<string>
/** Tabs on until something is focused that fits. */
async function tabTo(fits: RegExp): Promise<string> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab')
    const focused = await focus()
    if (fits.test(focused)) return focused
  }
  return expect.unreachable(`nothing that fits ${fits} can be tabbed to`)
}
/** Marks the focused element, so that one made anew is told from it. */
const mark = () => page.evaluate('void (document.activeElement.marked = true)')
const isMarked = () => page.evaluate('document.activeElement.marked === true')

test('filter, open, close, try out: the focus stays where it was put', async () => {
  await page.keyboard.press('Tab')
  expect(await focus()).toBe('To the content')

  // A reason with its count that goes up all the time.
  await tabTo(/attachment_in_use/)
  await mark()
  const counted = await focus()
  await expect.poll(focus, { timeout: 6000 }).not.toBe(counted)
  expect(await isMarked()).toBe(true)

  await tabTo(/^filter-text$/)
  await page.keyboard.type('mallory', { delay: 60 })
  expect(await focus()).toBe('filter-text')
  expect(await page.locator('#filter-text').inputValue()).toBe('mallory')
  await expect
    .poll(async () => (await page.locator('.row .who').allInnerTexts()).every((who) => who === 'mallory'))
    .toBe(true)

  await tabTo(/Refused/)
  await mark()
  const row = await focus()
  await page.getByRole('button', { name: /^Show \d+ new$/ }).waitFor()
  expect([await isMarked(), await focus()]).toEqual([true, row])

  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.waitForTimeout(500)
  expect(await page.evaluate('document.activeElement.closest("dialog") !== null')).toBe(true)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  expect([await isMarked(), await focus()]).toEqual([true, row])

  await page.keyboard.press('ArrowDown')
  expect(await isMarked()).toBe(false)
  await page.keyboard.press('ArrowUp')
  expect(await isMarked()).toBe(true)

  await tabTo(/^rule$/)
  await page.keyboard.press('Enter')
  await expect.poll(() => textOf(page.locator('#answer'))).toBe('Refused')
  expect(await focus()).toBe('rule')
})

test('the state is not told again and again to who hears the page', async () => {
  const told = await page.evaluate(`new Promise((resolve) => {
    const told = []
    const observer = new MutationObserver((all) => told.push(...all.map(({ target }) => target.textContent)))
    for (const live of document.querySelectorAll('[role=status], [role=alert], [aria-live]'))
      observer.observe(live, { childList: true, characterData: true, subtree: true })
    setTimeout(() => resolve(told), 5000)
  })`)
  expect(told).toEqual([])
})

test('a paused list stands still', async () => {
  const first = () => textOf(page.locator('.row').first())
  await page.locator('#filter-text').fill('mallory')
  await page.getByRole('button', { name: 'Clear' }).focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator('#filter-text').inputValue()).toBe('')
  // A key press may have been taken before what it does was done.
  await page.getByRole('button', { name: 'Pause' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Pause', pressed: true }).waitFor()
  const before = await first()
  await page.getByRole('button', { name: /^Show \d+ new$/ }).waitFor()
  expect(await first()).toBe(before)
  await page.keyboard.press('Enter')
  await expect.poll(first).not.toBe(before)
})

import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** What axe calls serious or critical. */
export async function findings(page: Page, within = 'body'): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate(
    `axe.run('${within}', { resultTypes: ['violations'] })`,
  )) as axe.AxeResults
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** What is wider than the screen. */
export async function overflow(page: Page): Promise<unknown> {
  return page.evaluate(`
    [document.scrollingElement, ...document.querySelectorAll('body *')]
      .filter((each) => {
        const { right, width } = each.getBoundingClientRect()
        return width > 1 && right > innerWidth + 1 && each.closest('svg, .skip, datalist') === null
      })
      .map((each) => each.outerHTML.slice(0, 120))
      .concat(document.documentElement.scrollWidth > innerWidth ? ['the page scrolls sideways'] : [])
  `)
}

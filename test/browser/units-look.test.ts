import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { count, org, startDemo } from '../demo/demo-server.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { openUnits } from './units-page.ts';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe finds wrong on the page as it is. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axe, 'utf8'));
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  );
}

describeWithTool('chromium', 'the look of the units', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  const start = async (options: Parameters<Browser['newContext']>[0]) => {
    const demo = await startDemo(database);
    await until(async () => (await count(database)) > 200);
    await demo.stopWriting();
    await append(database.pool, {
      org,
      unit: 'reefer-17',
      type: 'alarm.raised',
      data: { name: 'Reefer 17' },
    });
    const view = await openUnits(browser, demo.url, options);
    await view.follows();
    await view.page.locator('[data-alarm-of="reefer-17"]').waitFor();
    return view;
  };

  it('is accessible in both themes', async () => {
    const { page } = await start({ colorScheme: 'light' });
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(page)).toEqual([]);
  });

  it('fits 360 pixels, without scrolling sideways', async () => {
    const { page } = await start({ viewport: { width: 360, height: 780 } });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const wide = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.units *')].filter((each) => each.getBoundingClientRect().right > 360 && !each.closest('svg, .visually-hidden')).map((each) => each.outerHTML)`,
    );
    expect(wide).toEqual([]);
  });

  it('tells an alarm and a door by words, not by colour alone', async () => {
    const { page } = await start({});
    const card = page.locator('[data-unit="reefer-17"]');
    expect(await card.innerText()).toMatch(/alarm, limit \d/);
    expect((await card.getByTestId('door').innerText()).trim()).toMatch(/^door (open|closed)$/);
    expect(await page.getByRole('heading', { name: /open alarm/ }).innerText()).toMatch(/^\d open alarms?$/);
  });

  it('shows one site when it is chosen, and finds the unit of an alarm by the keyboard', async () => {
    const { page } = await start({});
    await page
      .getByTestId(/^site-(?!all)/)
      .last()
      .click();
    const before = await page.locator('[data-unit]').count();
    await page.locator('[data-unit="reefer-17"]').waitFor({ state: 'detached' });
    await page.locator('[data-alarm-of="reefer-17"]').press('Enter');
    await page.locator('[data-unit="reefer-17"]:focus').waitFor();
    expect(await page.locator('[data-unit]').count()).toBeGreaterThan(before);
  });
});

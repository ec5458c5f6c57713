import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { commit, openPage, showsLog, shown, startConsole, type ConsolePage } from './console-page.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const events = Array.from({ length: 20 }, (_, n) => ({
  org: shown,
  site: 'a-site-with-quite-a-long-name-of-its-own',
  unit: `a-unit-with-quite-a-long-name-of-its-own-${n % 4}`,
  type: n % 5 === 0 ? 'alarm.raised' : 'a.type.with-quite-a-long-name',
  data: { text: 'x'.repeat(120) },
}));

const violations = async ({ page }: ConsolePage) => {
  await page.evaluate(axe);
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations
       .filter(({ impact }) => impact === 'serious' || impact === 'critical')
       .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`,
  );
};

const overflow = ({ page }: ConsolePage) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

describeWithTool('chromium', 'everybody can use the page:', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  const open = async (options: Parameters<typeof openPage>[2]) => {
    const { url } = await startConsole(database);
    // Axe itself is a script that the page's policy would refuse; and what fades in has no colours yet.
    const view = await openPage(browser, url, { bypassCSP: true, reducedMotion: 'reduce', ...options });
    await view.reached('live');
    await commit(database, ...events);
    await showsLog(view, database);
    return view;
  };

  for (const [name, options] of Object.entries({
    light: { viewport: wide, colorScheme: 'light' },
    dark: { viewport: wide, colorScheme: 'dark' },
    'light on a phone': { viewport: phone, colorScheme: 'light' },
    'dark on a phone': { viewport: phone, colorScheme: 'dark' },
  } as const))
    it(`axe finds nothing serious, ${name}`, async () => {
      const view = await open(options);
      const { page } = view;
      expect(await violations(view)).toEqual([]);
      await page.locator('.row').first().click();
      await page.getByTestId('detail').waitFor();
      expect(await violations(view)).toEqual([]);
      await page.keyboard.press('Escape');
      if (options.viewport === phone) await page.getByTestId('open-publish').click();
      else await page.getByTestId('side-publish').check();
      await page.getByTestId('publish').waitFor();
      expect(await violations(view)).toEqual([]);
      await page.keyboard.press('Escape');
      await view.cut();
      expect(await violations(view)).toEqual([]);
    });

  it('nothing is wider than a phone of 360 px', async () => {
    const view = await open({ viewport: { width: 360, height: 740 } });
    const { page } = view;
    expect(await overflow(view)).toBe(0);
    await page.locator('.row').first().click();
    expect(await overflow(view)).toBe(0);
    await page.getByTestId('close-detail').click();
    for (const sheet of ['open-filters', 'open-connection', 'open-publish']) {
      await page.getByTestId(sheet).click();
      expect(await overflow(view)).toBe(0);
      await page.keyboard.press('Escape');
    }
    await view.cut();
    expect(await overflow(view)).toBe(0);
  });

  it('the theme is the system’s until another one is chosen, and then stays', async () => {
    const view = await open({ viewport: wide, colorScheme: 'dark' });
    const { page } = view;
    const background = () =>
      page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await background();
    await page.getByTestId('theme').click();
    const light = await background();
    expect(light).not.toBe(dark);
    await page.reload();
    await view.reached('live');
    expect(await background()).toBe(light);
    await page.getByTestId('theme').click();
    await page.getByTestId('theme').getByText('Theme: dark').waitFor();
    expect(await background()).toBe(dark);
  });

  it('the pages are tabs of links, and the address says which one is open', async () => {
    const { page } = await open({ viewport: wide });
    await page.getByTestId('tab-operator').focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="tab-operator"][aria-current="page"]').waitFor();
    expect(new URL(page.url()).hash).toBe('#/operator');
    await page.goBack();
    await page.locator('[data-testid="tab-stream"][aria-current="page"]').waitFor();
  });
});

import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { launchBrowser } from '../support/browser.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { openOperator, startOperated, type OperatorView } from './operator-view.ts';

const phone = { width: 390, height: 844 };

/** What axe finds that keeps people out. */
const barriers = async ({ page }: OperatorView): Promise<string[]> => {
  const axe = await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
  await page.evaluate(`window.axe || (0, eval)(${JSON.stringify(axe)})`);
  return page.evaluate<string[]>(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`);
};

const pixels = ({ page }: OperatorView) =>
  page.evaluate<string>(`document.querySelector('[data-testid="chart-rate"] canvas').toDataURL()`);

/** An installation where there is something in every panel. */
const startBusy = async () => {
  const database = await createDatabase();
  const server = await startOperated(database);
  const client = await connectClient(server.url, {
    subscriptions: [{ unit: `unit-of-a-very-long-name-that-goes-on-and-on-${'x'.repeat(60)}` }],
  });
  await client.live();
  const consumer = server.app.commitcast.consume({ name: 'billing-of-a-long-name', maxAttempts: 1 }, () =>
    Promise.reject(new Error('no')),
  );
  onTestFinished(() => consumer.stop());
  await append(database.pool, { org: 'acme', type: 'note', data: null });
  return server;
};

describeWithTool('chromium', "the look of the operator's page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it.each([
    ['light', { width: 1280, height: 800 }],
    ['dark', { width: 1280, height: 800 }],
    ['light', phone],
    ['dark', { width: 360, height: 740 }],
  ] as const)('has no serious barrier and no horizontal scroll: %s, %o', async (colorScheme, viewport) => {
    const { url } = await startBusy();
    const view = await openOperator(browser, url, { colorScheme, viewport });
    await view.says('stands still');
    expect(await barriers(view)).toEqual([]);
    expect(
      await view.page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      ),
    ).toBe(0);
    expect(
      await view.page.evaluate<string[]>(`[...document.querySelectorAll('.operator *')]
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.ellipsis, canvas'))
        .map((each) => each.outerHTML.slice(0, 120))`),
    ).toEqual([]);
    expect(view.complaints).toEqual([]);
  });

  it('the panel for who is not let in has no serious barrier either', async () => {
    const { url } = await startBusy();
    for (const colorScheme of ['light', 'dark'] as const) {
      const view = await openOperator(browser, url.replace('127.0.0.1', 'operator.localhost'), {
        colorScheme,
      });
      await view.page.getByTestId('operator-token').fill('nonsense');
      await view.page.getByRole('button', { name: 'Show the installation' }).click();
      await view.page.getByTestId('operator-refusal').waitFor();
      expect(await barriers(view)).toEqual([]);
    }
  });

  it('all there is to do can be done by keyboard', async () => {
    const { url } = await startBusy();
    const view = await openOperator(browser, url);
    await view.says('stands still');
    await view.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const focused = () =>
      view.page.evaluate<string>(`document.activeElement?.getAttribute('aria-label') ?? ''`);
    await until(async () => {
      await view.page.keyboard.press('Tab');
      return (await focused()).startsWith('Copy: npx commitcast consumers resume billing');
    });
    await view.page.keyboard.press('Enter');
    await view.panel('consumers').getByText('Copied').first().waitFor();
    expect(await view.page.evaluate<string>('navigator.clipboard.readText()')).toBe(
      'npx commitcast consumers resume billing-of-a-long-name',
    );
  });

  it('keeps the focus, the place and the elements over answers', async () => {
    const { url } = await startBusy();
    const view = await openOperator(browser, url);
    await view.says('stands still');
    await view.page.getByRole('button', { name: /^Copy: npx commitcast consumers/ }).focus();
    await view.page
      .evaluate(`window.kept = [...document.querySelectorAll('[data-row], canvas, .operator-tile')];
      document.querySelector('.main').scrollTop = 200`);
    const answered = async () => {
      await view.page.waitForResponse(/v1\/status$/);
    };
    await answered();
    await answered();
    expect(
      await view.page.evaluate<boolean>('kept.length > 5 && kept.every((each) => each.isConnected)'),
    ).toBe(true);
    expect(await view.page.evaluate<string>('document.activeElement.ariaLabel')).toContain(
      'consumers resume',
    );
    expect(await view.page.evaluate<number>(`document.querySelector('.main').scrollTop`)).toBe(200);
  });

  it('the charts follow the theme and the width', async () => {
    const { url } = await startBusy();
    const view = await openOperator(browser, url, { colorScheme: 'light' });
    await view.says('stands still');
    // No answers from here on: what changes in the picture is the theme's doing.
    await view.show('hidden');
    const light = await pixels(view);
    await view.page.emulateMedia({ colorScheme: 'dark' });
    await until(async () => (await pixels(view)) !== light);
    const dark = await pixels(view);
    await view.page.emulateMedia({ colorScheme: 'light' });
    await until(async () => (await pixels(view)) === light);
    await view.page.getByTestId('theme').click();
    await view.page.getByTestId('theme').click();
    await until(async () => (await pixels(view)) === dark);

    const canvas = view.panel('chart-rate').locator('canvas');
    const width = async () => (await canvas.boundingBox())?.width ?? 0;
    const before = await width();
    await view.page.setViewportSize({ width: 1000, height: 800 });
    await until(async () => (await width()) < before - 50);
  });
});

import type { Browser } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { startSite } from './site.ts';
import { expectExactly, openTab, tabOf } from './tab.ts';
import { committed, keepWriting } from './writers.ts';

describeWithTool('chromium', 'tabs of one origin', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it('have a cursor each: one that is slower, reloaded, or closed takes nothing from the others', async () => {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const database = await createDatabase();
    const site = await startSite(database);
    const quick = await openTab(context, site.url);
    const slow = await openTab(context, site.url, { workMs: 5 });
    const unit = await openTab(context, site.url, { scope: { unit: 'u1' }, kind: 'react' });
    const gone = await openTab(context, site.url);
    await Promise.all([quick.live(), slow.live(), unit.live(), gone.live()]);
    const writing = keepWriting(database);
    await quick.grown(30);
    await gone.page.close();
    for (const tab of [slow, quick, unit]) {
      await tab.grown(10);
      await tab.page.reload({ waitUntil: 'commit' });
      await tab.live();
    }
    await committed(database, 30);
    await writing.stop();
    for (const tab of [quick, slow, unit]) await expectExactly(tab, database);
  });

  it('a tab that another one opens begins with its cursor, and both go on by themselves', async () => {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const database = await createDatabase();
    const site = await startSite(database);
    const opener = await openTab(context, site.url, { workMs: 2 });
    await opener.live();
    const writing = keepWriting(database);
    await opener.grown(30);
    // It inherits `sessionStorage`: history and cursor, of the same moment.
    const opened = context.waitForEvent('page');
    await opener.page.evaluate('void window.open(location.href)');
    const second = tabOf(await opened, opener.scope);
    await second.page.waitForFunction('globalThis.probe?.client !== undefined');
    const inherited = await second.page.evaluate<number>('probe.length() - probe.begun');
    expect(inherited).toBeGreaterThanOrEqual(29);
    await second.grown(30);
    await second.page.reload({ waitUntil: 'commit' });
    await until(async () => (await second.page.evaluate<number>('globalThis.probe?.begun ?? 0')) > 0);
    await opener.grown(10);
    await writing.stop();
    await expectExactly(opener, database);
    await opener.page.close();
    await expectExactly(second, database);
  });
});

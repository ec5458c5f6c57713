import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { socketsOf, startSite } from './site.ts';
import { expectExactly, note, openTab, timeToLive } from './tab.ts';
import { committed, keepWriting } from './writers.ts';

describeWithTool('chromium', 'a page that is slower than the writers', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it.each(['live', 'react'] as const)(
    'lets go of its connection at `maxBacklog`, and goes on when it has done the half: %s',
    async (kind) => {
      const database = await createDatabase();
      const site = await startSite(database);
      const tab = await openTab(browser, site.url, { kind, workMs: 8, maxBacklog: 40 });
      await tab.live();
      const writing = keepWriting(database, { pauseMs: 15 });
      const overflows = async () =>
        (await tab.states()).filter(({ state }) => state.name === 'offline' && state.until === 'drained')
          .length;
      await until(async () => (await overflows()) >= 2, { timeoutMs: 90_000, message: 'two overflows' });
      await tab.page.reload({ waitUntil: 'commit' });
      await tab.page.waitForFunction('globalThis.probe?.client !== undefined');
      await until(async () => (await overflows()) > 0, { timeoutMs: 90_000, message: 'another overflow' });
      await writing.stop();
      await expectExactly(tab, database, { timeoutMs: 45_000 });
      await tab.live();
      expect(await tab.errors()).toEqual([]);
    },
    300_000,
  );

  it('goes on after it could do nothing for seconds, and the server had given it up', async () => {
    const database = await createDatabase();
    const site = await startSite(database, { pingMs: 700 });
    const tab = await openTab(browser, site.url);
    await tab.live();
    const writing = keepWriting(database);
    for (let n = 0; n < 3; n++) {
      await tab.live();
      await tab.grown(10);
      const busy = tab.page.evaluate('for (const end = Date.now() + 3_000; Date.now() < end; );');
      await until(() => socketsOf(site) === 0, { message: 'the server to give the page up' });
      await committed(database, 20);
      await busy;
      note('three busy seconds', await timeToLive(tab, Date.now()));
    }
    await writing.stop();
    await expectExactly(tab, database);
    expect(await tab.errors()).toEqual([]);
  });
});

import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { portOf, proxyTo, startSite } from './site.ts';
import { expectExactly, note, openTab, timeToLive } from './tab.ts';
import { committed, keepWriting } from './writers.ts';

describeWithTool('chromium', 'a page whose server is away', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it('gets what it missed in more than a minute, by itself', { timeout: 110_000 }, async () => {
    const database = await createDatabase();
    const first = await startSite(database);
    const tab = await openTab(browser, first.url);
    await tab.live();
    const writing = keepWriting(database, { pauseMs: 120 });
    await tab.grown(10);
    const left = performance.now();
    await first.close();
    await tab.reached('offline');
    const reasons = (await tab.states()).flatMap(({ state }) =>
      'reason' in state ? [state.reason.code] : [],
    );
    expect(reasons[0]).toBe('SHUTTING_DOWN');
    await until(() => performance.now() - left > 61_000, { timeoutMs: 70_000 });
    await startSite(database, { port: portOf(first) });
    note('a minute without a server (backoff up to 20 s)', await timeToLive(tab, Date.now()));
    await tab.grown(10);
    await writing.stop();
    await expectExactly(tab, database);
  });

  it.each(['live', 'react'] as const)('goes on after each restart: %s', async (kind) => {
    const database = await createDatabase();
    let site = await startSite(database);
    const tab = await openTab(browser, site.url, { kind, workMs: 2 });
    await tab.live();
    const writing = keepWriting(database);
    for (let n = 0; n < 2; n++) {
      await tab.grown(10);
      await site.close();
      await tab.reached('offline');
      await committed(database, 30);
      site = await startSite(database, { port: portOf(site) });
      note('a restart', await timeToLive(tab, Date.now()));
    }
    await writing.stop();
    await expectExactly(tab, database);
    expect(await tab.errors()).toEqual([]);
  });

  it('goes on when the network is back, however often it has tried in vain', async () => {
    const database = await createDatabase();
    const proxy = await proxyTo(await startSite(database));
    const tab = await openTab(browser, proxy.url);
    const context = tab.page.context();
    await tab.live();
    const writing = keepWriting(database);
    for (let n = 0; n < 4; n++) {
      await tab.grown(10);
      // `setOffline` alone leaves WebSockets as they are.
      proxy.refuse(true);
      proxy.cut();
      await context.setOffline(true);
      const attempts = async () => (await tab.names()).filter((name) => name === 'offline').length;
      const before = await attempts();
      await until(async () => (await attempts()) >= before + n, { message: 'some attempts in vain' });
      await tab.reached('offline');
      await committed(database, 30);
      proxy.refuse(false);
      const online = Date.now();
      await context.setOffline(false);
      note('`online`', await timeToLive(tab, online));
    }
    await writing.stop();
    await expectExactly(tab, database);
    expect((await tab.errors()).filter((error) => !error.includes('fetch'))).toEqual([]);
  });
});

import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase } from '../../support/database.ts';
import { signToken } from '../../support/tokens.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { proxyTo, startSite } from './site.ts';
import { expectExactly, note, openTab, timeToLive } from './tab.ts';
import { keepWriting } from './writers.ts';

describeWithTool('chromium', 'a page with tokens of three seconds', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it('gets new ones in time, and its connection lasts', async () => {
    let asked = 0;
    const token = () => {
      asked++;
      return signToken({}, { ttlSeconds: 3 });
    };
    const database = await createDatabase();
    const tab = await openTab(browser, (await startSite(database, { token })).url, { workMs: 2 });
    await tab.live();
    const began = performance.now();
    const writing = keepWriting(database);
    // Longer than a token is good for, with the 5 s of tolerance for the clocks.
    await until(() => performance.now() - began > 10_000);
    await writing.stop();
    await expectExactly(tab, database);
    expect(await tab.names()).toEqual(['connecting', 'catching-up', 'live']);
    // About two in three seconds, and not one after the other.
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(25);
    expect(await tab.errors()).toEqual([]);
  });

  it.each(['live', 'react'] as const)(
    'gets what it missed while nobody gave it a token, and its own had expired: %s',
    async (kind) => {
      let down = false;
      const token = () => {
        if (down) throw new Error('out of order');
        return signToken({}, { ttlSeconds: 3 });
      };
      const database = await createDatabase();
      const tab = await openTab(browser, (await startSite(database, { token })).url, { kind });
      await tab.live();
      const writing = keepWriting(database);
      await tab.grown(10);
      down = true;
      await tab.reached('offline');
      const length = await tab.length();
      await until(async () => (await tab.names()).filter((name) => name === 'offline').length >= 3);
      expect(await tab.length()).toBe(length);
      expect(await tab.errors()).toContain('Error: /token: 500');
      down = false;
      note('tokens are to be had again', await timeToLive(tab, Date.now()));
      await tab.grown(10);
      await writing.stop();
      await expectExactly(tab, database);
    },
  );

  it('connects anew, after a long time without a connection, with a new one', async () => {
    const database = await createDatabase();
    const proxy = await proxyTo(await startSite(database, { token: () => signToken({}, { ttlSeconds: 3 }) }));
    const tab = await openTab(browser, proxy.url);
    await tab.live();
    const writing = keepWriting(database);
    await tab.grown(10);
    proxy.refuse(true);
    proxy.cut();
    const left = performance.now();
    await until(() => performance.now() - left > 9_000);
    proxy.refuse(false);
    await tab.page.evaluate('probe.client.connect()');
    await tab.live();
    await writing.stop();
    await expectExactly(tab, database);
    expect(await tab.errors()).toEqual([]);
  });

  it('goes on to ask when its function throws', async () => {
    const database = await createDatabase();
    const tab = await openTab(browser, (await startSite(database)).url, { tokenThrows: 3 });
    await tab.live();
    const writing = keepWriting(database);
    await tab.grown(20);
    await writing.stop();
    await expectExactly(tab, database);
    expect((await tab.names()).filter((name) => name === 'offline')).toHaveLength(3);
    expect(await tab.errors()).toEqual(Array.from({ length: 3 }, () => 'Error: no token yet'));
  });
});

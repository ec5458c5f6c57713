import { expect, it } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { launchWithBackForwardCache } from './launch.ts';
import { socketsOf, startSite } from './site.ts';
import { expectExactly, note, openTab, timeToLive } from './tab.ts';
import { committed, keepWriting } from './writers.ts';

describeWithTool('chromium', 'a page that is left and come back to', () => {
  it.each([
    { persisted: true, kind: 'live', launch: launchWithBackForwardCache },
    { persisted: true, kind: 'react', launch: launchWithBackForwardCache },
    { persisted: true, kind: 'live', launch: launchWithBackForwardCache, workMs: 3 },
    { persisted: false, kind: 'live', launch: launchBrowser },
    { persisted: false, kind: 'react', launch: launchBrowser, workMs: 3 },
  ] as const)(
    'goes on where it was, out of the back/forward cache: $persisted, $kind, work of $workMs ms',
    async ({ persisted, launch, ...of }) => {
      const browser = await launch();
      const database = await createDatabase();
      const site = await startSite(database);
      const tab = await openTab(browser, site.url, of);
      const { page } = tab;
      await tab.live();
      const writing = keepWriting(database);
      for (let n = 0; n < 3; n++) {
        await tab.grown(10);
        // Playwright waits for a load, and there is none when the page comes out of the cache.
        await page.evaluate(`void setTimeout(() => { location.href = '/elsewhere'; })`);
        await page.waitForURL('**/elsewhere');
        await until(() => socketsOf(site) === 0, { message: 'the page to let go of its connection' });
        await committed(database, 20);
        const back = Date.now();
        await page.evaluate('void setTimeout(() => { history.back(); })');
        await until(() => page.evaluate<boolean>('globalThis.probe?.client !== undefined'));
        expect(await page.evaluate('probe.shown.at(-1)')).toBe(persisted);
        const name = persisted ? 'back, from the cache' : 'back, loaded anew';
        note(name, await timeToLive(tab, back));
      }
      await writing.stop();
      await expectExactly(tab, database);
      expect(await tab.errors()).toEqual([]);
    },
  );
});

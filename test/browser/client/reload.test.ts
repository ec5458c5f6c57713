import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase } from '../../support/database.ts';
import { chooseSeed, createRandom } from '../../support/random.ts';
import { signToken } from '../../support/tokens.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { startSite } from './site.ts';
import { expectExactly, openTab, type Tab } from './tab.ts';
import { keepWriting } from './writers.ts';

const token = await signToken();

describeWithTool('chromium', 'a page that is reloaded', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it.each([
    { kind: 'live', name: 'with the client' },
    { kind: 'live', name: 'with the client, while its handler works', workMs: 3 },
    { kind: 'react', name: 'with React' },
    { kind: 'react', name: 'with React, while its handler works', workMs: 3 },
    { kind: 'react', name: 'with React and a token at hand', token },
  ] as const)(
    '$name goes on after the last event that it has done, at any moment',
    async ({ name, ...of }) => {
      const random = createRandom(chooseSeed(name));
      const database = await createDatabase();
      const site = await startSite(database);
      const tab = await openTab(browser, site.url, of);
      await tab.live();
      const writing = keepWriting(database);
      for (let n = 0; n < 8; n++) {
        // Also before it is live, and before it is connected.
        const enough = random.below(40);
        await until(async () => (await tab.page.evaluate<number>('probe.begun')) >= enough);
        await tab.page.reload({ waitUntil: 'commit' });
        await tab.page.waitForFunction('globalThis.probe?.client !== undefined');
      }
      await tab.grown(20);
      await writing.stop();
      await expectExactly(tab, database);
      if (of.kind === 'react') await showsLog(tab);
      expect(await tab.errors()).toEqual([]);
    },
  );
});

/** What `useSubscription` renders is the log, from its beginning. */
async function showsLog(tab: Tab): Promise<void> {
  const history = (await tab.history()).map((entry) => ('position' in entry ? entry.position : 0));
  await until(async () => (await tab.rendered()).length >= history.length);
  expect(await tab.rendered()).toEqual(history);
}

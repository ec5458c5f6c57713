import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { beginPartition, dropOldest } from '../../log/drop-oldest.ts';
import type { Entry } from './app/history.ts';
import { portOf, shownOf, startSite } from './site.ts';
import { expectExactly, openTab, type Tab } from './tab.ts';
import { committed, keepWriting, write } from './writers.ts';
import { readWholeLog } from '../../../src/testing/read-whole-log.ts';

const reasons = (history: readonly Entry[]) =>
  history.flatMap((entry) => ('reason' in entry ? [entry.reason] : []));

/** What came before the first loaded state was the log, too, as far as it went. */
async function beganExactly(tab: Tab, before: readonly { position: number; id: string }[]): Promise<void> {
  const history = await tab.history();
  const first = history.slice(
    0,
    history.findIndex((entry) => 'reason' in entry),
  );
  expect(first.length).toBeGreaterThan(0);
  expect(first).toEqual(before.slice(0, first.length));
}

async function logOf(database: TestDatabase, tab: Tab) {
  return shownOf(await readWholeLog(database.pool), tab.scope);
}

describeWithTool('chromium', 'a page whose history is gone', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it.each([
    { kind: 'live', reload: false },
    { kind: 'live', reload: true },
    { kind: 'react', reload: false },
  ] as const)(
    'by retention: loads its state, and goes on from its cursor; $kind, loaded anew: $reload',
    async ({ kind, reload }) => {
      const database = await createDatabase();
      const site = await startSite(database);
      const tab = await openTab(browser, site.url, { kind, loads: true });
      await tab.live();
      const writing = keepWriting(database);
      await tab.grown(20);
      if (reload) await tab.page.goto(new URL('/elsewhere', site.url).href);
      // What it has in memory it would give from there.
      await site.close();
      await committed(database, 20);
      await writing.stop();
      const before = await logOf(database, tab);
      await beginPartition(database);
      await write(database);
      await dropOldest(database);
      const more = keepWriting(database);
      await committed(database, 10);
      await startSite(database, { port: portOf(site) });
      if (reload) await tab.page.goBack();
      else await tab.page.evaluate('probe.client.connect()');
      await tab.live();
      await committed(database, 30);
      await more.stop();
      if (kind === 'react') {
        const log = (await logOf(database, tab)).map(({ position }) => position);
        await until(async () => (await tab.rendered()).includes(log.at(-1) ?? 0));
        expect(await tab.rendered()).toEqual(log);
        // `useEvents` has no state to load.
        expect(await tab.errors()).toEqual([expect.stringContaining('expired')]);
        return;
      }
      await expectExactly(tab, database);
      await beganExactly(tab, before);
      expect(reasons(await tab.history())).toEqual(['expired']);
      expect(await tab.errors()).toEqual([]);
    },
  );

  it('by a database that was put back: loads what is true now', async () => {
    const database = await createDatabase();
    let site = await startSite(database);
    const tab = await openTab(browser, site.url, { loads: true });
    await tab.live();
    const writing = keepWriting(database);
    await tab.grown(30);
    await site.close();
    await writing.stop();
    await tab.reached('offline');
    const before = await logOf(database, tab);
    const end = before[9]?.position ?? 0;
    const connection = await database.connect();
    await connection.query('begin');
    const { rows } = await connection.query<{ epoch: string }>('select commitcast.open_epoch(true) as epoch');
    const epoch = rows[0]?.epoch ?? '';
    await connection.query('update commitcast.epoch set previous_end = $2 where epoch = $1', [epoch, end]);
    await connection.query('commit');
    const more = keepWriting(database);
    site = await startSite(database, { port: portOf(site) });
    await tab.live();
    await tab.grown(20);
    await more.stop();
    await expectExactly(tab, database);
    await beganExactly(tab, before);
    expect(reasons(await tab.history())).toEqual(['epoch']);
    expect(String(await tab.page.evaluate('probe.client.cursor'))).toContain(epoch);
    expect(await tab.errors()).toEqual([]);
  });
});

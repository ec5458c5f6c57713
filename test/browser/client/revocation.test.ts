import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { revoke, type Revocation } from '../../../src/log/revoke.ts';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { signToken } from '../../support/tokens.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { startSite } from './site.ts';
import { all, expectExactly, openTab } from './tab.ts';
import { committed, keepWriting } from './writers.ts';

/** Returns where it is in the order. */
async function takeAway({ pool }: TestDatabase, from: Omit<Revocation, 'org' | 'user'> = {}) {
  const id = await revoke(pool, { org: 'acme', user: 'user-1', ...from });
  const { rows } = await pool.query<{ position: string }>(
    'select position from commitcast.log where id = $1',
    [id],
  );
  return Number(rows[0]?.position);
}

describeWithTool('chromium', 'a page whose rights are taken away', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it.each([
    { kind: 'live', workMs: undefined },
    { kind: 'live', workMs: 8 },
    { kind: 'react', workMs: undefined },
  ] as const)(
    'to a unit: has all before, nothing after; $kind, work of $workMs ms',
    async ({ kind, workMs }) => {
      const database = await createDatabase();
      const site = await startSite(database);
      const scope = { unit: 'u1' };
      const work = workMs === undefined ? {} : { workMs };
      const tab = await openTab(browser, site.url, { kind, scope, ...work });
      const other = await openTab(browser, site.url, { scope: { unit: 'u2' } });
      await Promise.all([tab.live(), other.live()]);
      const writing = keepWriting(database);
      await tab.grown(20);
      const to = await takeAway(database, { unit: 'u1' });
      await until(async () => String(await tab.errors()).includes('Not allowed'));
      await committed(database, 30);
      await tab.page.reload();
      await until(async () => String(await tab.errors()).includes('Not allowed'));
      await committed(database, 30);
      await writing.stop();
      await expectExactly(other, database);
      await expectExactly(tab, database, { to });
    },
  );

  it('to the org: has all before, nothing after, and is told ORG_FORBIDDEN', async () => {
    const database = await createDatabase();
    const site = await startSite(database);
    const tab = await openTab(browser, site.url);
    await tab.live();
    const writing = keepWriting(database);
    await tab.grown(20);
    const to = await takeAway(database);
    expect(await tab.reached('denied')).toMatchObject({ reason: { code: 'ORG_FORBIDDEN' } });
    await committed(database, 30);
    await tab.page.reload();
    await tab.reached('denied');
    await tab.page.evaluate('probe.client.connect()');
    await until(async () => (await tab.names()).filter((name) => name === 'denied').length === 2);
    await writing.stop();
    await expectExactly(tab, database, { to });
  });

  it('and given back: a new token, and a page that asks again, go on where it was', async () => {
    let issued = 0;
    const database = await createDatabase();
    // Tokens of later on, so that the tolerance for the clocks is of no account.
    const token = () => signToken(issued++ === 0 ? {} : { iat: Math.floor(Date.now() / 1_000) });
    const site = await startSite(database, { token });
    const tab = await openTab(browser, site.url, { scope: all });
    await tab.live();
    const writing = keepWriting(database);
    await tab.grown(20);
    const to = await takeAway(database);
    await tab.reached('denied');
    await expectExactly(tab, database, { to });
    // A token that is issued after it, by more than the tolerance, has the right again.
    await until(
      async () => {
        await tab.page.evaluate('probe.client.connect()');
        return (await tab.names()).at(-1) === 'live';
      },
      { timeoutMs: 20_000 },
    );
    await writing.stop();
    await expectExactly(tab, database);
  });
});

import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import {
  commit,
  keepWriting,
  logOf,
  openPage,
  other,
  showsLog,
  shown,
  startConsole,
  tokens,
} from './console-page.ts';

const reading = (unit: string, temperature: number) => ({
  org: shown,
  site: 'pier',
  unit,
  type: 'reading.recorded',
  data: { name: unit, temperature },
});
const opened = (org: string, unit = 'truck-1') => ({
  org,
  site: 'pier',
  unit,
  type: 'door.opened',
  data: {},
});

describeWithTool('chromium', 'the page', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  it('shows what is committed in its org, live, with positions, and nothing of another org', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    await view.reached('live');
    await commit(database, opened(other), reading('truck-1', 4.5), reading('truck-2', 7));
    await commit(database, { org: shown, type: 'shift.started', data: { html: '<b id="forged">' } });
    await showsLog(view, database);
    expect(await view.page.locator('.row', { hasText: '4.5 °C' }).count()).toBe(1);
    expect(await view.page.locator('#forged').count()).toBe(0);
    expect(await view.replayed()).toEqual([]);
    expect(view.complaints).toEqual([]);
  });

  it('replays what was missed while the connection was cut, marks it, and goes on', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    await view.reached('live');
    await commit(database, reading('truck-1', 1));
    await showsLog(view, database);
    const before = await logOf(database);

    await view.cut();
    for (let n = 0; n < 7; n++) await commit(database, reading('truck-1', n), opened(other));
    const missed = (await logOf(database)).filter((position) => !before.includes(position));
    await view.reached('live');
    await showsLog(view, database);
    expect(await view.replayed()).toEqual(missed);
    expect(await view.page.getByTestId('told').innerText()).toMatch(
      /^Reconnected after \d+\.\d s: 7 events replayed$/,
    );

    await commit(database, reading('truck-1', 9));
    await showsLog(view, database);
    expect(await view.replayed()).toEqual(missed);
    expect(await view.counter('replayed')).toBe('7');
  });

  it('goes on after a reload where it was, while others write', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    await view.reached('live');
    const writing = keepWriting(database);
    for (const rows of [5, 15, 25]) {
      await until(async () => (await view.positions()).length > rows);
      await view.page.reload();
      await view.reached('live');
    }
    await writing.stop();
    await showsLog(view, database);
    expect(await view.counter('twice')).toBe('0');
    expect(await view.counter('disordered')).toBe('0');
    expect(view.complaints).toEqual([]);
  });

  it('goes on after a restart of the server, while others write', async () => {
    const first = await startConsole(database);
    const view = await openPage(browser, first.url);
    await view.reached('live');
    const writing = keepWriting(database);
    await until(async () => (await view.positions()).length > 10);
    await first.close();
    await view.reached('offline');
    const { length } = await logOf(database);
    await until(async () => (await logOf(database)).length > length + 10);
    await startConsole(database, { port: Number(new URL(first.url).port) });
    await view.reached('live');
    await writing.stop();
    // What was missed comes as a replay, or live where the page is there before the new server has read on.
    await showsLog(view, database);
    expect(await view.counter('twice')).toBe('0');
    expect(await view.counter('disordered')).toBe('0');
  });

  it('follows one unit when it is chosen, and only that, and the org itself', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    await view.reached('live');
    await commit(database, reading('truck-1', 1), reading('truck-2', 2));
    await showsLog(view, database);
    const before = await logOf(database);

    await view.page.locator('.row', { hasText: 'truck-2' }).click();
    await view.page.getByTestId('follow-unit').click();
    await view.page.getByTestId('rows').getByText('From here: truck-2').waitFor();
    await until(async () => {
      await commit(database, opened(shown, 'truck-1'));
      await commit(database, opened(shown, 'truck-2'));
      const seen = await view.positions();
      const [last] = (await logOf(database, shown, `unit_id = 'truck-1'`)).slice(-1);
      return seen.length > before.length && !seen.includes(last ?? 0);
    });
    const from = await logOf(database);
    await commit(database, opened(shown, 'truck-1'), opened(shown, 'truck-2'));
    await commit(database, { org: shown, type: 'shift.started', data: {} });
    const wanted = (await logOf(database, shown, `(unit_id = 'truck-2' or unit_id is null)`)).filter(
      (position) => !from.includes(position),
    );
    await until(async () => (await view.positions()).includes(wanted.at(-1) ?? 0));
    expect((await view.positions()).filter((position) => position > Math.max(...from))).toEqual(wanted);
  });

  it('starts anew, and says why, when its cursor is of another history', async () => {
    const { url } = await startConsole(database);
    await commit(database, opened(shown));
    const progress = JSON.stringify({ cursor: 'aaaaaaaa-5' });
    const ledger = JSON.stringify({ progress, rows: [{ seq: 0, mark: 'what was before' }], seq: 1 });
    const initScript = `sessionStorage.setItem('commitcast:ledger:${shown}', ${JSON.stringify(ledger)})`;
    const view = await openPage(browser, url, { initScript });
    await view.reached('live');
    await view.page.getByTestId('told').getByText('cursor is of another database').waitFor();
    const rows = view.page.getByTestId('rows');
    await until(async () => !(await rows.innerText()).includes('what was before'));
    await commit(database, opened(shown));
    const log = await logOf(database);
    await until(async () => (await view.positions()).includes(log.at(-1) ?? 0));
    // The event of before comes as well, if it had not been dispatched yet.
    const positions = await view.positions();
    expect(positions).toEqual(log.slice(-positions.length));
  });

  it('gets a new token when the old one has expired', async () => {
    let calls = 0;
    const { url } = await startConsole(database, { demoOrgs: () => tokens(calls++ === 0 ? -60 : 3_600) });
    const view = await openPage(browser, url);
    await view.reached('live');
    await view.page.getByTestId('timeline').getByText('Token renewed').waitFor();
    expect(calls).toBe(2);
  });

  it('asks for a token where none is given, and tells the code of one that is refused', async () => {
    const { url } = await startConsole(database, { demoOrgs: () => Promise.resolve([]) });
    const view = await openPage(browser, url);
    const signIn = async (token: string) => {
      await view.page.getByTestId('token').fill(token);
      await view.page.getByTestId('sign-in').getByRole('button').click();
    };
    await signIn('nonsense');
    await view.reached('denied');
    expect(await view.page.getByTestId('problem').innerText()).toContain('TOKEN_INVALID');

    await signIn(await signToken({ org_id: shown, units: ['truck-1'] }));
    await view.reached('live');
    await commit(database, opened(shown, 'truck-2'), opened(shown, 'truck-1'));
    await until(async () => (await view.positions()).length === 1);
    expect(await view.positions()).toEqual(await logOf(database, shown, `unit_id = 'truck-1'`));
  });
});

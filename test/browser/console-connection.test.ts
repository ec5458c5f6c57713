import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import {
  commit,
  logOf,
  openPage,
  other,
  showsLog,
  shown,
  startConsole,
  type ConsolePage,
} from './console-page.ts';

const opened = { org: shown, site: 'pier', unit: 'truck-1', type: 'door.opened', data: {} };

/** What has happened, the oldest first. */
const timelineOf = ({ page }: ConsolePage) =>
  page.evaluate<string[]>(
    `[...document.querySelectorAll('[data-testid="timeline"] [data-kind]')].map((item) => item.dataset.kind).reverse()`,
  );

describeWithTool('chromium', 'the connection of the page', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  it('is cut at the transport, and the timeline tells how it came back, also after a reload', async () => {
    const server = await startConsole(database);
    const view = await openPage(browser, server.url);
    await view.reached('live');
    const sockets = () => server.app.commitcast.io.sockets.sockets.size;
    await until(() => sockets() === 1);
    await view.cut();
    await until(() => sockets() === 0);
    await commit(database, opened, opened, opened);
    // At once, without waiting for the five seconds.
    await view.page.getByTestId('mend').click();
    await view.reached('live');
    await showsLog(view, database);
    await view.page.getByTestId('timeline').getByText('3 events replayed').waitFor();
    expect(await timelineOf(view)).toEqual(['live', 'cut', 'offline', 'replayed']);
    expect(await view.page.locator('.strip [data-state="offline"]').count()).toBe(1);
    await view.page.reload();
    await view.reached('live');
    await view.page.getByTestId('timeline').getByText('Back here: nothing was missed').waitFor();
    expect((await timelineOf(view)).slice(0, 4)).toEqual(['live', 'cut', 'offline', 'replayed']);
  });

  it('lets nothing through while it is cut, however often the client tries', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    await view.reached('live');
    let opens = 0;
    view.page.on('websocket', () => opens++);
    view.page.on('request', (request) => request.url().includes('/socket.io/') && opens++);
    await view.cut();
    // What a browser tells after it has slept: the client tries at once.
    await view.page.evaluate(`dispatchEvent(new Event('online'))`);
    await view.page.evaluate(`dispatchEvent(new Event('online'))`);
    expect(opens).toBe(0);
    await view.reached('live');
    expect(opens).toBeGreaterThan(0);
  });

  it('goes on by itself when the server is away at first', async () => {
    const first = await startConsole(database);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.route('**/console/session', (route) => route.abort());
    await page.goto(first.url);
    await page.getByText('The server does not answer').waitFor();
    await page.unroute('**/console/session');
    await page.locator('[data-testid="connection-state"][data-state="live"]').waitFor();
    await context.close();
  });

  it('publishes an event of one’s own, which comes back marked, and only once', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    const { page } = view;
    await view.reached('live');
    await page.getByTestId('side-publish').check();
    await page.getByTestId('publish-type').fill('note.added');
    await page.getByTestId('publish-data').fill('{ "text": ');
    await page
      .getByTestId('publish-problem')
      .getByText(/JSON|end/)
      .waitFor();
    expect(await page.getByTestId('publish-send').isDisabled()).toBe(true);
    await page.getByTestId('publish-data').fill('{ "text": "mine" }');
    await page.getByTestId('publish-send').click();
    await page.locator('.row[data-mine]', { hasText: 'mine' }).waitFor();
    await commit(database, { ...opened, type: 'note.added' });
    await showsLog(view, database);
    expect(await page.locator('.row[data-mine]').count()).toBe(1);
    expect(await logOf(database, other)).toEqual([]);

    await page.getByTestId('publish-type').fill('commitcast.forged');
    await page.getByTestId('publish-send').click();
    await page.getByTestId('publish-outcome').getByText('EVENT_NAME_RESERVED').waitFor();
    expect(view.complaints.filter((text) => !text.includes('status of 4'))).toEqual([]);
  });

  it('shows another org when it is picked, and goes on with the first where it was', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    await view.reached('live');
    await commit(database, opened);
    await showsLog(view, database);
    await view.page.getByTestId('orgs').getByLabel(other).check();
    await view.reached('live');
    await until(async () => (await view.positions()).length === 0);
    await commit(database, opened, { ...opened, org: other });
    await until(async () => (await view.positions()).length === 1);
    expect(await view.positions()).toEqual(await logOf(database, other));
    await view.page.getByTestId('orgs').getByLabel(shown).check();
    await showsLog(view, database);
    expect(await view.replayed()).toEqual((await logOf(database)).slice(-1));
  });
});

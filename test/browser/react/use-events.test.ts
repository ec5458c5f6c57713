import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { write } from '../../client/integration/world.ts';
import { launchBrowser } from '../../support/browser.ts';
import { connectClient } from '../../support/client.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { openApp, startApp, type AppPage } from './react-page.ts';

async function expectHandled(app: AppPage, expected: string[]): Promise<void> {
  await until(async () => (await app.lab()).handled.length >= expected.length);
  expect((await app.lab()).handled).toEqual(expected);
}

describeWithTool('chromium', 'useEvents', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  it('calls a handler for everything, and one for each type, once and in order, in StrictMode', async () => {
    const { url } = await startApp(database, 'handlers');
    const app = await openApp(browser, url);
    await app.reached('status', 'active');
    for (const type of ['opened', '__defineGetter__', 'shut']) await write(database, 'u1', type);
    await expectHandled(app, ['all 1', 'opened 1', 'all 2', 'all 3', 'shut 3']);
    await app.change({ mark: 'new-' });
    await write(database, 'u1', 'shut');
    await until(async () => (await app.lab()).handled.length === 7);
    expect((await app.lab()).handled.slice(5)).toEqual(['new-all 4', 'new-shut 4']);
    expect(app.complaints).toEqual([]);
  });

  it('calls nobody while its component is not mounted', async () => {
    const { url } = await startApp(database, 'handlers');
    const app = await openApp(browser, url);
    await app.reached('status', 'active');
    const witness = await connectClient(url, { subscriptions: [{ deep: true }] });
    await witness.live();
    await app.change({ mounted: false });
    await until(() => app.sessions.some(({ requests }) => requests.at(-1)?.startsWith('unsubscribe')));
    await write(database, 'u1', 'shut');
    // What the server has not sent to anybody yet is still to come for those who subscribe now.
    await until(() => witness.events.length === 1);
    await app.change({ mounted: true });
    await app.reached('status', 'active');
    await write(database, 'u1', 'shut');
    await expectHandled(app, ['all 2', 'shut 2']);
  });

  it('has failed when a handler throws five times; the other goes on, and after a retry so does it', async () => {
    const { url } = await startApp(database, 'handlers');
    const app = await openApp(browser, url, { throwsAt: 'opened' });
    await app.reached('status', 'active');
    await write(database, 'u1', 'opened');
    await app.reached('status', 'failed');
    await write(database, 'u1', 'shut');
    await expectHandled(app, ['all 1', 'all 2']);
    await app.change({ throwsAt: '' });
    await app.page.evaluate('lab.retry()');
    await expectHandled(app, ['all 1', 'all 2', 'opened 1', 'shut 2']);
  });

  it('takes the nearest provider: a client of the application, or the inner one, each with its session', async () => {
    const { url } = await startApp(database, 'handlers');
    const app = await openApp(browser, url);
    await app.reached('outer', 'live');
    await app.reached('inner', 'live');
    // The application's own has connected before there was a component.
    const sessions = app.sessions.map(({ requests }) => requests.join(', '));
    expect(new Set(sessions)).toEqual(new Set(['connect []', 'connect [], subscribe {"deep":true}']));
    await app.page.evaluate('own.close()');
    await app.reached('outer', 'closed');
    expect(await app.text('inner')).toBe('live');
    expect(await app.text('status')).toBe('ended');
  });
});

import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { write, writeMany } from '../../client/integration/world.ts';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { signToken } from '../../support/tokens.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { expectList, openApp, startApp } from './react-page.ts';

describeWithTool('chromium', 'CommitcastProvider', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  it('tells the state of the connection over a restart of the server', async () => {
    const server = await startApp(database, 'list');
    const app = await openApp(browser, server.url);
    await app.reached('connection', 'live');
    await write(database, 'u1');
    await expectList(app, ['1']);
    await server.close();
    await app.reached('connection', 'offline');
    await write(database, 'u1');
    await startApp(database, 'list', { port: Number(new URL(server.url).port) });
    await app.reached('connection', 'live');
    await expectList(app, ['1', '2']);
  });

  it('says when a subscription is denied, and it goes on after a retry when it is allowed', async () => {
    let allowed = false;
    const { url } = await startApp(database, 'list', {
      authorize: async (_identity, { unit }) => allowed || unit === undefined,
    });
    const app = await openApp(browser, url, { scope: { unit: 'u1' } });
    await app.reached('status', 'denied');
    await app.reached('connection', 'live');
    allowed = true;
    await app.page.evaluate('lab.retry()');
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['1']);
  });

  it('connects again by itself when it is given another token than the one that was refused', async () => {
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url, { token: await signToken({}, { key: 'x'.repeat(40) }) });
    await app.reached('connection', 'denied');
    await app.change({ token: await signToken() });
    await app.reached('connection', 'live');
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['1']);
  });

  it('keeps the session when only the token changes, and makes another for another address', async () => {
    const server = await startApp(database, 'list');
    const app = await openApp(browser, server.url);
    await app.reached('connection', 'live');
    await app.change({ token: await signToken({ email: 'kim@example.com' }) });
    await write(database, 'u1');
    await expectList(app, ['1']);
    expect(app.sessions).toHaveLength(1);
    await app.change({ url: server.url });
    await until(() => app.sessions.length === 2 && !app.sessions[0]?.open);
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['2']);
    expect(app.sessions.map(({ requests }) => requests)).toEqual([
      ['connect [{"deep":true}]'],
      ['connect [{"deep":true}]'],
    ]);
  });

  it('goes on where the tab was over a reload, in one session: with the `session` store', async () => {
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url, { store: 'session' });
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['1']);
    await app.page.goto('about:blank');
    await writeMany(database, 3, 'u2');
    await app.page.goto(`${url}/app`);
    await expectList(app, ['2', '3', '4']);
    expect(app.sessions.map(({ requests }) => requests)).toEqual([
      ['connect [{"deep":true}]'],
      ['connect [{"deep":true}]'],
    ]);
  });
});

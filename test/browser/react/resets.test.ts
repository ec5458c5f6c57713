import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { truth, write, writeMany } from '../../client/integration/world.ts';
import { beginPartition, dropOldest } from '../../log/drop-oldest.ts';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { expectList, openApp, startApp } from './react-page.ts';

describeWithTool('chromium', 'state that is made of events', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  /** A page that shows one event, whose server then stops, and what follows is not kept. */
  async function outlive(snapshot: boolean) {
    const server = await startApp(database, 'list');
    const app = await openApp(browser, server.url, { snapshot });
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['1']);
    await server.close();
    await writeMany(database, 10, 'u1');
    await beginPartition(database);
    await writeMany(database, 3, 'u1');
    await dropOldest(database);
    await startApp(database, 'list', { port: Number(new URL(server.url).port) });
    const kept = await truth(database, { deep: true });
    return { app, kept };
  }

  it('is loaded again when the server does not have what was missed, and goes on from there', async () => {
    const { app, kept } = await outlive(true);
    await expectList(
      app,
      kept.map((position) => `s${position}`),
    );
    await app.reached('status', 'active');
    await write(database, 'u1');
    const last = (await truth(database, { deep: true })).at(-1);
    await expectList(app, [...kept.map((position) => `s${position}`), `${last}`]);
    expect((await app.lab()).loads).toEqual(['start', 'expired']);
  });

  it('begins with the initial state again when there is no snapshot: rather nothing than a hole', async () => {
    const { app } = await outlive(false);
    await app.reached('list', '');
    await app.reached('connection', 'live');
    await write(database, 'u1');
    const last = (await truth(database, { deep: true })).at(-1);
    await expectList(app, [`${last}`]);
  });
});

import { EventEmitter, once } from 'node:events';
import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { startWriters, truth, write, writeMany } from '../../client/integration/world.ts';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createRandom } from '../../support/random.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { expectList, openApp, startApp } from './react-page.ts';

describeWithTool('chromium', 'useSubscription', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  const positions = async (scope: Parameters<typeof truth>[1] = { deep: true }, after = 0) =>
    (await truth(database, scope, { after })).map(String);

  it('is one session and one subscription in StrictMode, and takes each event once', async () => {
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url, { scope: { unit: 'u1' } });
    await app.reached('status', 'active');
    await writeMany(database, 3, 'u1');
    await write(database, 'u2');
    await write(database, 'u1');
    await expectList(app, await positions({ unit: 'u1' }));
    expect(app.sessions).toEqual([{ requests: ['connect [{"unit":"u1"}]'], open: true }]);
    expect(app.complaints).toEqual([]);
  });

  it('with a snapshot shows the truth, though it is loaded and followed while others write', async () => {
    const writers = startWriters(database, createRandom(11));
    await until(async () => (await truth(database, { deep: true })).length > 50);
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url, { snapshot: true });
    await until(async () => (await app.list()).filter((each) => !each.startsWith('s')).length > 50);
    await writers.stop();
    const all = await positions();
    await until(async () => (await app.list()).at(-1) === all.at(-1));
    const shown = await app.list();
    expect(shown.map((each) => each.replace('s', ''))).toEqual(all);
    // Loaded ones first, then those that followed.
    expect(shown.findLastIndex((each) => each.startsWith('s'))).toBeLessThan(
      shown.findIndex((each) => !each.startsWith('s')),
    );
    expect((await app.lab()).loads).toEqual(['start']);
    expect(app.complaints).toEqual([]);
  });

  it('renders once for a batch: a replay of 400 events is a handful of renders', async () => {
    const server = await startApp(database, 'list');
    const app = await openApp(browser, server.url);
    await app.reached('connection', 'live');
    const before = (await app.lab()).commits;
    await server.close();
    await app.reached('connection', 'offline');
    await writeMany(database, 400, 'u1');
    await startApp(database, 'list', { port: Number(new URL(server.url).port) });
    await expectList(app, await positions());
    expect((await app.lab()).commits - before).toBeLessThanOrEqual(4);
  });

  it('begins anew when the scope changes, and shows nothing of the old one under the new', async () => {
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url, { scope: { unit: 'u1' } });
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['1']);
    await app.page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      const { document, MutationObserver } = globalThis as never as {
        document: { querySelector(id: string): { textContent: string } };
        MutationObserver: new (changed: () => void) => { observe(node: object, options: object): void };
      };
      const list = document.querySelector('#list');
      new MutationObserver(() => seen.push(list.textContent)).observe(list, {
        characterData: true,
        childList: true,
        subtree: true,
      });
    });
    await app.change({ scope: { unit: 'u2' } });
    await until(async () => (await app.text('status')) === 'active' && (await app.list()).length === 0);
    await write(database, 'u1');
    await write(database, 'u2');
    await expectList(app, ['3']);
    expect(await app.page.evaluate('seen')).toEqual(['', '3']);
    await app.change({ scope: null });
    await app.reached('status', 'waiting');
    await until(() => app.sessions[0]?.requests.length === 4);
    expect(app.sessions.map(({ requests }) => requests)).toEqual([
      [
        'connect [{"unit":"u1"}]',
        'unsubscribe {"unit":"u1"}',
        'subscribe {"unit":"u2"}',
        'unsubscribe {"unit":"u2"}',
      ],
    ]);
  });

  it('uses the latest reducer, without subscribing anew', async () => {
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url);
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['1']);
    await app.change({ mark: 'new-' });
    await write(database, 'u1');
    await expectList(app, ['1', 'new-2']);
    expect(app.sessions[0]?.requests).toEqual(['connect [{"deep":true}]']);
  });

  it('is taken off when its component is, and loads again when it comes back', async () => {
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url, { snapshot: true });
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['1']);
    await app.change({ mounted: false });
    await until(() => app.sessions[0]?.requests.at(-1) === 'unsubscribe {"deep":true}');
    await write(database, 'u1');
    await app.change({ mounted: true });
    await app.reached('status', 'active');
    await write(database, 'u1');
    await expectList(app, ['s1', 's2', '3']);
    expect((await app.lab()).loads).toEqual(['start', 'start']);
    expect(app.complaints).toEqual([]);
  });

  it('drops a load that is under way when its component goes: no state, no rejection', async () => {
    const server = await startApp(database, 'list');
    const held = new EventEmitter();
    const release = () => held.emit('released');
    server.hold = once(held, 'released');
    onTestFinished(() => void release());
    const app = await openApp(browser, server.url, { snapshot: true });
    await app.reached('status', 'loading');
    expect(await app.text('list')).toBe('nothing yet');
    await until(() => server.loads === 1);
    await app.change({ mounted: false });
    await until(async () => (await app.lab()).aborted === 1);
    release();
    await app.change({ mounted: true });
    await app.reached('status', 'active');
    expect(await app.list()).toEqual([]);
    expect(app.complaints).toEqual([]);
  });

  it('has failed when its reducer throws five times, and goes on with that event after a retry', async () => {
    const { url } = await startApp(database, 'list');
    const app = await openApp(browser, url, { throwsAt: 'bad' });
    await app.reached('status', 'active');
    await write(database, 'u1');
    await write(database, 'u1', 'bad');
    await write(database, 'u1');
    await app.reached('status', 'failed');
    expect(await app.text('error')).toBe('Error: cannot handle bad');
    expect(await app.list()).toEqual(['1']);
    await app.change({ throwsAt: '' });
    await app.page.evaluate('lab.retry()');
    await expectList(app, ['1', '2', '3']);
    await app.reached('status', 'active');
    expect(app.complaints.filter((each) => !each.startsWith('Commitcast: '))).toEqual([]);
    expect(app.complaints).toHaveLength(5);
  });
});

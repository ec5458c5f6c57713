import type { Browser } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { pauseConsumer, resumeConsumer } from '../../src/consumer/operate.ts';
import { append } from '../../src/log/append.ts';
import { holdCommits } from '../../src/testing/hold-commits.ts';
import { slowSocket } from '../../src/testing/slow-socket.ts';
import { launchBrowser } from '../support/browser.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { openOperator, startOperated } from './operator-view.ts';

const note = (data: unknown, org = 'acme') => ({ org, type: 'note', data });

describeWithTool('chromium', "the operator's page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it('says in one sentence that all is well, and shows figures that go on by themselves', async () => {
    const database = await createDatabase();
    const { url } = await startOperated(database);
    const client = await connectClient(url);
    await client.live();
    const view = await openOperator(browser, url);
    await view.says(/^Healthy: 1 instance, leader \S+, nothing held back$/);
    const tile = (name: string) => view.page.locator(`[data-tile="${name}"] .operator-value`);
    expect(await tile('Sessions').innerText()).toBe('1');
    await append(database.pool, [note(1), note(2), note(3)]);
    await tile('Head position').filter({ hasText: /^3$/ }).waitFor();
    await tile('Lag').filter({ hasText: '0 positions' }).waitFor();
    expect(await view.panel('rooms').innerText()).toContain('org:acme');
    expect(await view.panel('consumers').innerText()).toContain('None');
    expect(await view.panel('problems').innerText()).toContain('None was logged');
    // The chart begins with the samples of the answer, and has a sentence for who does not see it.
    const chart = view.panel('chart-rate').getByRole('img');
    await until(async () =>
      /over the last 5 minutes: now .+, at most [1-9]/.test((await chart.getAttribute('aria-label')) ?? ''),
    );
    expect(view.complaints).toEqual([]);
  });

  it('names pid and application of a commit that holds the stream back, until it no longer does', async () => {
    const database = await createDatabase();
    const { url } = await startOperated(database);
    const view = await openOperator(browser, url);
    await view.says('nothing held back');
    const writer = await database.connect();
    await writer.query(`set application_name = 'nightly-import'`);
    const { rows } = await writer.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid;
    const hold = await holdCommits(database.url, { type: 'held' });
    onTestFinished(() => hold.close());
    await writer.query('begin');
    await append(writer, { org: 'acme', type: 'held', data: null });
    // Open, and idle: it holds nothing back, and the page says so.
    const oldest = view.panel('oldest-writer');
    await oldest.filter({ hasText: `nightly-import (pid ${pid})` }).waitFor();
    expect(await oldest.innerText()).toContain('holds nothing back');
    await view.says('nothing held back');

    const committed = writer.query('commit');
    await hold.reached(1);
    await append(database.pool, [note(1), note(2)]);
    await view.says(`A commit of nightly-import (pid ${pid}) holds the stream back`);
    const row = await view.panel('holding').locator(`[data-row="${pid}"]`).innerText();
    expect(row).toContain('nightly-import');
    expect(row).toContain(`from pg_stat_activity where pid = ${pid}`);
    expect(await view.page.locator('[data-tile="Lag"]').innerText()).toMatch(/[1-9] positions/);

    await hold.close();
    await committed;
    await view.says('nothing held back');
    await view.panel('holding').getByText('Nothing. All that committed').waitFor();
    expect(view.complaints).toEqual([]);
  });

  it('tells of a consumer that stands still with the command to go on, of one that is paused, and of problems', async () => {
    const database = await createDatabase();
    const { url, app } = await startOperated(database);
    let mended = false;
    const consumers = ['billing', 'mail'].map((name) =>
      app.commitcast.consume({ name, maxAttempts: 1 }, async () => {
        if (name === 'billing' && !mended) throw new Error('patient kim has no address');
      }),
    );
    onTestFinished(async () => {
      await Promise.all(consumers.map((consumer) => consumer.stop()));
    });
    await until(async () => {
      await pauseConsumer(database.pool, 'mail');
      return true;
    });
    await append(database.pool, note({ name: 'patient kim' }));
    const view = await openOperator(browser, url);
    await view.says('Consumer billing stands still');
    await view.panel('health-others').getByText('Consumer mail is paused').waitFor();
    const billing = view.panel('consumers').locator('[data-row="billing/0"]');
    expect(await billing.innerText()).toContain('npx commitcast consumers resume billing');
    await view.panel('problems').getByText('a consumer stands still').waitFor();
    // What a handler says may be about the data of an event.
    expect(await view.page.content()).not.toContain('kim');

    mended = true;
    await resumeConsumer(database.pool, 'billing');
    await view.says('Healthy');
    await billing.getByText('runs', { exact: true }).waitFor();
    expect(view.complaints).toEqual([]);
  });

  it('names slow sessions, and shows replays from memory and from the database, and nothing of the events', async () => {
    const database = await createDatabase();
    const { url } = await startOperated(database);
    const client = await connectClient(url, { token: await signToken({ sub: 'user-7' }) });
    await client.live();
    const view = await openOperator(browser, url);
    await view.says('Healthy');
    const reading = slowSocket(client.socket);
    reading.pause();
    const rows = view.panel('slow-sessions').locator('[data-row]');
    await until(async () => {
      await append(
        database.pool,
        Array.from({ length: 10 }, () => note(`patient kim ${'x'.repeat(100_000)}`)),
      );
      return (await rows.count()) === 1;
    });
    expect(await rows.innerText()).toMatch(/user-7 of acme[^]+ (KiB|MiB)[^]+ s/);
    await view.panel('health-others').getByText('1 slow session').waitFor();
    reading.resume();
    await view.panel('slow-sessions').getByText('None: every session takes').waitFor();
    await view
      .panel('replays')
      .getByText(/events? replayed, .+ % of them from memory/)
      .waitFor();
    expect(await view.page.content()).not.toMatch(/kim|note|xxx/);
    expect(view.complaints).toEqual([]);
  });
});

import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { makeFolder, startCli } from '../support/cli.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase } from '../support/database.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { secret } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { openOperator, startOperated } from './operator-view.ts';

describeWithTool('chromium', "the operator's page when something fails", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it('lists both instances and marks the leader; one that is killed is silent, and then gone', async () => {
    const database = await createDatabase();
    const { url } = await startOperated(database, { adapter: 'postgres' });
    const folder = await makeFolder();
    const { child } = startCli(['serve'], {
      cwd: folder,
      env: { DATABASE_URL: database.url, JWT_SECRET: secret, PORT: '0', COMMITCAST_ADAPTER: 'postgres' },
    });
    const view = await openOperator(browser, url);
    await view.says('Healthy: 2 instances');
    const rows = view.panel('instances').locator('[data-row]');
    expect(await rows.count()).toBe(2);
    const texts = await rows.allInnerTexts();
    expect(texts.filter((text) => text.includes('leader'))).toEqual([
      expect.stringContaining(String(process.pid)),
    ]);
    expect(texts[1]).toContain(`(${child.pid})`);

    child.kill('SIGKILL');
    // As if ten seconds had passed: who is dead says nothing against it.
    await until(() => child.signalCode === 'SIGKILL');
    const age = (seconds: number) =>
      database.pool.query(
        `update commitcast.instance set seen_at = seen_at - make_interval(secs => $1) where pid = $2`,
        [seconds, child.pid],
      );
    await age(11);
    await view.says(`(${child.pid}) is silent`);
    await rows
      .filter({ hasText: String(child.pid) })
      .getByText('silent', { exact: true })
      .waitFor();
    await age(50);
    await view.says('Healthy: 1 instance');
    expect(await rows.count()).toBe(1);
  });

  it('says that the database is unreachable, and what is not known then; and recovers', async () => {
    const database = await createDatabase();
    const proxy = await startTcpProxy(database.url);
    const { url } = await startOperated(database, { databaseUrl: proxy.url });
    const view = await openOperator(browser, url);
    await view.says('Healthy');
    proxy.refuse(true);
    proxy.cut();
    await view.says('The database is unreachable');
    const text = await view.page.locator('.operator').innerText();
    expect(text).toContain('nothing is lost');
    expect(await view.panel('holding').innerText()).toContain('Not known');
    expect(await view.panel('consumers').innerText()).toContain('Not known');
    expect(await view.page.locator('[data-tile="Head position"]').innerText()).toContain('–');
    proxy.refuse(false);
    await view.says('Healthy');
    expect(view.complaints).toEqual([]);
  });

  it('keeps what it knows while the server is away, says how old it is, and goes on by itself', async () => {
    const database = await createDatabase();
    const first = await startOperated(database);
    const view = await openOperator(browser, first.url);
    await view.says('Healthy');
    await first.close();
    await view.says('The server does not answer');
    await view.page
      .getByTestId('freshness')
      .getByText(/^Last answer \d+ s ago$/)
      .waitFor();
    expect(await view.panel('instances').locator('[data-row]').count()).toBe(1);
    await startOperated(database, { port: Number(new URL(first.url).port) });
    await view.says('Healthy');
    await view.page.getByTestId('freshness').getByText('Up to date').waitFor();
  });

  it('shows what it does before the first answer', async () => {
    const { url } = await startOperated(await createDatabase());
    const view = await openOperator(browser, url);
    await view.page.route('**/v1/status', (route) => route.fulfill({ status: 503, body: 'starting' }));
    await view.page.reload();
    await view.panel('operator-waiting').getByText('it answers 503').waitFor();
    await view.page.unroute('**/v1/status');
    await view.says('Healthy');
  });

  it('asks nothing while it is hidden, and at once when it is shown again', async () => {
    const { url } = await startOperated(await createDatabase());
    const view = await openOperator(browser, url);
    await view.says('Healthy');
    let asked = 0;
    view.page.on('request', (request) => {
      if (request.url().endsWith('/v1/status')) asked += 1;
    });
    await until(() => asked > 1);
    await view.show('hidden');
    const before = asked;
    // Its clock goes on, and says how long nothing was asked: longer than it would take.
    await view.page
      .getByTestId('freshness')
      .getByText(/^Last answer ([6-9]|\d\d) s ago$/)
      .waitFor();
    expect(asked).toBe(before);
    await view.show('visible');
    await view.page.getByTestId('freshness').getByText('Up to date').waitFor();
    expect(asked).toBeGreaterThan(before);
  });
});

import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase } from '../support/database.ts';
import type { TestServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { openOperator, startOperated, type OperatorView } from './operator-view.ts';

const paste = async ({ page }: OperatorView, token: string) => {
  await page.getByTestId('operator-token').fill(token);
  await page.getByRole('button', { name: 'Show the installation' }).click();
};

describeWithTool('chromium', "access to the operator's page", () => {
  let browser: Browser;
  let server: TestServer;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    server = await startOperated(await createDatabase());
  });

  /** By a name that is none of this machine's own, so that the server takes the browser for one from elsewhere. */
  const openFromElsewhere = () =>
    openOperator(browser, server.url.replace('127.0.0.1', 'operator.localhost'));

  it('on this machine no token is needed', async () => {
    const view = await openOperator(browser, server.url);
    await view.says('Healthy');
    expect(await view.page.getByText('Forget the admin token').count()).toBe(0);
  });

  it('from elsewhere the page shows nothing, and says how to get in', async () => {
    const view = await openFromElsewhere();
    const panel = view.panel('operator-access');
    await panel.getByText('npx commitcast token --org acme --role admin').waitFor();
    expect(await view.page.getByTestId('tiles').count()).toBe(0);
    expect(await view.page.getByTestId('operator-refusal').count()).toBe(0);
  });

  it('says why a token is refused, and takes another', async () => {
    const view = await openFromElsewhere();
    const refusal = view.page.getByTestId('operator-refusal');
    await paste(view, await signToken({ role: 'member' }));
    await refusal.filter({ hasText: 'its role is not admin' }).waitFor();
    await paste(view, await signToken({ role: 'admin' }, { ttlSeconds: -60 }));
    await refusal.filter({ hasText: 'TOKEN_EXPIRED' }).waitFor();
    await paste(view, await signToken({ role: 'admin' }));
    await view.says('Healthy');
  });

  it('keeps an admin token in the tab only, over a reload, until it is forgotten', async () => {
    const view = await openFromElsewhere();
    const token = await signToken({ role: 'admin' });
    await paste(view, token);
    await view.says('Healthy');
    await view.page.reload();
    await view.says('Healthy');
    expect(
      await view.page.evaluate<string>('JSON.stringify({ ...localStorage }) + document.cookie'),
    ).not.toContain(token);
    const other = await view.page.context().newPage();
    await other.goto(view.page.url());
    await other.getByTestId('operator-access').waitFor();

    await view.page.getByRole('button', { name: 'Forget the admin token' }).click();
    await view.panel('operator-access').waitFor();
    expect(await view.page.evaluate<string>('JSON.stringify({ ...sessionStorage })')).not.toContain(token);
  });

  it('shows nothing more when the access ends while it is open', async () => {
    const view = await openFromElsewhere();
    await paste(view, await signToken({ role: 'admin' }, { ttlSeconds: 3 }));
    await view.says('Healthy');
    await view.panel('operator-access').waitFor();
    await view.page.getByTestId('operator-refusal').filter({ hasText: 'TOKEN_EXPIRED' }).waitFor();
    expect(await view.page.getByTestId('instances').count()).toBe(0);
  });
});

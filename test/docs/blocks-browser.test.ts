import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase } from '../support/database.ts';
import { docBlock } from '../support/doc-blocks.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

describeWithTool('chromium', 'the EventSource of docs/any-client.md', () => {
  it('shows events of its subscriptions, and ends where it is told not to come back', async () => {
    const database = await createDatabase();
    const code = docBlock('docs/any-client.md', 'js', 'const query');
    const page = `<!doctype html><script type="module">
      const token = ${JSON.stringify(await signToken({ sub: 'kim', org_id: 'acme' }))};
      window.shown = [];
      const show = ({ type }) => shown.push(type);
      const reload = () => {};
      ${code}
      window.source = source;
    </script>`;
    const { url } = await startServer(database, {
      setUp: (app) => void app.get('/page', (_request, reply) => reply.type('text/html').send(page)),
    });
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    await tab.goto(`${url}/page`);
    await until(() => tab.evaluate('window.source?.readyState === 1'));
    const write = (event: object) =>
      append(database.pool, { org: 'acme', type: 'other', data: null, ...event });
    await write({ unit: 'truck-8' });
    await write({ unit: 'truck-7', type: 'unit' });
    await write({ site: 'oslo', type: 'site' });
    await until(() => tab.evaluate('window.shown.length === 2'));
    expect(await tab.evaluate('window.shown')).toEqual(['unit', 'site']);
    await database.pool.query(`select commitcast.revoke('acme', 'kim')`);
    await until(() => tab.evaluate('window.source.readyState === 2'));
  });
});

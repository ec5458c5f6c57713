import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { launchBrowser } from '../../support/browser.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestServer } from '../../support/server.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { proxyTo, startSite } from './site.ts';
import { expectExactly, note, openTab, timeToLive } from './tab.ts';
import { committed, keepWriting } from './writers.ts';

const transports = ({ app }: TestServer) =>
  [...app.commitcast.io.of('/').sockets.values()].map(({ conn }) => conn.transport.name);

/** A proxy that forwards requests, and knows nothing of WebSockets. */
async function startFront(target: URL) {
  let upgrades = 0;
  const front = createServer((incoming, outgoing) => {
    const { upgrade, connection: _, ...headers } = incoming.headers;
    if (upgrade !== undefined) upgrades++;
    const { url: path, method } = incoming;
    const forwarded = request({ host: target.hostname, port: target.port, path, method, headers });
    forwarded.on('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await until(() => front.listening);
  onTestFinished(() => {
    front.close();
    front.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    cut: () => front.closeAllConnections(),
    upgrades: () => upgrades,
  };
}

describeWithTool('chromium', 'a page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  it('falls back to long polling where WebSockets do not get through', async () => {
    const database = await createDatabase();
    const site = await startSite(database);
    const front = await startFront(new URL(site.url));
    const tab = await openTab(browser, front.url, { workMs: 1 });
    await tab.live();
    const writing = keepWriting(database);
    for (let n = 0; n < 5; n++) {
      await tab.grown(20);
      const cut = Date.now();
      // A browser asks again by itself when a poll is cut: what the server had answered must not be lost with it.
      await until(async () => {
        front.cut();
        return (await tab.states()).some(({ state, at }) => state.name === 'offline' && at >= cut);
      });
      note('long polling that was cut', await timeToLive(tab, cut));
    }
    await tab.page.reload();
    await tab.grown(20);
    expect(new Set(transports(site))).toEqual(new Set(['polling']));
    expect(front.upgrades()).toBeGreaterThan(0);
    await writing.stop();
    await expectExactly(tab, database);
    expect(await tab.errors()).toEqual([]);
  });

  it('of another origin, opened before its server is up, is live when that is up', async () => {
    const database = await createDatabase();
    const site = await startSite(database, { corsOrigin: ['*'] });
    const proxy = await proxyTo(site);
    proxy.refuse(true);
    const tab = await openTab(browser, site.url, { url: proxy.url });
    await until(async () => (await tab.names()).filter((name) => name === 'offline').length >= 3);
    proxy.refuse(false);
    note('a server that is up at last', await timeToLive(tab, Date.now()));
    expect(transports(site)).toEqual(['websocket']);
    const writing = keepWriting(database);
    await tab.grown(20);
    proxy.cut();
    await committed(database, 30);
    await writing.stop();
    await expectExactly(tab, database);
    expect(await tab.errors()).toEqual([]);
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import type { FastifyInstance } from 'fastify';
import cors from '@fastify/cors';
import { append } from '../../src/log/append.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

interface Seen {
  positions: number[];
  names: string[];
  state: number;
}

/** An origin of the page's own, so that the stream crosses origins. */
async function startPage(): Promise<string> {
  const server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>EventSource</title>');
  }).listen(0, '127.0.0.1');
  await until(() => server.listening);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a page does that knows nothing of us but the names of the events. */
const listen = (address: string) => {
  const source = new EventSource(address);
  const seen: Seen = { positions: [], names: [], state: 0 };
  source.addEventListener('events', (message) => {
    const { data } = message as unknown as { data: string };
    const { events } = JSON.parse(data) as { events: { position: number }[] };
    seen.positions.push(...events.map(({ position }) => position));
  });
  for (const name of ['live', 'reset', 'close', 'revoked', 'token-expiring']) {
    source.addEventListener(name, () => seen.names.push(name));
  }
  source.addEventListener('error', () => {
    seen.state = source.readyState;
  });
  Object.assign(globalThis, { seen });
};

const seenBy = (page: Page): Promise<Seen> =>
  page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);

describeWithTool('chromium', 'EventSource of a browser', () => {
  it('connects again by itself over a restart of the server, and has the exact history', async () => {
    const database = await createDatabase();
    const origin = await startPage();
    const setUp = (app: FastifyInstance) => void app.register(cors, { origin });
    const first = await startServer(database, { setUp });
    const port = Number(new URL(first.url).port);
    const write = (count: number) =>
      append(
        database.pool,
        Array.from({ length: count }, (_, n) => ({ org: 'acme', unit: 'u1', type: 'event', data: n })),
      );
    const page = await (await launchBrowser()).newPage();
    await page.goto(origin);
    const subscription = encodeURIComponent('{"unit":"u1"}');
    const query = `subscription=${subscription}&access_token=${await signToken()}`;
    await page.evaluate(listen, `${first.url}/v1/events/stream?${query}`);
    await until(async () => (await seenBy(page)).names.includes('live'));
    await write(50);
    await until(async () => (await seenBy(page)).positions.length === 50);
    await first.close();
    await write(50);
    await startServer(database, { port, setUp });
    await until(async () => (await seenBy(page)).names.filter((name) => name === 'live').length === 2);
    await write(50);
    await until(async () => (await seenBy(page)).positions.length >= 150);
    const { positions, names } = await seenBy(page);
    expect(positions).toEqual(Array.from({ length: 150 }, (_, n) => n + 1));
    expect(names).toEqual(['live', 'close', 'live']);
  });

  it('comes back by itself when it was refused for a reason that passes', async () => {
    const database = await createDatabase();
    const origin = await startPage();
    let asked = 0;
    const server = await startServer(database, {
      setUp: (app) => void app.register(cors, { origin }),
      getUserPrimaryOrganization: () =>
        asked++ === 0 ? Promise.reject(new Error('away')) : Promise.resolve({ organizationId: 'acme' }),
    });
    const page = await (await launchBrowser()).newPage();
    await page.goto(origin);
    const token = await signToken({ org_id: undefined });
    await page.evaluate(listen, `${server.url}/v1/events/stream?access_token=${token}`);
    await until(async () => (await seenBy(page)).names.includes('live'));
    expect((await seenBy(page)).names).toEqual(['close', 'live']);
  });

  it('stops for good when its token has ended', async () => {
    const database = await createDatabase();
    const origin = await startPage();
    const server = await startServer(database, {
      setUp: (app) => void app.register(cors, { origin }),
    });
    const page = await (await launchBrowser()).newPage();
    await page.goto(origin);
    const token = await signToken({}, { ttlSeconds: 0 });
    await page.evaluate(listen, `${server.url}/v1/events/stream?access_token=${token}`);
    await until(async () => (await seenBy(page)).names.includes('close'));
    // 2: CLOSED.
    await until(async () => (await seenBy(page)).state === 2);
    expect((await seenBy(page)).names).toEqual(['live', 'token-expiring', 'close']);
  });
});

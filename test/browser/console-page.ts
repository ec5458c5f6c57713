import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { sleep } from '../../src/core/sleep.ts';
import { publishRoute } from '../../src/demo/publish-route.ts';
import { consoleRoutes, type ConsoleOptions } from '../../src/http/console.ts';
import { append } from '../../src/log/append.ts';
import type { TestDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

/** The org that the page shows, and one whose events it must never get. */
export const shown = 'demo-shown';
export const other = 'demo-other';

/** As `serve --demo`: the plugin, the page, tokens for it, and what it publishes by; but nobody writes by itself. */
export function startConsole(
  database: TestDatabase,
  { port = 0, demoOrgs = () => tokens() }: ConsoleOptions & { port?: number } = {},
): Promise<TestServer> {
  return startServer(database, {
    port,
    setUp: (app) => {
      publishRoute(app, { db: database.pool, identity: { jwt: { secret } } });
      consoleRoutes(app, { demoOrgs });
    },
  });
}

export function tokens(ttlSeconds = 3_600) {
  return Promise.all(
    [shown, other].map(async (id) => ({
      id,
      name: id,
      token: await signToken({ org_id: id }, { ttlSeconds }),
    })),
  );
}

export interface ConsolePage {
  readonly page: Page;
  /** What the browser complained of: scripts that failed, what the Content-Security-Policy refused. */
  readonly complaints: string[];
  /** Positions in the list, rising from the bottom up. */
  positions(): Promise<number[]>;
  replayed(): Promise<number[]>;
  counter(name: string): Promise<string>;
  reached(state: 'live' | 'offline' | 'denied'): Promise<void>;
  /** Ends the page's connection for five seconds; returns when the page knows. */
  cut(): Promise<void>;
}

/** The page in a tab of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  { initScript = '', ...options }: BrowserContextOptions & { initScript?: string } = {},
): Promise<ConsolePage> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  if (initScript !== '') await context.addInitScript(initScript);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  const positionsOf = (selector: string) =>
    page.evaluate<number[]>(
      `[...document.querySelectorAll('[data-testid="rows"] ${selector}')].map((row) => Number(row.dataset.position)).reverse()`,
    );
  const reached = (state: string) =>
    page.locator(`[data-testid="connection-state"][data-state="${state}"]`).waitFor();
  return {
    page,
    complaints,
    positions: () => positionsOf('[data-position]'),
    replayed: () => positionsOf('[data-replayed]'),
    counter: (name) => page.getByTestId(`counter-${name}`).innerText(),
    reached,
    async cut() {
      await page.getByTestId('cut').click();
      await page.getByTestId('cut-5').click();
      await reached('offline');
    },
  };
}

/** Positions of the log of an org; what its `deep` subscribers are to get. */
export async function logOf(database: TestDatabase, org = shown, where = 'true'): Promise<number[]> {
  const { rows } = await database.pool.query<{ position: string }>(
    `select position from commitcast.log where org_id = $1 and not control and ${where} order by position`,
    [org],
  );
  return rows.map(({ position }) => Number(position));
}

/** Resolves when the page lists exactly the log. */
export async function showsLog(view: ConsolePage, database: TestDatabase): Promise<void> {
  await until(async () => JSON.stringify(await view.positions()) === JSON.stringify(await logOf(database)), {
    message: 'the list of the page to be the log',
  });
}

export async function commit(database: TestDatabase, ...events: NewEvent[]): Promise<void> {
  await transaction(database, events, 'commit');
}

/**
 * Both orgs write, and roll back, until the test ends or stops them: slowly, because the list of the page is bounded and
 * is to be compared with the whole log.
 */
export function keepWriting(database: TestDatabase): { stop: () => Promise<void> } {
  const stopped = new AbortController();
  const write = async (org: string, pauseMs: number) => {
    for (let n = 1; !stopped.signal.aborted; n++) {
      const event = { org, site: 'pier', unit: `truck-${n % 3}`, type: 'door.opened', data: { n } };
      await transaction(database, [event], n % 5 === 0 ? 'rollback' : 'commit');
      await sleep(pauseMs, stopped.signal);
    }
  };
  const writers = Promise.all([write(shown, 90), write(shown, 130), write(other, 110)]);
  const stop = async () => {
    stopped.abort();
    await writers;
  };
  onTestFinished(stop);
  return { stop };
}

async function transaction(database: TestDatabase, events: NewEvent[], end: 'commit' | 'rollback') {
  const client = await database.pool.connect();
  try {
    await client.query('begin');
    await append(client, events);
    await client.query(end);
  } finally {
    client.release();
  }
}

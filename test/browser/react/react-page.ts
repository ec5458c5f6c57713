import type { FastifyInstance } from 'fastify';
import type { Browser, Page, WebSocket } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { build, type Rolldown } from 'vite';
import { snapshot } from '../../../src/log/snapshot.ts';
import type { TestDatabase } from '../../support/database.ts';
import { startServer, type TestServer, type TestServerOptions } from '../../support/server.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import type { Config, Lab } from './apps/lab.ts';

const apps = new URL('apps/', import.meta.url).pathname;
/** Of another version of React, to run these tests with: a folder with `react` and `react-dom`, as `npm i react@18` makes it. */
const react = process.env['TEST_REACT'];
const otherReact = react ? { react: `${react}/react`, 'react-dom': `${react}/react-dom` } : {};

const bundles = new Map<string, Promise<string>>();

export interface BundleOptions {
  /** Module → where it is instead. */
  alias?: Record<string, string>;
}

/** One script of an application, from the sources, in React's development mode: the one in which StrictMode checks. */
export function bundle(entry: string, { alias = {} }: BundleOptions = {}): Promise<string> {
  const known = bundles.get(entry);
  if (known) return known;
  const built = build({
    root: apps,
    configFile: false,
    logLevel: 'error',
    mode: 'development',
    resolve: { alias: { ...otherReact, ...alias } },
    define: { 'process.env.NODE_ENV': '"development"' },
    build: { write: false, minify: false, rolldownOptions: { input: entry } },
  }).then((output) => {
    const [{ code }] = (output as Rolldown.RolldownOutput).output;
    return code;
  });
  bundles.set(entry, built);
  return built;
}

export interface AppServer extends TestServer {
  /** Loads of the list begun; each waits while this is set. */
  hold: Promise<unknown> | undefined;
  loads: number;
}

/** The plugin, the page of an application, and `/snapshot`: all positions of the log that the org has. */
export async function startApp(
  database: TestDatabase,
  name: string,
  options: TestServerOptions = {},
): Promise<AppServer> {
  const script = await bundle(`${apps}${name}.tsx`);
  const state: Pick<AppServer, 'hold' | 'loads'> = { hold: undefined, loads: 0 };
  const setUp = (app: FastifyInstance) => {
    const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script type="module" src="/app.js"></script>`;
    app.get('/app', (_request, reply) => reply.type('text/html').send(page));
    app.get('/app.js', (_request, reply) => reply.type('text/javascript').send(script));
    app.get('/snapshot', async () => {
      state.loads += 1;
      await state.hold;
      return snapshot(database.pool, async (tx, cursor) => {
        const { rows } = await tx.query<{ position: string }>(
          `select position from commitcast.log where org_id = 'acme' and not control order by position`,
        );
        return { state: rows.map(({ position }) => `s${position}`), cursor };
      });
    });
  };
  const server = await startServer(database, { setUp, ...options });
  return Object.assign(state, server);
}

export interface AppPage {
  readonly page: Page;
  /** What the browser complained of: exceptions, rejections, React's warnings. */
  readonly complaints: string[];
  /** Sessions that were opened, each with the names of the requests that it has sent. */
  readonly sessions: { requests: string[]; open: boolean }[];
  /** Text of an output. */
  text(id: string): Promise<string>;
  reached(id: string, text: string): Promise<void>;
  change(config: Partial<Config>): Promise<void>;
  lab(): Promise<Lab>;
  /** The list, as it is shown. */
  list(): Promise<string[]>;
}

export async function openApp(browser: Browser, url: string, config: Partial<Config> = {}): Promise<AppPage> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const token = config.token ?? (await signToken());
  await page.addInitScript(`globalThis.config = ${JSON.stringify({ ...config, token })}`);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  const sessions: AppPage['sessions'] = [];
  page.on('websocket', (socket) => sessions.push(watch(socket)));
  await page.goto(`${url}/app`);
  const text = (id: string) => page.locator(`#${id}`).innerText();
  return {
    page,
    complaints,
    sessions,
    text,
    async reached(id, wanted) {
      await until(async () => (await text(id)) === wanted, { message: `${id}: ${wanted}` });
    },
    change: (change) =>
      page.evaluate((next) => (globalThis as unknown as { lab: Lab }).lab.change(next), change),
    lab: () => page.evaluate(() => ({ ...(globalThis as unknown as { lab: Lab }).lab })),
    async list() {
      const shown = await text('list');
      return shown === '' ? [] : shown.split(' ');
    },
  };
}

/** Requests as Socket.IO sends them: `42["subscribe", …]`, with or without the number of an acknowledgement. */
function watch(socket: WebSocket): AppPage['sessions'][number] {
  const session = { requests: [] as string[], open: true };
  socket.on('framesent', ({ payload }) => {
    const [, name, argument] = /^42\d*\["([\w-]+)",?(.*?)\]?$/.exec(payload.toString()) ?? [];
    const handshake = /^40(\{.*)$/.exec(payload.toString())?.[1];
    if (name !== undefined) session.requests.push(`${name} ${argument}`);
    if (handshake !== undefined)
      session.requests.push(
        `connect ${JSON.stringify((JSON.parse(handshake) as { subscriptions?: unknown }).subscriptions)}`,
      );
  });
  socket.on('close', () => {
    session.open = false;
  });
  return session;
}

/** Waits for the last of a list, then compares all of it. */
export async function expectList(app: AppPage, expected: readonly string[]): Promise<void> {
  await until(async () => (await app.list()).at(-1) === expected.at(-1), { message: `${expected.at(-1)}` });
  expect(await app.list()).toEqual(expected);
}

import type { FastifyInstance } from 'fastify';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { onTestFinished } from 'vitest';
import type { Subscription } from '../../../src/client/index.ts';
import type { CommitcastEvent } from '../../../src/core/event.ts';
import { sees } from '../../../src/core/sees.ts';
import { snapshot } from '../../../src/log/snapshot.ts';
import { readWholeLog } from '../../../src/testing/read-whole-log.ts';
import { startTcpProxy, type TcpProxy } from '../../../src/testing/tcp-proxy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { startServer, type TestServer, type TestServerOptions } from '../../support/server.ts';
import { signToken } from '../../support/tokens.ts';

const folder = fileURLToPath(new URL('app', import.meta.url));

let bundled: Promise<Map<string, string>> | undefined;

/** Both pages, as an application's bundler makes them; React's development build, for its `StrictMode`. */
async function bundle(): Promise<Map<string, string>> {
  const built = await build({
    root: folder,
    configFile: false,
    logLevel: 'warn',
    mode: 'development',
    define: { 'process.env.NODE_ENV': '"development"' },
    build: {
      write: false,
      minify: false,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: { live: `${folder}/live.ts`, react: `${folder}/react.ts` },
        output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
      },
    },
  });
  if (!('output' in built)) throw new Error('Vite watches instead of building');
  return new Map(built.output.map((file) => [file.fileName, 'code' in file ? file.code : '']));
}

export interface SiteOptions extends TestServerOptions {
  /** Answers `/token`. Default: a token of an hour for `user-1` of `acme`. */
  token?: () => Promise<string>;
  /** Of Socket.IO's heartbeat. Default: its own. */
  pingMs?: number;
}

/** The server with the pages of `app/`, from the same origin. */
export async function startSite(database: TestDatabase, options: SiteOptions = {}): Promise<TestServer> {
  const { token = () => signToken(), pingMs, ...rest } = options;
  bundled ??= bundle();
  const files = await bundled;
  return startServer(database, {
    ...rest,
    setUp: (app) => {
      routes(app, database, files, token);
      const { engine } = app.commitcast.io;
      if (pingMs !== undefined) Object.assign(engine.opts, { pingInterval: pingMs, pingTimeout: pingMs });
    },
  });
}

/** The network between the browser and the server. */
export async function proxyTo({ url }: TestServer): Promise<TcpProxy> {
  const proxy = await startTcpProxy(url);
  onTestFinished(() => proxy.close());
  return proxy;
}

export function portOf({ url }: TestServer): number {
  return Number(new URL(url).port);
}

export function socketsOf({ app }: TestServer): number {
  return app.commitcast.io.of('/').sockets.size;
}

function routes(
  app: FastifyInstance,
  database: TestDatabase,
  files: ReadonlyMap<string, string>,
  token: () => Promise<string>,
): void {
  for (const [name, code] of files)
    app.get(`/${name}`, (_, reply) => reply.type('text/javascript').send(code));
  for (const name of ['live', 'react'])
    app.get(`/${name}`, (_, reply) =>
      reply
        .type('text/html')
        .send(`<!doctype html><div id="list"></div><script type="module" src="/${name}.js"></script>`),
    );
  app.get('/elsewhere', (_, reply) => reply.type('text/html').send('<!doctype html>Another page'));
  app.get('/token', token);
  app.get<{ Querystring: { scope: string } }>('/snapshot', (request) => {
    const scope = JSON.parse(request.query.scope) as Subscription;
    return snapshot(database.pool, async (tx, cursor) => ({
      state: shownOf(await readWholeLog(tx), scope).map(({ position }) => position),
      cursor,
    }));
  });
}

export function shownOf(
  log: readonly CommitcastEvent[],
  scope: Subscription,
): { position: number; id: string }[] {
  return log
    .filter((event) => event.org === 'acme' && sees(scope, event))
    .map(({ position, id }) => ({ position, id }));
}

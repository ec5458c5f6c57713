import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { localNames } from './operator-access.ts';

/** An org that the page may look at, with a token for it. Only the demo hands out tokens. */
export interface ConsoleOrg {
  id: string;
  name: string;
  token: string;
  /** What there is to see in it, so that the page need not wait for the first event of each unit. */
  sites?: readonly object[];
}

export interface ConsoleOptions {
  /** Makes tokens for the page; absent: the page asks for one. */
  demoOrgs?: (() => Promise<ConsoleOrg[]>) | undefined;
}

/** The same folder beside `src/http` and `dist/http`. */
const folder = new URL('../console/', import.meta.url);

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

const headers = {
  'content-security-policy':
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** The page at `/`, and what it starts with. */
export function consoleRoutes(app: FastifyInstance, { demoOrgs }: ConsoleOptions): void {
  for (const file of readdirSync(folder)) {
    const type = types[extname(file)];
    if (!type) continue;
    app.get(file === 'index.html' ? '/' : `/${file}`, { logLevel: 'warn' }, async (_request, reply) =>
      reply
        .headers(headers)
        .type(type)
        .send(await readFile(new URL(file, folder))),
    );
  }
  app.get('/console/session', { logLevel: 'warn' }, async (request, reply) => {
    void reply.header('cache-control', 'no-store');
    const local = localNames.has(request.hostname);
    return { demo: demoOrgs !== undefined, orgs: demoOrgs && local ? await demoOrgs() : [] };
  });
}

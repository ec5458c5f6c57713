import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { localNames } from './operator-access.ts';
import { pageHeaders } from './security-headers.ts';

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

/** What `vite build` makes of `src/console`: beside `dist/http`, also for those who run the sources. */
const folder = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/console/' : '../console/',
  import.meta.url,
);

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** The page at `/`, and what it starts with. */
export function consoleRoutes(app: FastifyInstance, { demoOrgs }: ConsoleOptions): void {
  const page = new URL('index.html', folder);
  if (!existsSync(page))
    throw new Error('The page is not built: dist/console/index.html is missing. Run `npm run build`.');
  app.get('/', { logLevel: 'warn' }, async (request, reply) =>
    reply
      .headers({ ...pageHeaders(request.headers.host), 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(await readFile(page)),
  );
  // Their names change with their content; and nothing that is no plain name reaches the file system.
  app.get<{ Params: { file: string } }>('/assets/:file', { logLevel: 'warn' }, async (request, reply) => {
    const { file } = request.params;
    const type = types[extname(file)];
    const content =
      type !== undefined && /^[\w-][\w.-]*$/.test(file)
        ? await readFile(new URL(`assets/${file}`, folder)).catch(() => undefined)
        : undefined;
    if (type === undefined || content === undefined) return reply.callNotFound();
    return reply.header('cache-control', 'public, max-age=31536000, immutable').type(type).send(content);
  });
  app.get('/console/session', { logLevel: 'warn' }, async (request, reply) => {
    void reply.header('cache-control', 'no-store');
    const local = localNames.has(request.hostname);
    return { demo: demoOrgs !== undefined, orgs: demoOrgs && local ? await demoOrgs() : [] };
  });
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { build, preview } from 'vite';
import { append } from '../../src/log/append.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { folderWith, Guide, root, startGuideServer } from './guide-page.ts';

const run = promisify(execFile);
const guide = new Guide('react.md');
const fastify = new Guide('fastify.md');
const files = Object.fromEntries(
  guide.blocks.filter(({ name }) => name !== '').map(({ name, content }) => [name, content]),
);
const tsconfig = (include: string[]) =>
  JSON.stringify({
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { lib: ['es2023', 'dom', 'dom.iterable'], jsx: 'react-jsx' },
    include,
  });

it('every file compiles as printed, against the built package', async () => {
  const names = Object.keys(files).filter((name) => /\.tsx?$/.test(name));
  expect(names).toEqual(['events.ts', 'main.tsx', 'trucks.tsx', 'news.tsx', 'vite.config.ts']);
  const folder = await folderWith({ ...files, 'tsconfig.json': tsconfig(names) });
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const said = await run(process.execPath, [compiler, '-p', folder]).catch((error: object) => error);
  expect(said).toMatchObject({ stdout: '' });
  expect(said).not.toHaveProperty('code');
});

it('the packages that are installed are those that the files import', () => {
  const imports = Object.values(files).flatMap((content) => [...content.matchAll(/from '([^'.]+)'/g)]);
  const names = imports.map(([, name = '']) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
  const installed = guide.commands('npm install').flatMap((line) => line.split(' ').slice(2));
  expect(new Set(installed.filter((name) => !name.startsWith('--')))).toEqual(new Set(names));
});

it('on a server the initial state is rendered; server components cannot import the hooks', async () => {
  const render = `
    import { renderToString } from 'react-dom/server';
    import { CommitcastProvider } from 'commitcast/react';
    import { News } from './news.tsx';
    import { Trucks } from './trucks.tsx';
    const token = () => Promise.reject(new Error('asked for a token on the server'));
    const list = <CommitcastProvider token={token}><Trucks /></CommitcastProvider>;
    console.log(renderToString(list), renderToString(<News org="acme" token={token} />));`;
  const folder = await folderWith({
    ...files,
    'render.tsx': render,
    'server.mjs': `import 'commitcast/react';`,
    'tsconfig.json': tsconfig(['*.tsx']),
  });
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'render.tsx'], { cwd: folder });
  expect(stdout).toBe('<p>Loading</p> <output title="waiting">0<!-- --> since you looked</output>\n');
  await run(process.execPath, ['server.mjs'], { cwd: folder });
  const component = run(process.execPath, ['--conditions=react-server', 'server.mjs'], { cwd: folder });
  await expect(component).rejects.toThrow('createContext');
});

/** The pages as Vite builds them; whatever is the server's is handed on as the page says. */
async function serve(folder: string, target: string): Promise<string> {
  vi.stubEnv('API', target);
  onTestFinished(() => void vi.unstubAllEnvs());
  const config = { root: folder, configFile: join(folder, 'vite.config.ts'), logLevel: 'error' } as const;
  await build({ ...config, mode: 'development', build: { minify: false } });
  const site = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } });
  onTestFinished(() => site.close());
  return site.resolvedUrls?.local[0] ?? '';
}

const shown = (tab: Page) => tab.locator('li').allTextContents();
const shows = (tab: Page, ...doors: string[]) => {
  const wanted = doors.map((door, n) => `truck-${n + 7} ${door}`).join();
  return until(async () => (await shown(tab)).join() === wanted, { message: wanted });
};

const drive = (database: TestDatabase, door: string) =>
  database.pool.query(
    `with changed as (update truck set door = '${door}' where id = 'truck-7' returning id, door)
     insert into commitcast.outbox (org_id, unit_id, type, data)
     select 'acme', id, 'door.changed', jsonb_build_object('door', door) from changed`,
  );

describeWithTool('chromium', 'the application', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
    return () => browser.close();
  });

  async function openContext(): Promise<BrowserContext> {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    return context;
  }

  async function startApplication() {
    const database = await createDatabase();
    await database.pool.query(fastify.block('app.sql'));
    const server = ['server.mjs', 'index.html'].map((name) => [name, fastify.block(name)]);
    const { url } = await startGuideServer(await folderWith(Object.fromEntries(server)), database);
    const site = await serve(await folderWith(files), url);
    const context = await openContext();
    const tab = await context.newPage();
    // At the server itself, as the page says: of another origin, and the same site.
    const signIn = () =>
      context.request.post(`${url}/sign-in`, { data: { person: 'kim', password: 'correct horse' } });
    return { database, site, context, tab, signIn };
  }

  it('says who is signed out, tries a list again that cannot be had, and is live after that', async () => {
    const { database, site, tab, signIn } = await startApplication();
    await tab.goto(site);
    await tab.getByRole('button', { name: 'Signed out' }).waitFor();
    await signIn();
    await tab.route('**/trucks', (route) => route.fulfill({ status: 502 }));
    await tab.getByRole('button', { name: 'Signed out' }).click();
    await tab.getByRole('button', { name: 'The list cannot be had (502)' }).waitFor();
    await tab.unroute('**/trucks');
    await tab.getByRole('button').click();
    await tab.locator('ul[title="active, live"]').waitFor();
    await shows(tab, 'shut', 'shut');
    await drive(database, 'open');
    await shows(tab, 'open', 'shut');
    await tab.reload();
    await shows(tab, 'open', 'shut');
  });

  it('shows a change at once, takes it back when it fails, and is led by the events when it has come', async () => {
    const { database, site, tab, signIn } = await startApplication();
    await signIn();
    await tab.goto(site);
    await shows(tab, 'shut', 'shut');
    const requests: (() => void)[] = [];
    await tab.route('**/trucks/*', async (route) => {
      await new Promise<void>((resolve) => requests.push(resolve));
      await route.continue();
    });
    await tab.locator('li').first().click();
    await shows(tab, 'open', 'shut');
    await until(() => requests.length === 1);
    // The answer is not there yet, and what others say comes before what was asked for.
    await drive(database, 'ajar');
    await append(database.pool, {
      org: 'acme',
      unit: 'truck-8',
      type: 'door.changed',
      data: { door: 'ajar' },
    });
    await shows(tab, 'open', 'ajar');
    requests[0]?.();
    const door = async () => (await database.pool.query(`select door from truck where id = 'truck-7'`)).rows;
    await until(async () => JSON.stringify(await door()).includes('open'));
    await drive(database, 'ajar again');
    await shows(tab, 'ajar again', 'ajar');

    // One that is refused: the door is as it was.
    await database.pool.query(`alter table truck add check (door <> 'open')`);
    await tab.locator('li').first().click();
    await shows(tab, 'open', 'ajar');
    await until(() => requests.length === 2);
    requests[1]?.();
    await shows(tab, 'ajar again', 'ajar');
  });

  it('P4: with another org a page connects anew, and begins anew', async () => {
    const database = await createDatabase();
    await database.pool.query(
      `insert into commitcast.membership (user_id, org_id) values ('kim', 'acme'), ('kim', 'rival')`,
    );
    const { url } = await startServer(database);
    const main = `
      import { useState } from 'react';
      import { createRoot } from 'react-dom/client';
      import { News } from './news.tsx';
      const token = () => Promise.resolve(localStorage.token);
      function Page() {
        const [org, setOrg] = useState('acme');
        return <div onClick={() => setOrg('rival')}><News org={org} token={token} /></div>;
      }
      createRoot(document.body.appendChild(document.createElement('div'))).render(<Page />);`;
    const folder = await folderWith({ ...files, 'main.tsx': main });
    const site = await serve(folder, url);
    const context = await openContext();
    const token = await signToken({ sub: 'kim', org_id: undefined });
    await context.addInitScript(`localStorage.token = ${JSON.stringify(token)}`);
    const tab = await context.newPage();
    await tab.goto(site);
    const counts = (count: number) => tab.getByText(`${count} since you looked`).waitFor();
    const write = (org: string) => append(database.pool, { org, type: 'said', data: null });
    await tab.locator('output[title=active]').waitFor();
    await write('acme');
    await write('rival');
    await write('acme');
    await counts(2);
    await tab.locator('output').click();
    await counts(0);
    await tab.locator('output[title=active]').waitFor();
    await write('acme');
    await write('rival');
    await counts(1);
  });
});

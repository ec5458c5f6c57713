import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { blocksIn, listBlocks, listPages, root, type DocBlock } from '../support/doc-blocks.ts';

/**
 * Which test runs, or compiles, which block. A key is what stands behind the fence (`js server`); where blocks of a page
 * have the same there, with the beginning of the one (`js: const socket`). For a test that takes whatever the page has: all of
 * a language (`ts *`), or all that have a name (`named *`).
 */
type Claims = Record<string, Record<string, string>>;

const commands = 'test/docs/commands.test.ts';
const snippets = 'test/docs/blocks-snippets.test.ts';
const messages = 'test/docs/blocks-messages.test.ts';
const browser = 'test/docs/blocks-browser.test.ts';
const examples = 'test/examples/pages.test.ts';
const ownTest = (page: string) => `test/docs/${basename(page, '.md')}.test.ts`;

const claims: Claims = {
  'README.md': {
    'js server': 'test/docs/readme.test.ts',
    'html page': 'test/docs/readme.test.ts',
    'sh try': 'test/docs/readme.test.ts',
    'sh token': 'test/docs/readme.test.ts',
    'sh init': 'test/package/init.test.ts',
    sql: 'test/docs/readme.test.ts',
    'js client': 'test/docs/readme-react.test.ts',
    'jsx live-list': 'test/docs/readme-react.test.ts',
    'js trucks': 'test/docs/readme-react.test.ts',
    'js stream': 'test/docs/readme-log.test.ts',
    'sql streams': 'test/docs/readme-log.test.ts',
    'js consumer': 'test/docs/readme-log.test.ts',
    'sh: npx commitcast token': commands,
  },
  'docs/any-client.md': {
    'json *': messages,
    'sh: npx commitcast token': commands,
    'python client.py': ownTest('any-client'),
    'js follow.js': ownTest('any-client'),
    'sh stream': ownTest('any-client'),
    'sh history': ownTest('any-client'),
    'js: const query': browser,
  },
  'docs/attach.md': { js: snippets, 'named *': examples },
  'docs/client.md': { 'ts *': ownTest('client'), 'js node.mjs': ownTest('client') },
  'docs/cluster.md': { 'sh: DATABASE_URL': commands },
  'docs/consumers.md': {
    ts: snippets,
    'js server.mjs': ownTest('consumers'),
    'js worker.mjs': ownTest('consumers'),
  },
  'docs/doctor.md': { sh: commands },
  'docs/erasure.md': { ts: snippets, sql: snippets },
  'docs/event-sourcing.md': {
    'js bank.mjs': ownTest('event-sourcing'),
    'js bank.test.mjs': ownTest('event-sourcing'),
    sql: ownTest('event-sourcing'),
    'ts *': snippets,
  },
  'docs/fastify.md': { 'named *': ownTest('fastify'), sh: ownTest('fastify') },
  'docs/monitoring/README.md': { yaml: commands },
  'docs/pgbouncer.md': {
    sh: ownTest('pgbouncer'),
    'js server.mjs': ownTest('pgbouncer'),
    'ini pgbouncer.ini': ownTest('pgbouncer'),
  },
  'docs/react.md': { 'named *': ownTest('react') },
  'docs/recovery.md': {
    'sh backup': ownTest('recovery'),
    'sh restore': ownTest('recovery'),
    'sh after': ownTest('recovery'),
    'sh rollback': ownTest('recovery'),
  },
  'docs/retention.md': {
    sh: ownTest('retention'),
    'sql past': ownTest('retention'),
    'sql size': ownTest('retention'),
    'sql owner': ownTest('retention'),
  },
  'docs/revocation.md': { 'named *': ownTest('revocation') },
  'docs/snapshot.md': { js: snippets, 'named *': ownTest('snapshot') },
  'docs/testing.md': { 'js *': ownTest('testing') },
  'docs/tracing.md': { 'js follow.mjs': ownTest('tracing') },
  'docs/typed-events.md': {
    'named *': ownTest('typed-events'),
    'ts *': ownTest('typed-events'),
    'sh *': ownTest('typed-events'),
  },
  'docs/writers.md': { 'named *': examples, sql: examples },
};

/** Blocks that no test runs as printed, and why. */
const notRun: Claims = {
  'README.md': {
    'sh: npm init': 'installs from the registry; test/package does the same from the tarball',
    'sh: npm ci': 'would install and build the very tree that the tests run in; the demo is run by test/demo',
  },
  'docs/benchmarks/README.md': { sh: 'half an hour of load; test/bench/smoke.test.ts runs the smallest' },
  'docs/benchmarks/scaling.md': { sh: 'minutes of load; test/bench/scaling.test.ts runs the sweeps' },
  'docs/benchmarks/your-database.md': { sh: 'minutes of load; test/cli/bench.test.ts runs the command' },
  'docs/cluster.md': {
    'sh: npm run cluster': 'test/examples/cluster.test.ts runs the same script, in a folder of its own',
    'sh: POSTGRES_PASSWORD': 'needs a container engine and openssl; compose.yaml has its own checks',
  },
  'docs/react.md': {
    sh: 'installs from the registry; test/docs/react.test.ts builds the files with the same Vite',
  },
  'docs/writers.md': { ts: 'installing Prisma downloads its engines, as the page says' },
};

/** What is printed, or drawn: nobody runs it. */
const output = new Set(['', 'text', 'mermaid']);
const pages = listPages();
const blocks = pages.flatMap(listBlocks).filter(({ language }) => !output.has(language));

function matches(key: string, { info, language, name, content }: DocBlock): boolean {
  if (key === 'named *') return name !== '';
  if (key.endsWith(' *')) return language === key.slice(0, -2);
  const [, head = key, beginning = ''] = /^(\w+): (.*)$/s.exec(key) ?? [];
  return info === head && content.startsWith(beginning);
}

/** An exact key goes before one of a language. */
function keysOf(table: Claims, block: DocBlock): string[] {
  const all = Object.keys(table[block.page] ?? {}).filter((key) => matches(key, block));
  const exact = all.filter((key) => !key.endsWith(' *'));
  return exact.length > 0 ? exact : all;
}

const nameOf = ({ page, line, info, content }: DocBlock) =>
  `${page}:${line} ${info}: ${content.split('\n', 1)[0]}`;

it('every code block is run or compiled by a test, or is said not to be, and why', () => {
  expect(blocks.length).toBeGreaterThan(80);
  const unclaimed = blocks.filter((each) => keysOf(claims, each).length + keysOf(notRun, each).length === 0);
  expect(
    unclaimed.map(nameOf),
    'blocks that nobody claims: see the table in test/docs/blocks.test.ts',
  ).toEqual([]);
  const twice = blocks.filter((each) => keysOf(claims, each).length + keysOf(notRun, each).length > 1);
  expect(twice.map(nameOf), 'blocks that are claimed twice').toEqual([]);
});

const entries = (table: Claims) =>
  Object.entries(table).flatMap(([page, keys]) =>
    Object.entries(keys).map(([key, value]) => ({ page, key, value })),
  );

it('every claim is for one block that there is, or for all of a language', () => {
  const wrong = [...entries(claims), ...entries(notRun)].filter(({ page, key }) => {
    const count = blocks.filter((block) => block.page === page && matches(key, block)).length;
    return key.endsWith(' *') ? count === 0 : count !== 1;
  });
  expect(wrong).toEqual([]);
});

it.each(entries(claims))('$value takes "$key" of $page', ({ page, key, value }) => {
  const test = readFileSync(join(root, value), 'utf8');
  const ways = [
    page,
    `'${basename(page, '.md')}'`,
    `'${basename(page)}'`,
    ...(page === 'README.md' ? ['support/readme.ts'] : []),
  ];
  const named = /^\w+: (.*)$/s.exec(key)?.[1] ?? key.split(' ')[1] ?? '';
  expect([
    ways.some((way) => test.includes(way)) ? '' : `it does not name ${page}`,
    key.endsWith(' *') || test.includes(named) ? '' : `it does not name ${named}`,
  ]).toEqual(['', '']);
});

it('a fence is found wherever it stands, and one that is never closed is an error', () => {
  const [first, second] = blocksIn('p.md', 'a\n```js x\n1\n```\n\n- b\n\n  ~~~~sql\n  ```\n  2\n  ~~~~\n');
  expect(first).toEqual({ page: 'p.md', line: 2, info: 'js x', language: 'js', name: 'x', content: '1\n' });
  expect(second).toMatchObject({ line: 8, language: 'sql', content: '```\n2\n' });
  expect(() => blocksIn('p.md', '```js\n1\n')).toThrow('p.md:1: the block is not closed');
});

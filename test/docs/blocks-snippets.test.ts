import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgTable, text } from 'drizzle-orm/pg-core';
import { expect, it, onTestFinished } from 'vitest';
import { append, isErased, readStream, snapshot } from '../../src/index.ts';
import { createDatabase } from '../support/database.ts';
import { docBlock, listBlocks, makeDocFolder, root } from '../support/doc-blocks.ts';
import { secret } from '../support/tokens.ts';

/** What the application would read. */
const load = () => Promise.resolve(['truck-7']);

/** Runs a piece of a program against the built package, with what the page says is there; answers what `answer` names. */
async function run<Answer>(code: string, given: object, answer = 'undefined'): Promise<Answer> {
  const imports = code.split('\n').filter((line) => line.startsWith('import '));
  const body = code.split('\n').filter((line) => !line.startsWith('import '));
  const source = `${imports.join('\n')}
export const run = async ({ ${Object.keys(given).join(', ')} }) => { ${body.join('\n')}; return ${answer}; };`;
  const folder = await makeDocFolder({ 'snippet.mjs': source });
  const module = (await import(join(folder, 'snippet.mjs'))) as { run: (given: object) => Promise<Answer> };
  return module.run(given);
}

it('docs/attach.md: the first example attaches to a server that listens', async () => {
  const database = await createDatabase();
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  process.env['JWT_SECRET'] = secret;
  const attached = await run<{ close: () => Promise<void> }>(
    docBlock('docs/attach.md', 'js'),
    { server, pool: database.pool },
    'commitcast',
  );
  onTestFinished(() => attached.close());
  const address = server.address() as { port: number };
  expect((await fetch(`http://127.0.0.1:${address.port}/commitcast/health/ready`)).status).toBe(200);
});

it('docs/snapshot.md: the first example has state and cursor', async () => {
  const database = await createDatabase();
  const state = await run(
    docBlock('docs/snapshot.md', 'js'),
    { snapshot, db: database.pool, load },
    '({ trucks, cursor })',
  );
  expect(state).toEqual({
    trucks: ['truck-7'],
    cursor: expect.stringMatching(/^[a-z2-7]{8}-\d+$/) as string,
  });
});

it('docs/erasure.md: the example erases with the row, and the statement lets another role do so', async () => {
  const database = await createDatabase();
  const { pool } = database;
  await pool.query(
    `create table customer (id text primary key); insert into customer values ('c-17'), ('c-18')`,
  );
  for (const stream of ['customer-c-17', 'customer-c-18'])
    await append(pool, { org: 'acme', stream, type: 'named', data: { name: 'Kim' } });
  const customer = pgTable('customer', { id: text().primaryKey() });
  await run(docBlock('docs/erasure.md', 'ts'), { db: drizzle(pool), customer, eq });
  expect((await pool.query('select id from customer')).rows).toEqual([{ id: 'c-18' }]);
  const erased = async (stream: string) => {
    for await (const event of readStream(pool, { org: 'acme', stream })) return isErased(event);
    return undefined;
  };
  expect([await erased('customer-c-17'), await erased('customer-c-18')]).toEqual([true, false]);

  const url = await database.urlAsMemberOf('commitcast_writer');
  const officer = await database.connect(url);
  const ask = () => officer.query(`select commitcast.erase('acme', 'customer-c-18', 'ticket 4712')`);
  await expect(ask()).rejects.toMatchObject({ code: '42501' });
  const grant = docBlock('docs/erasure.md', 'sql').replace('privacy_officer', new URL(url).username);
  await pool.query(grant);
  await ask();
  expect(await erased('customer-c-18')).toBe(true);
});

const from = (path: string) => [join(root, 'src', path)];

/** What the pieces take as given. */
const given = `
import type { FastifyInstance } from 'fastify';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import type { Decider, Transaction } from 'commitcast';
import type {} from 'commitcast/fastify';
declare global {
  const app: FastifyInstance;
  const db: NodePgDatabase & { $client: Pool };
  const pool: Pool;
  const tx: Transaction;
  const cursor: string;
  const order: { org: string; stream: string };
  const table: import('drizzle-orm/pg-core').PgTable;
  const account: Decider<{ balance: number }, unknown, { type: 'deposited'; data: { amount: number } }>;
  const append: typeof import('commitcast').append;
  const fold: typeof import('commitcast').fold;
  const readLog: typeof import('commitcast').readLog;
  const readStream: typeof import('commitcast').readStream;
  const loadState: typeof import('commitcast').loadState;
}
`;

it('docs/event-sourcing.md and docs/consumers.md: every piece in TypeScript compiles as printed', async () => {
  const blocks = ['docs/event-sourcing.md', 'docs/consumers.md'].flatMap(listBlocks);
  const pieces = blocks.filter(({ language }) => language === 'ts');
  expect(pieces.length).toBeGreaterThan(5);
  const folder = await makeDocFolder({ 'given.ts': given });
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      // Pieces end where they have said what they say.
      noUnusedLocals: false,
      paths: { commitcast: from('index.ts'), 'commitcast/fastify': from('http/plugin.ts') },
    },
    include: ['*.ts'],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  for (const [n, { content }] of pieces.entries()) {
    // An ellipsis is what the reader puts there: in brackets a value, behind a loop its body.
    const code = content.replaceAll('(…)', '(table)').replaceAll(' …', ' {}');
    await writeFile(join(folder, `piece-${n}.ts`), `${code}\nexport {};\n`);
  }
  const program = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [program, '-p', folder]).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toBe('');
});

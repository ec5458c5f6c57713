import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { codeBlock } from '../support/readme.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const opened = (unit: string) => ({ org: 'acme', unit, type: 'door.opened', data: {} });

/** Runs a piece of a program, with what the page says is there. */
async function run(code: string, given: Record<string, unknown>): Promise<void> {
  const source = `export const run = async ({ ${Object.keys(given).join(', ')} }) => { ${code} };`;
  const module = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
    run: (given: object) => Promise<void>;
  };
  await module.run(given);
}

it('a stream has versions: by SQL, by the function, by append; and who expects another one is refused', async () => {
  const database = await createDatabase();
  await database.pool.query(codeBlock('sql streams'));
  await append(database.pool, { org: 'acme', stream: 'order-9', type: 'order.packed', data: {} });
  const pay = () => run(codeBlock('js stream'), { append, tx: database.pool });
  await pay();
  await expect(pay()).rejects.toMatchObject({ code: 'VERSION_CONFLICT', expected: 3, actual: 4 });
  const { rows } = await database.pool.query(
    'select version::int, type from commitcast.log order by position',
  );
  expect(rows).toEqual([
    { version: 1, type: 'order.placed' },
    { version: 2, type: 'order.paid' },
    { version: 3, type: 'order.packed' },
    { version: 4, type: 'order.paid' },
  ]);
});

it('the consumer counts each event once', async () => {
  const database = await createDatabase();
  await database.pool.query('create table opened (org text, unit text, times int, primary key (org, unit))');
  await append(database.pool, [opened('a'), { ...opened('a'), type: 'door.shut' }, opened('b')]);
  const { app } = await startServer(database);
  await run(codeBlock('js consumer'), { app, sql, db: drizzle(database.pool) });
  await append(database.pool, opened('a'));
  const read = async () =>
    (await database.pool.query('select unit, times from opened order by unit')).rows as unknown[];
  await until(async () => JSON.stringify(await read()).includes('"times":2'));
  expect(await read()).toEqual([
    { unit: 'a', times: 2 },
    { unit: 'b', times: 1 },
  ]);
});

import { knex } from 'knex';
import { Kysely, CamelCasePlugin, PostgresDialect } from 'kysely';
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { once } from '../../src/log/once.ts';
import { readStream } from '../../src/log/read-stream.ts';
import { revoke } from '../../src/log/revoke.ts';
import { executorOf, type Transaction } from '../../src/log/transaction.ts';
import { loadState } from '../../src/stream/load-state.ts';
import { readWholeLog } from '../../src/testing/read-whole-log.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

type Work = (tx: Transaction) => Promise<void>;

/** Each driver's own transaction, in a database of the test. */
const drivers: Record<string, ({ url }: TestDatabase) => (work: Work) => Promise<unknown>> = {
  'postgres.js': ({ url }) => {
    const sql = postgres(url, { onnotice: () => {} });
    onTestFinished(() => sql.end());
    return (work) => sql.begin((tx) => work(tx));
  },
  Kysely: (database) => {
    const db = new Kysely({
      dialect: new PostgresDialect({ pool: database.pool }),
      // It would give the columns of our rows other names.
      plugins: [new CamelCasePlugin()],
    });
    return (work) => db.transaction().execute((tx) => work(tx));
  },
  Knex: ({ url }) => {
    const db = knex({ client: 'pg', connection: url });
    onTestFinished(() => db.destroy());
    return (work) => db.transaction((tx) => work(tx));
  },
};

const stream = { org: 'acme', stream: 'order-9' };
/** What placeholders, quotes and JSON within JSON could be taken for. */
const data = { text: `a ? \\? $1 :b "c" 'd' {"e": "f"}`, list: ['?', null, 1.5, { deep: [] }], not: null };

it.each(Object.entries(drivers))(
  'P1: a transaction of %s appends what it commits, as it was given, and nothing of what it rolls back',
  async (_name, open) => {
    const database = await createDatabase();
    const transaction = open(database);
    await transaction(async (tx) => {
      await append(tx, { org: 'acme', unit: 'u-1', type: 'text', data: 'plain ? text', meta: data });
      await append(tx, [{ ...stream, expectedVersion: 'none', type: 'placed', data }], { key: 'request-1' });
    });
    const failing = transaction(async (tx) => {
      await append(tx, { org: 'acme', type: 'never', data });
      throw new Error('thought better of it');
    });
    await expect(failing).rejects.toThrow('thought better of it');
    // A retry by key, in a transaction of its own, appends nothing.
    await transaction(async (tx) => {
      await append(tx, [{ ...stream, expectedVersion: 'none', type: 'placed', data }], { key: 'request-1' });
    });
    expect(await readWholeLog(database.pool)).toMatchObject([
      { unit: 'u-1', type: 'text', data: 'plain ? text', meta: data },
      { stream: 'order-9', version: 1, type: 'placed', data },
    ]);
  },
);

it.each(Object.entries(drivers))(
  'with %s: `once`, `revoke`, `erase`, reading and states of streams',
  async (_name, open) => {
    const database = await createDatabase();
    const transaction = open(database);
    await append(database.pool, [
      { ...stream, type: 'placed', data: 1 },
      { ...stream, type: 'paid', data: 2 },
    ]);
    const first: boolean[] = [];
    const read: unknown[] = [];
    const count = { name: 'count', initial: 0, evolve: (sum: number) => sum + 1 };
    await transaction(async (tx) => {
      first.push(await once(tx, 'mail:1'), await once(tx, 'mail:1'));
      for await (const event of readStream(tx, stream)) read.push([event.version, event.type, event.data]);
      const loaded = await loadState(tx, stream, count);
      read.push(loaded.state, loaded.version);
      await revoke(tx, { org: 'acme', user: 'kim', unit: 'u-1' });
      await erase(tx, { ...stream, reason: 'ticket ?' });
    });
    expect(first).toEqual([true, false]);
    expect(read).toEqual([[1, 'placed', 1], [2, 'paid', 2], 2, 2]);
    const { rows } = await database.pool.query<{ type: string }>(
      'select type from commitcast.log where control order by position',
    );
    expect(rows.map(({ type }) => type)).toEqual(['commitcast.revoked', 'commitcast.erased']);
  },
);

it.each(Object.entries(drivers))(
  'with %s: what is refused has its code, and a message without the statement and its values',
  async (_name, open) => {
    const database = await createDatabase();
    const transaction = open(database);
    await append(database.pool, { ...stream, type: 'placed', data: 1 });
    const conflict = transaction(async (tx) => {
      await append(tx, { ...stream, expectedVersion: 7, type: 'secret', data: null });
    });
    await expect(conflict).rejects.toMatchObject({ code: 'VERSION_CONFLICT', expected: 7, actual: 1 });
    const large = transaction(async (tx) => {
      // By itself the client counts fewer bytes than the database has as text.
      await append(tx, { org: 'acme', type: 'secret', data: Array.from({ length: 120_000 }, () => 1) });
    });
    const error: unknown = await large.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'EVENT_TOO_LARGE' });
    expect((error as Error).message.length).toBeLessThan(300);
    expect((error as Error).message).not.toMatch(/insert|secret/);
  },
);

it.each(Object.entries(drivers))(
  'with %s: values stand where their numbers are, `?` is an operator, and columns keep their names',
  async (_name, open) => {
    let rows: unknown[] = [];
    await open(await createDatabase())(async (tx) => {
      const text = `select '{"a": 1}'::jsonb ? $2 as has_key, $1::int as same_number, $2::text as again, $3::text as no_value`;
      ({ rows } = await executorOf(tx).query(text, [7, 'a', undefined]));
    });
    expect([...rows]).toEqual([{ has_key: true, same_number: 7, again: 'a', no_value: null }]);
  },
);

it.each([undefined, null, 7, {}, () => undefined, Promise.resolve()])(
  'what is no transaction, such as %s, is refused with TRANSACTION_INVALID, which says what would be one',
  async (tx) => {
    const appended = append(tx as never, { org: 'acme', type: 'x', data: null });
    await expect(appended).rejects.toMatchObject({
      code: 'TRANSACTION_INVALID',
      message: expect.stringContaining('no transaction: give the one of drizzle, pg, postgres.js') as string,
    });
  },
);

import { knex } from 'knex';
import { Pool } from 'pg';
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { listConsumers } from '../../src/consumer/list-consumers.ts';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { once } from '../../src/log/once.ts';
import { readLog } from '../../src/log/read-log.ts';
import { readStream } from '../../src/log/read-stream.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { execute } from '../../src/stream/decider.ts';
import { loadState } from '../../src/stream/load-state.ts';
import { createDatabase } from '../support/database.ts';

const database = await createDatabase();
type Row = Record<string, unknown>;
type Answer = { rows: Row[]; command: string; rowCount: number | null };
type Rename = (name: string) => string;

const camel: Rename = (name) => name.replaceAll(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
const upper: Rename = (name) => name.toUpperCase();
const prefixed: Rename = (name) => `my_${name}`;
const renamed = (rows: Row[], rename: Rename) =>
  rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [rename(name), value])));

type Work = (tx: Transaction) => Promise<void>;

function postgresJs(
  transform: postgres.Options<Record<string, never>>['transform'],
): (work: Work) => Promise<unknown> {
  const sql = postgres(database.url, { onnotice: () => {}, ...(transform ? { transform } : {}) });
  onTestFinished(() => sql.end());
  return (work) => sql.begin((tx) => work(tx));
}

function overKnex(postProcessResponse: (answer: Answer) => unknown): (work: Work) => Promise<unknown> {
  const db = knex({ client: 'pg', connection: database.url, postProcessResponse });
  onTestFinished(() => db.destroy());
  return (work) => db.transaction((tx) => work(tx));
}

/** What has `query(text, values)`, and answers in a form of its own. */
function answering(form: (answer: Answer) => unknown): (work: Work) => Promise<unknown> {
  return async (work) => {
    const pool = new Pool({ connectionString: database.url });
    const client = await pool.connect();
    try {
      await client.query('begin');
      const query = async (text: string, values?: unknown[]) =>
        form(await client.query<Row>(text, values)) as Row[];
      await work({ query });
      await client.query('commit');
    } finally {
      client.release(true);
      await pool.end();
    }
  };
}

const forms: Record<string, () => (work: Work) => Promise<unknown>> = {
  'postgres.js with postgres.camel': () => postgresJs(postgres.camel),
  'postgres.js with postgres.pascal': () => postgresJs(postgres.pascal),
  'postgres.js with postgres.kebab': () => postgresJs(postgres.kebab),
  'Knex with a postProcessResponse that renames': () =>
    overKnex((answer) => ({ ...answer, rows: renamed(answer.rows, camel) })),
  'Knex with a postProcessResponse that takes the rows': () => overKnex(({ rows }) => renamed(rows, upper)),
  'query() that answers with an array': () => answering(({ rows }) => rows),
  'query() that answers as that of TypeORM': () =>
    answering(({ command, rows, rowCount }) => (command === 'UPDATE' ? [rows, rowCount] : rows)),
  'query() over a driver that renames': () => answering(({ rows }) => ({ rows: renamed(rows, camel) })),
};

/** Names in the data look like columns: they are the application's. */
const data = { stream_version: 7, nested: [{ org_id: 'mine' }] };
const counter = {
  initial: { events_seen: 0 },
  evolve: ({ events_seen }: { events_seen: number }) => ({ events_seen: events_seen + 1 }),
  decide: () => ({ type: 'counted', data: null }),
};
const saving = { name: 'count', saveEvery: 1 };

it.each(Object.entries(forms))(
  '%s: streams, states and the log are read as they were written, and data keeps its names',
  async (name, open) => {
    const stream = { org: 'acme', stream: name };
    const transaction = open();
    await transaction(async (tx) => {
      await append(tx, { ...stream, unit: 'u-1', type: 'placed', data, meta: data });
      await append(tx, { ...stream, unit: 'u-1', expectedVersion: 1, type: 'paid', data: null });
      expect([await once(tx, name), await once(tx, name)]).toEqual([true, false]);
    });
    const seen: unknown[] = [];
    await transaction(async (tx) => {
      for await (const event of readStream(tx, stream)) seen.push(event);
    });
    const placed = { org: 'acme', unit: 'u-1', stream: name, version: 1, type: 'placed', data, meta: data };
    expect(seen).toMatchObject([placed, { org: 'acme', version: 2, type: 'paid', data: null }]);
    await transaction(async (tx) => {
      expect(await listConsumers(tx)).toEqual([]);
      await execute(tx, stream, counter, null, saving);
    });
    const saved = `select state, version from commitcast.state where stream = $1`;
    const { rows } = await database.pool.query(saved, [name]);
    expect(rows).toEqual([{ state: { events_seen: 3 }, version: '3' }]);
    await transaction(async (tx) => {
      const loaded = await loadState(tx, stream, { ...counter, ...saving });
      expect(loaded).toEqual({ state: { events_seen: 3 }, version: 3 });
    });
    await transaction(async (tx) => {
      const logged: unknown[] = [];
      for await (const event of readLog(tx)) logged.push(event);
      expect(logged).toContainEqual(seen[0]);
      await erase(tx, stream);
    });
  },
);

it('columns that are renamed in another way are refused with TRANSACTION_INVALID, which says which', async () => {
  await append(database.pool, { org: 'acme', stream: 'prefixed', type: 'placed', data: null });
  const transaction = answering(({ rows }) => ({ rows: renamed(rows, prefixed) }));
  const reading = transaction(async (tx) => {
    for await (const event of readStream(tx, { org: 'acme', stream: 'prefixed' })) expect(event).toBeNull();
  });
  await expect(reading).rejects.toMatchObject({
    code: 'TRANSACTION_INVALID',
    message: expect.stringContaining('column "my_stream_version", which was not asked for') as string,
  });
});

it.each([undefined, null, 7, {}, { rows: 7 }])(
  'a query() that answers with %s is refused with TRANSACTION_INVALID, which says what it has to answer',
  async (answer) => {
    const transaction = answering(() => answer);
    const appending = transaction(
      async (tx) => void (await append(tx, { org: 'acme', type: 'x', data: null })),
    );
    await expect(appending).rejects.toMatchObject({
      code: 'TRANSACTION_INVALID',
      message: expect.stringContaining('has to resolve with { rows }') as string,
    });
  },
);

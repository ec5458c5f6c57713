import type { Client } from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { typesInLog } from '../support/transactions.ts';

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createDatabase();
  client = await database.connect();
});

const sizedData = (bytes: number) => `to_jsonb(repeat('x', ${bytes - 2}))`;

/** Columns beside `org_id`, `type` and `data`, and the SQLSTATE and code that they are refused with. */
const refused: [what: string, row: Record<string, string>, state: string, code: string][] = [
  ['an org with a colon', { org_id: `'a:b'` }, 'CC001', 'EVENT_INVALID'],
  ['a site with a space', { site_id: `'a b'` }, 'CC001', 'EVENT_INVALID'],
  ['a unit with a quote', { unit_id: `'a''b'` }, 'CC001', 'EVENT_INVALID'],
  ['an empty unit', { unit_id: `''` }, 'CC001', 'EVENT_INVALID'],
  ['an org with a newline at its end', { org_id: `e'acme\\n'` }, 'CC001', 'EVENT_INVALID'],
  ['an org of 10,000 characters', { org_id: `repeat('a', 10000)` }, 'CC001', 'EVENT_INVALID'],
  ['a time without end', { created_at: `'infinity'` }, 'CC001', 'EVENT_INVALID'],
  ['a time before the year 1', { created_at: `'0044-03-15 BC'` }, 'CC001', 'EVENT_INVALID'],
  ['a time after the year 9999', { created_at: `'10000-01-01'` }, 'CC001', 'EVENT_INVALID'],
  ['an empty type', { type: `''` }, 'CC001', 'EVENT_INVALID'],
  ['a type of 256 characters', { type: `repeat('a', 256)` }, 'CC001', 'EVENT_INVALID'],
  ['a type with a newline', { type: `e'a\\nb'` }, 'CC001', 'EVENT_INVALID'],
  ['a stream with a tabulator', { stream: `e'a\\tb'` }, 'CC001', 'EVENT_INVALID'],
  ['version 0', { version: '0' }, 'CC001', 'EVENT_INVALID'],
  ['a list as meta', { meta: `'[]'` }, 'CC001', 'EVENT_INVALID'],
  ['data of 262,145 bytes', { data: sizedData(262_145) }, 'CC002', 'EVENT_TOO_LARGE'],
  [
    'meta of 16,385 bytes and more',
    { meta: `jsonb_build_object('a', repeat('x', 16384))` },
    'CC002',
    'EVENT_TOO_LARGE',
  ],
  ['a reserved type', { type: `'commitcast.revoked'` }, 'CC003', 'EVENT_NAME_RESERVED'],
  ['control without a reserved type', { control: 'true' }, 'CC003', 'EVENT_NAME_RESERVED'],
];

function insert(row: Record<string, string> = {}) {
  const columns = { org_id: `'acme'`, type: `'tried'`, data: `'{}'`, ...row };
  return client.query(
    `insert into commitcast.outbox (${Object.keys(columns).join(', ')}) values (${Object.values(columns).join(', ')})`,
  );
}

describe('a plain INSERT is refused with SQLSTATE and code, and nothing of its transaction is logged:', () => {
  it.each(refused)('%s', async (_, row, state, code) => {
    await client.query('begin');
    await insert();
    await expect(insert(row)).rejects.toMatchObject({
      code: state,
      message: expect.stringMatching(`^${code}: `) as string,
    });
    await client.query('commit');
    expect(await typesInLog(database.pool)).toEqual([]);
  });

  it('the 10,001st event, in one statement or in many', async () => {
    const many = (count: number) =>
      client.query(
        `insert into commitcast.outbox (org_id, type, data) select 'acme', 'many', '{}' from generate_series(1, ${count})`,
      );
    const refusal = { code: 'CC004', message: expect.stringMatching('^TOO_MANY_EVENTS: ') as string };
    await expect(many(10_001)).rejects.toMatchObject(refusal);
    await client.query('begin');
    await many(9_999);
    await insert();
    await expect(insert()).rejects.toMatchObject(refusal);
    await client.query('rollback');
    expect(await typesInLog(database.pool)).toEqual([]);
    await many(10_000);
    expect(await typesInLog(database.pool)).toHaveLength(10_000);
  });

  it('more events than the setting commitcast.max_events_per_transaction allows', async () => {
    await client.query(`set commitcast.max_events_per_transaction = 2`);
    await client.query('begin');
    await insert();
    await insert();
    await expect(insert()).rejects.toMatchObject({ code: 'CC004' });
    await client.query('rollback');
  });
});

describe('the limit of a transaction', () => {
  beforeEach(() => client.query(`set commitcast.max_events_per_transaction = 3`));

  it('does not count what a savepoint took back', async () => {
    await client.query('begin');
    await insert();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await client.query('savepoint s');
      await insert();
      await insert();
      await client.query('rollback to s');
    }
    await insert();
    await insert();
    await expect(insert()).rejects.toMatchObject({ code: 'CC004' });
    await client.query('rollback');
  });

  it('begins anew with each transaction of a session, also in a procedure that commits', async () => {
    for (let n = 0; n < 4; n += 1) await insert();
    await client.query(`do $$ begin
      for n in 1..8 loop
        insert into commitcast.outbox (org_id, type, data) values ('acme', 'looped', '{}');
        if n % 3 = 0 then commit; end if;
      end loop;
    end $$`);
    expect(await typesInLog(database.pool)).toHaveLength(12);
  });
});

describe('the outbox takes', () => {
  it('ids of 128 characters, types of 255, data of 262,144 bytes', async () => {
    await insert({ org_id: `repeat('a', 128)`, type: `repeat('ü', 255)`, data: sizedData(262_144) });
    expect(await typesInLog(database.pool)).toEqual(['ü'.repeat(255)]);
  });

  it('what a business role inserts whose search_path and settings are hostile', async () => {
    await client.query(`
      create schema evil;
      create function evil.starts_with(text, text) returns boolean language sql as 'select true';
      create function evil.nextval(text) returns bigint language sql as 'select 1::bigint';
      set search_path = evil, pg_catalog;
      set standard_conforming_strings = off;
      set default_transaction_isolation = 'serializable';
      set check_function_bodies = off;`);
    await insert();
    await insert();
    expect(await typesInLog(database.pool)).toEqual(['tried', 'tried']);
  });
});

const insertJson = (data: string, meta: string | null = null) =>
  database.pool.query(
    `insert into commitcast.outbox (org_id, type, data, meta) values ('acme', 'deep', $1::jsonb, $2::jsonb)`,
    [data, meta],
  );

it.each([
  ['arrays', '['.repeat(6_000) + ']'.repeat(6_000)],
  ['objects', '{"a":'.repeat(6_000) + '1' + '}'.repeat(6_000)],
])('P5: %s nested without end are refused: they would end whoever walks them', async (_kind, deep) => {
  await expect(insertJson(deep)).rejects.toMatchObject({ code: 'CC001' });
  const deepMeta = `{"a": ${'['.repeat(600)}${']'.repeat(600)}}`;
  await expect(insertJson('1', deepMeta)).rejects.toMatchObject({ code: 'CC001' });
  await insertJson('['.repeat(200) + ']'.repeat(200));
});

import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertInto, versionsInLog } from '../support/streams.ts';

let database: TestDatabase;
let client: Client;
let writer: Client;
let org: string;

beforeAll(async () => {
  database = await createDatabase();
  client = await database.connect();
  writer = await database.connect(await database.urlAsMemberOf('commitcast_writer'));
});

beforeEach(() => {
  org = randomUUID();
});

afterEach(() => client.query('rollback'));

const logged = () => versionsInLog(database.pool, org);
const call = (events: unknown, db: Client = client) =>
  db.query<{ id: string; version: string | null }>('select * from commitcast.append($1)', [
    JSON.stringify(events),
  ]);
const event = (more: object = {}) => ({ org, type: 'x', data: {}, ...more });
const refusal = (code: string, start: string) => ({
  code,
  message: expect.stringMatching(`^${start}`) as string,
});

describe('plain SQL', () => {
  it('says with an INSERT which version the event shall have', async () => {
    await insertInto(client, org, 's', 1);
    await insertInto(client, org, 's');
    await insertInto(client, org, 's', 3);
    for (const version of [1, 3, 5]) {
      const inserted = insertInto(client, org, 's', version);
      await expect(inserted).rejects.toMatchObject({
        ...refusal('CC007', 'VERSION_CONFLICT: '),
        detail: expect.stringContaining(`"actual": 3`) as string,
      });
    }
    await expect(insertInto(client, org, 'new', 2)).rejects.toMatchObject({ code: 'CC007' });
    expect(await logged()).toEqual(['s 1', 's 2', 's 3']);
  });

  it('gets ids and versions from the function, in the order of the events', async () => {
    const id = randomUUID();
    const { rows } = await call([
      event({ stream: 'b', expectedVersion: 'none', id }),
      event(),
      event({ stream: 'a', expectedVersion: 'any' }),
      event({ stream: 'b' }),
    ]);
    expect(rows.map(({ version }) => version)).toEqual(['1', null, '1', '2']);
    expect(rows[0]?.id).toBe(id);
    const log = await database.pool.query(
      'select id from commitcast.log where org_id = $1 order by position',
      [org],
    );
    expect(log.rows).toEqual(rows.map((row) => ({ id: row.id })));
    await expect(call([event({ stream: 'b', expectedVersion: 1 })])).rejects.toMatchObject({ code: 'CC007' });
    await call([event({ stream: 'b', expectedVersion: 2 })]);
    expect(await logged()).toEqual(['b 1', 'a 1', 'b 2', 'b 3']);
  });

  it('locks streams that it will append to, in one order, and leaves no trace of those it does not', async () => {
    await client.query('begin');
    await client.query('select commitcast.lock_streams($1)', [
      JSON.stringify([
        { org, stream: 'b' },
        { org, stream: 'a' },
        { org, stream: 'b' },
      ]),
    ]);
    await call([event({ stream: 'b', expectedVersion: 'none' })]);
    await client.query('commit');
    await insertInto(client, org, 'a', 1);
    expect(await logged()).toEqual(['b 1', 'a 1']);
  });

  const inserts: [what: string, row: Record<string, string>, state: string, start: string][] = [
    ['a version without a stream', { version: '1' }, 'CC001', 'EVENT_INVALID: a version'],
    ['version 0', { stream: `'s'`, version: '0' }, 'CC001', 'EVENT_INVALID: version starts at 1'],
    ['version -5', { stream: `'s'`, version: '-5' }, 'CC001', 'EVENT_INVALID: version starts at 1'],
    ['an empty stream', { stream: `''` }, 'CC001', 'EVENT_INVALID: stream'],
    ['a stream of 256 characters', { stream: `repeat('ü', 256)` }, 'CC001', 'EVENT_INVALID: stream'],
    [
      'a stream that no index has room for',
      { stream: `(select string_agg(md5(n::text), '') from generate_series(1, 900) n)` },
      'CC001',
      'EVENT_INVALID: stream',
    ],
    ['a stream with a newline', { stream: `e'a\\nb'` }, 'CC001', 'EVENT_INVALID: stream'],
    ['a stream of a bad org', { stream: `'s'`, org_id: `'a:b'` }, 'CC001', 'EVENT_INVALID: '],
  ];

  it.each(inserts)('is refused with %s', async (_, row, state, start) => {
    const columns = { org_id: `'${org}'`, type: `'x'`, data: `'{}'`, ...row };
    const insert = `insert into commitcast.outbox (${Object.keys(columns).join(', ')}) values (${Object.values(columns).join(', ')})`;
    await expect(client.query(insert)).rejects.toMatchObject(refusal(state, start));
    expect(
      (await database.pool.query('select from commitcast.stream where org_id = $1', [org])).rows,
    ).toEqual([]);
  });

  const calls: [what: string, events: object[], state: string][] = [
    [
      'different expectations of one stream',
      [
        { stream: 's', expectedVersion: 1 },
        { stream: 's', expectedVersion: 2 },
      ],
      'CC001',
    ],
    ['an expectation without a stream', [{ stream: 's' }, { expectedVersion: 1 }], 'CC001'],
    ['an expectation that is no version', [{ stream: 's', expectedVersion: 'some' }], '22P02'],
    ['an expectation that is no whole number', [{ stream: 's', expectedVersion: 1.5 }], '22P02'],
    ['an expectation below 0', [{ stream: 's', expectedVersion: -1 }], 'CC007'],
    ['an empty stream', [{ stream: '' }], 'CC001'],
    ['a reserved type', [{ stream: 's', type: 'commitcast.revoked' }], 'CC003'],
  ];

  it.each(calls)('is refused by the function with %s', async (_, events, state) => {
    await expect(call(events.map(event))).rejects.toMatchObject({ code: state });
    expect(await logged()).toEqual([]);
  });

  it('cannot take an event of a stream back, whose version is given: only a rollback can', async () => {
    await client.query('begin');
    await insertInto(client, org, 's');
    await insertInto(client, org, 's');
    await client.query('savepoint s');
    const deleted = client.query('delete from commitcast.outbox where org_id = $1 and version = 1', [org]);
    await expect(deleted).rejects.toMatchObject(refusal('CC005', 'LOG_APPEND_ONLY: '));
    await client.query('rollback to s');
    await append(client, { org, type: 'taken back', data: null });
    await client.query(`delete from commitcast.outbox where org_id = $1 and type = 'taken back'`, [org]);
    await client.query('commit');
    expect(await logged()).toEqual(['s 1', 's 2']);
    const { rows } = await database.pool.query('select type from commitcast.log where org_id = $1', [org]);
    expect(rows).toHaveLength(2);
  });

  it('a row of another transaction, as of a restored dump, takes no version', async () => {
    await client.query(
      `insert into commitcast.outbox (org_id, stream, version, type, data, tx) values ($1, 's', 7, 'x', '{}', '7')`,
      [org],
    );
    await insertInto(client, org, 's', 1);
    expect(await logged()).toEqual(['s 1']);
  });
});

describe('the writer role', () => {
  it('appends to streams: by INSERT, by the function, by append, and hears of conflicts', async () => {
    await writer.query(`create temp table stream (org_id text, stream text, version bigint)`);
    await writer.query('set search_path = pg_temp, commitcast');
    await insertInto(writer, org, 's', 1);
    await call([event({ stream: 's', expectedVersion: 1 })], writer);
    await append(
      writer,
      { ...event({ stream: 's', expectedVersion: 2 }), org, type: 'x', data: 1 },
      { key: 'k' },
    );
    await append(
      writer,
      Array.from({ length: 600 }, (_, n) => ({ org, stream: `s${n % 2}`, type: 'x', data: n })),
    );
    await expect(insertInto(writer, org, 's', 1)).rejects.toMatchObject({ code: 'CC007' });
    await expect(
      append(writer, { org, stream: 's', expectedVersion: 7, type: 'x', data: 1 }),
    ).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      actual: 3,
    });
    expect((await logged()).filter((place) => place.startsWith('s '))).toEqual(['s 1', 's 2', 's 3']);
  });

  it.each([
    `insert into commitcast.outbox (org_id, stream, version, versioned, type, data) values ('a', 's', 9, true, 'x', '{}')`,
    `insert into commitcast.outbox (org_id, type, data, versioned) values ('a', 'x', '{}', false)`,
    `select commitcast.take_versions('a', 's', 1, null)`,
    `select * from commitcast.stream`,
    `insert into commitcast.stream values ('a', 's', 9)`,
    `update commitcast.stream set version = 0`,
    `delete from commitcast.stream`,
    `select * from commitcast.append_key`,
    `delete from commitcast.append_key`,
    `select commitcast.forget_keys('1 day')`,
  ])('may not: %s', async (statement) => {
    await expect(writer.query(statement)).rejects.toMatchObject({ code: '42501' });
  });

  it.each(['commitcast_reader', 'commitcast_relay'])('%s appends nothing', async (role) => {
    const reader = await database.connect(await database.urlAsMemberOf(role));
    await expect(call([event()], reader)).rejects.toMatchObject({ code: '42501' });
    await expect(insertInto(reader, org, 's')).rejects.toMatchObject({ code: '42501' });
    await reader.end();
  });
});

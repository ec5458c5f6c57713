import { randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { outbox } from '../../src/db/schema.ts';
import { append } from '../../src/log/append.ts';
import { copyIn } from '../support/copy-in.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let client: Client;
let org: string;

beforeAll(async () => {
  database = await createDatabase();
  client = await database.connect();
});

beforeEach(() => {
  org = randomUUID();
});

const columns = 'id, org_id, site_id, unit_id, type, data, stream, version::int, meta, room';

async function logged(): Promise<Record<string, unknown>[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>(
    `select ${columns} from commitcast.log where org_id = $1 order by position`,
    [org],
  );
  return rows;
}

type Way = (events: NewEvent | NewEvent[], end?: 'commit' | 'rollback') => Promise<string[]>;

async function within(end: 'commit' | 'rollback', work: () => Promise<string[]>): Promise<string[]> {
  await client.query('begin');
  const ids = await work();
  await client.query(end);
  return ids;
}

const ways: Record<string, Way> = {
  'a drizzle transaction': async (events, end) => {
    let ids: string[] = [];
    const work = drizzle(client).transaction(async (tx) => {
      ids = await append(tx, events);
      if (end === 'rollback') tx.rollback();
    });
    await work.catch((error: unknown) => {
      if (end !== 'rollback') throw error;
    });
    return ids;
  },
  'a pg client': (events, end = 'commit') => within(end, () => append(client, events)),
  'anything with query(text, values)': (events, end = 'commit') =>
    within(end, () => append({ query: (text, values) => client.query(text, values) }, events)),
};

describe.each(Object.entries(ways))('append through %s', (_, way) => {
  it('logs every field of an event that was committed', async () => {
    const id = randomUUID();
    const event = {
      id,
      org,
      site: 's.1',
      unit: 'u~1',
      type: 'door.opened',
      data: { by: 'kim', n: [1, null] },
    };
    const ids = await way({ ...event, stream: 'order/1: ä', expectedVersion: 'none', meta: { trace: 'x' } });
    expect(ids).toEqual([id]);
    expect(await logged()).toEqual([
      {
        id,
        org_id: org,
        site_id: 's.1',
        unit_id: 'u~1',
        type: 'door.opened',
        data: { by: 'kim', n: [1, null] },
        stream: 'order/1: ä',
        version: 1,
        meta: { trace: 'x' },
        room: `org:${org}:unit:u~1`,
      },
    ]);
  });

  it('returns the ids in the order of the events, which is the order of the log, over several chunks', async () => {
    const given = Array.from({ length: 1_203 }, (_unused, n) => (n % 3 === 0 ? randomUUID() : undefined));
    const ids = await way(given.map((id, n) => ({ id, org, type: 'counted', data: n })));
    expect(ids.map((id, n) => given[n] ?? id)).toEqual(ids);
    expect((await logged()).map(({ id, data }) => [id, data])).toEqual(ids.map((id, n) => [id, n]));
  });

  it('keeps a JSON null and what JSON has beside objects', async () => {
    const values = [null, 'text with \\ and "', 0, -1.5, false, [], {}, 'ü 🚚 \u2028'];
    await way(values.map((data) => ({ org, type: 'valued', data })));
    expect((await logged()).map(({ data }) => data)).toEqual(values);
  });

  it('never logs an event whose transaction was rolled back', async () => {
    const ids = await way([{ org, type: 'rolled.back', data: {} }], 'rollback');
    expect(ids).toHaveLength(1);
    expect(await logged()).toEqual([]);
  });

  it('takes an empty list as nothing to do', async () => {
    expect(await way([])).toEqual([]);
    expect(await logged()).toEqual([]);
  });
});

describe('append', () => {
  it('sends no statement with more than 500 events or much more than a mebibyte', async () => {
    const sizes: number[] = [];
    const spy = {
      query(text: string, values?: unknown[]) {
        sizes.push((JSON.parse(String(values?.[0])) as unknown[]).length);
        return client.query(text, values);
      },
    };
    await append(
      spy,
      Array.from({ length: 1_001 }, () => ({ org, type: 'small', data: 0 })),
    );
    await append(
      spy,
      Array.from({ length: 9 }, () => ({ org, type: 'large', data: 'x'.repeat(250_000) })),
    );
    expect(sizes).toEqual([500, 500, 1, 4, 4, 1]);
    expect(await logged()).toHaveLength(1_010);
  });

  it('logs nothing of a savepoint that was rolled back, and all around it', async () => {
    await client.query('begin');
    await append(client, { org, type: 'before', data: {} });
    await client.query('savepoint s');
    await append(client, { org, type: 'within', data: {} });
    await client.query('rollback to s');
    await append(client, { org, type: 'after', data: {} });
    await client.query('commit');
    expect((await logged()).map(({ type }) => type)).toEqual(['before', 'after']);
  });
});

describe('beside append, the log takes the same from', () => {
  it('a plain INSERT, with the id by RETURNING', async () => {
    const { rows } = await client.query<{ id: string }>(
      `insert into commitcast.outbox (org_id, site_id, type, data, stream, version, meta)
       values ($1, 's', 'plain', 'null', 'st', 1, '{"a":1}') returning id`,
      [org],
    );
    expect(await logged()).toMatchObject([
      { id: rows[0]?.id, data: null, stream: 'st', version: 1, meta: { a: 1 }, room: `org:${org}:site:s` },
    ]);
  });

  it('an insert through the drizzle table', async () => {
    const [row] = await drizzle(client)
      .insert(outbox)
      .values({ orgId: org, unitId: 'u', type: 'by.drizzle', data: { n: 1 } })
      .returning({ id: outbox.id });
    expect(await logged()).toMatchObject([{ id: row?.id, unit_id: 'u', data: { n: 1 } }]);
  });

  it('COPY, in the order of its lines', async () => {
    const lines = Array.from({ length: 700 }, (_unused, n) => `${org}\tcopied\t${n}\n`);
    await copyIn(client, 'copy commitcast.outbox (org_id, type, data) from stdin', lines.join(''));
    expect((await logged()).map(({ data }) => data)).toEqual(lines.map((_line, n) => n));
  });

  it('a business trigger and a procedure that commits by itself', async () => {
    await client.query(`
      create table unit (id text primary key);
      create function unit_added() returns trigger language plpgsql as $$
      begin
        insert into commitcast.outbox (org_id, unit_id, type, data) values (tg_argv[0], new.id, 'unit.added', '{}');
        return null;
      end $$;
      create trigger added after insert on unit for each row execute function unit_added('${org}');
      create procedure add_units() language plpgsql as $$
      begin
        insert into unit values ('one'); commit;
        insert into unit values ('two'); rollback;
        insert into unit values ('three');
      end $$`);
    await client.query('call add_units()');
    expect((await logged()).map((row) => row['unit_id'])).toEqual(['one', 'three']);
  });
});

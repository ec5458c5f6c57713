import { randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { copyIn } from '../support/copy-in.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { insertInto, versionsInLog } from '../support/streams.ts';
import { signToken } from '../support/tokens.ts';
import { untilBlocked } from '../support/transactions.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let client: Client;
let other: Client;
let org: string;

beforeAll(async () => {
  database = await createDatabase();
  await database.pool.query(`
    create table parent (id int primary key);
    insert into parent values (1);
    create table child (parent int references parent deferrable initially deferred)`);
  client = await database.connect();
  other = await database.connect();
});

beforeEach(() => {
  org = randomUUID();
});

const logged = () => versionsInLog(database.pool, org);
const places = (stream: string, count: number, from = 1) =>
  Array.from({ length: count }, (_, n) => `${stream} ${from + n}`);
const event = (stream?: string, data: unknown = null): NewEvent => {
  return { org, type: 'x', data, ...(stream === undefined ? {} : { stream }) };
};

const ways: Record<string, (streams: string[]) => Promise<unknown>> = {
  'append through a drizzle transaction': (streams) =>
    drizzle(client).transaction((tx) =>
      append(
        tx,
        streams.map((stream) => event(stream)),
      ),
    ),
  'append through a pg client': (streams) =>
    append(
      client,
      streams.map((stream) => event(stream)),
    ),
  'append through a pool, event by event': async (streams) => {
    for (const stream of streams) await append(database.pool, event(stream));
  },
  'the function in SQL': (streams) =>
    client.query('select * from commitcast.append($1)', [
      JSON.stringify(streams.map((stream) => event(stream))),
    ]),
  'INSERT of many rows': (streams) =>
    client.query(
      `insert into commitcast.outbox (org_id, stream, type, data)
       select $1, stream, 'x', '{}' from unnest($2::text[]) with ordinality e (stream, n) order by n`,
      [org, streams],
    ),
  COPY: (streams) =>
    copyIn(
      client,
      'copy commitcast.outbox (org_id, stream, type, data) from stdin',
      streams.map((stream) => `${org}\t${stream}\tx\t{}\n`).join(''),
    ),
  'INSERT under session_replication_role = replica': async (streams) => {
    await client.query('begin; set local session_replication_role = replica');
    for (const stream of streams) await insertInto(client, org, stream);
    await client.query('commit');
  },
};

describe('versions are dense from 1 for each stream, in the order of the events:', () => {
  it.each(Object.entries(ways))('%s', async (_, way) => {
    await way(['a', 'b', 'a', 'a']);
    await way(['b', 'a']);
    expect(await logged()).toEqual(['a 1', 'b 1', 'a 2', 'a 3', 'b 2', 'a 4']);
  });

  it('in a mixed call of several statements, orgs, and events without a stream', async () => {
    const second = `${org}-2`;
    const events = Array.from({ length: 1_300 }, (_, n): NewEvent => {
      return { ...event([undefined, 'a', 'b', 'c'][n % 4], n), org: n % 3 === 0 ? second : org };
    });
    await client.query('begin');
    const ids = await append(client, events);
    await client.query('commit');
    const { rows } = await database.pool.query<{ id: string; data: number }>(
      `select id, data from commitcast.log where org_id = any($1) order by position`,
      [[org, second]],
    );
    expect(rows).toEqual(ids.map((id, n) => ({ id, data: n })));
    for (const one of [org, second]) {
      const found = await versionsInLog(database.pool, one);
      for (const stream of ['a', 'b', 'c']) {
        const own = found.filter((place) => place.startsWith(stream));
        expect(own).toEqual(places(stream, own.length));
        expect(own.length).toBeGreaterThan(100);
      }
    }
  });

  it('a savepoint that was rolled back leaves no hole', async () => {
    await client.query('begin');
    await append(client, [event('s'), event('s')]);
    await client.query('savepoint s');
    await append(client, [event('s'), event('t')]);
    await client.query('rollback to s');
    await insertInto(client, org, 's');
    await client.query('commit');
    expect(await logged()).toEqual(places('s', 3));
  });

  it('nor does a transaction that was rolled back, or one that failed in its commit', async () => {
    await append(client, event('s'));
    await client.query('begin');
    await append(client, [event('s'), event('t')]);
    await client.query('rollback; begin');
    await append(client, event('s'));
    await client.query('insert into child values (7)');
    await expect(client.query('commit')).rejects.toMatchObject({ code: '23503' });
    await append(client, [event('s'), event('t')]);
    expect(await logged()).toEqual(['s 1', 's 2', 't 1']);
  });

  it('the limit of events in a transaction counts those of streams once', async () => {
    const many = (count: number) => Array.from({ length: count }, () => event('s'));
    await client.query('begin');
    await append(client, many(9_999));
    await insertInto(client, org, 's');
    await client.query('savepoint s');
    await expect(append(client, event('s'))).rejects.toMatchObject({ code: 'TOO_MANY_EVENTS' });
    await expect(insertInto(client, org, 's')).rejects.toThrow();
    await client.query('rollback to s; commit');
    expect(await logged()).toHaveLength(10_000);
  });
});

describe('versions are in the order of positions', () => {
  const immediate = 'set constraints all immediate';
  const traps: Record<string, string[]> = {
    'after a wait': [],
    'checked at once': ['set constraints all immediate'],
    'checked twice, then deferred again': [immediate, 'select 1', immediate, 'set constraints all deferred'],
    'checked in a savepoint that is rolled back': ['savepoint t', immediate, 'rollback to t'],
    'beside a deferred foreign key': ['insert into child values (1)'],
  };

  it.each(Object.entries(traps))('of two writers, one of whom waits: %s', async (_, trap) => {
    await client.query('begin');
    await insertInto(client, org, 's');
    for (const statement of trap) await client.query(statement);
    await other.query('begin');
    await append(other, [event('t'), event()]);
    const waiting = append(other, [event('s'), event('s')]);
    await untilBlocked(database, other);
    for (const statement of trap) await client.query(statement);
    await append(client, [event('s'), event()]);
    await client.query('commit');
    await waiting;
    for (const statement of trap) await other.query(statement);
    await insertInto(other, org, 's');
    await other.query('commit');
    expect(await logged()).toEqual(['s 1', 's 2', 't 1', 's 3', 's 4', 's 5']);
  });

  it('for a writer that waits at COMMIT in a deferred foreign key', async () => {
    await other.query('begin; select from parent where id = 1 for update');
    await client.query('begin');
    await insertInto(client, org, 's');
    await client.query('insert into child values (1)');
    const committed = client.query('commit');
    await untilBlocked(database, client);
    await append(other, event('t'));
    await append(database.pool, event('u'));
    await other.query('commit');
    await committed;
    await append(database.pool, event('s'));
    expect(await logged()).toEqual(['u 1', 't 1', 's 1', 's 2']);
  });
});

it('an event of a stream comes to the browser with its stream and version', async () => {
  const server = await startServer(database);
  const token = await signToken({ org_id: org });
  const browser = await connectClient(server.url, { token });
  await browser.live();
  await append(database.pool, [event('order-9'), event(), event('order-9')]);
  await until(() => browser.events.length === 3);
  expect(browser.events.map(({ stream, version }) => [stream, version])).toEqual([
    ['order-9', 1],
    [undefined, undefined],
    ['order-9', 2],
  ]);
});

import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent, typesInLog } from '../support/transactions.ts';

let database: TestDatabase;
const clients: Client[] = [];

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.end())));

async function connectAs(...roles: string[]): Promise<Client> {
  const client = new Client({ connectionString: await database.urlAsMemberOf(...roles) });
  clients.push(client);
  await client.connect();
  return client;
}

const denied = { code: '42501' };

describe('the writer role', () => {
  it('inserts, learns the id, and is published', async () => {
    const writer = await connectAs('commitcast_writer');
    const { rows } = await writer.query<{ id: string }>(
      `insert into commitcast.outbox (org_id, type, data) values ('acme', 'written', '{}') returning id`,
    );
    expect((await database.pool.query('select id, type from commitcast.log')).rows).toEqual([
      { id: rows[0]?.id, type: 'written' },
    ]);
  });

  it('hears why a row is refused', async () => {
    const writer = await connectAs('commitcast_writer');
    await expect(insertEvent(writer, 'commitcast.revoked')).rejects.toMatchObject({ code: 'CC003' });
    await expect(insertEvent(writer, '')).rejects.toMatchObject({ code: 'CC001' });
  });

  it.each([
    `select * from commitcast.log`,
    `select * from commitcast.log_1`,
    `select data from commitcast.outbox`,
    `select * from commitcast.committing`,
    `insert into commitcast.outbox (org_id, type, data, control) values ('a', 'commitcast.x', '{}', true)`,
    `insert into commitcast.outbox (org_id, type, data, tx) values ('a', 'x', '{}', '7')`,
    `insert into commitcast.committing (source) values ('(0,1)')`,
    `insert into commitcast.log (position) values (1)`,
    `update commitcast.outbox set data = '{}'`,
    `delete from commitcast.outbox`,
    `truncate commitcast.outbox`,
    `select nextval('commitcast.position')`,
    `update commitcast.relay set published = 0`,
    `select commitcast.open_epoch(true)`,
    `select commitcast.raise_floor(9)`,
    `select commitcast.make_partitions()`,
    `select commitcast.clear_outbox()`,
    `create table commitcast.own (id int)`,
  ])('may not: %s', async (statement) => {
    const writer = await connectAs('commitcast_writer');
    await expect(writer.query(statement)).rejects.toMatchObject(denied);
  });

  it('cannot take the events of another into its own name by a temporary table', async () => {
    const writer = await connectAs('commitcast_writer');
    await writer.query('create temp table log (like commitcast.stream)').catch(() => undefined);
    await writer.query('set search_path = pg_temp, pg_catalog');
    await insertEvent(writer, 'written');
    expect(await typesInLog(database.pool)).toEqual(['written']);
  });
});

describe('rights of the other roles:', () => {
  it('a role without any may not even insert', async () => {
    await expect(insertEvent(await connectAs(), 'x')).rejects.toMatchObject(denied);
  });

  it('the reader reads the log and writes nothing', async () => {
    await insertEvent(database.pool, 'x');
    const reader = await connectAs('commitcast_reader');
    expect(await typesInLog(reader)).toEqual(['x']);
    await expect(insertEvent(reader, 'y')).rejects.toMatchObject(denied);
    await expect(reader.query('delete from commitcast.log')).rejects.toMatchObject(denied);
  });

  it('the relay does its work and appends nothing', async () => {
    const relay = await connectAs('commitcast_relay');
    await relay.query(
      'select commitcast.open_epoch(), commitcast.make_partitions(), commitcast.clear_outbox()',
    );
    await relay.query('update commitcast.relay set published = 0');
    await expect(insertEvent(relay, 'y')).rejects.toMatchObject(denied);
  });
});

describe('control events', () => {
  it('come from the owner with control = true only', async () => {
    await database.pool.query(
      `insert into commitcast.outbox (org_id, type, data, control) values ('acme', 'commitcast.note', '{}', true)`,
    );
    await expect(insertEvent(database.pool, 'commitcast.note')).rejects.toMatchObject({ code: 'CC003' });
    const { rows } = await database.pool.query('select type, control from commitcast.log');
    expect(rows).toEqual([{ type: 'commitcast.note', control: true }]);
  });
});

describe('the log is append-only, for its owner and a superuser too:', () => {
  it.each(['commitcast.log', 'commitcast.log_1'])('%s refuses UPDATE, DELETE and TRUNCATE', async (table) => {
    await insertEvent(database.pool, 'kept');
    for (const statement of [
      `update ${table} set type = 'changed'`,
      `delete from ${table}`,
      `truncate ${table}`,
      `delete from ${table} where false`,
    ]) {
      await expect(database.pool.query(statement)).rejects.toMatchObject({
        code: 'CC005',
        message: expect.stringMatching('^LOG_APPEND_ONLY: ') as string,
      });
    }
    const client = await database.connect();
    await client.query('set session_replication_role = replica');
    await expect(client.query(`delete from ${table}`)).rejects.toMatchObject({ code: 'CC005' });
    expect(await typesInLog(database.pool)).toEqual(['kept']);
  });

  it('a partition made later refuses too', async () => {
    await database.pool.query(`select setval('commitcast.position', 131073)`);
    await database.pool.query('select commitcast.make_partitions()');
    const { rows } = await database.pool.query<{ name: string }>('select name from commitcast.partition');
    expect(rows.length).toBeGreaterThan(2);
    for (const { name } of rows) {
      await expect(database.pool.query(`truncate commitcast.${name}`)).rejects.toMatchObject({
        code: 'CC005',
      });
    }
  });

  it('an event in the outbox may be taken back by its transaction, but not changed: it would be lost', async () => {
    const client = await database.connect();
    await client.query('begin');
    await insertEvent(client, 'taken back');
    await client.query(`delete from commitcast.outbox where type = 'taken back'`);
    await insertEvent(client, 'kept');
    await client.query('savepoint s');
    await expect(client.query(`update commitcast.outbox set type = 'changed'`)).rejects.toMatchObject({
      code: 'CC005',
    });
    await client.query('rollback to s; commit');
    expect(await typesInLog(database.pool)).toEqual(['kept']);
  });
});

import { Pool, type Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepared } from '../../src/db/prepared.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createDatabase();
  client = await database.connect();
  await client.query(
    'create table thing (id int primary key, label int); insert into thing values (1, 10), (2, 20)',
  );
});

afterEach(() => client.end());

const byId = 'select label from thing where id = $1';

/** Texts that the connection has prepared, in the order in which it did. */
async function preparedOn(connection: Client): Promise<string[]> {
  const { rows } = await connection.query<{ statement: string }>(
    'select statement from pg_prepared_statements order by prepare_time',
  );
  return rows.map(({ statement }) => statement);
}

describe('prepared statements', () => {
  it('a text with values is prepared once, however often it runs', async () => {
    const db = prepared(client);
    for (const id of [1, 2, 1]) expect((await db.query(byId, [id])).rows).toEqual([{ label: id * 10 }]);
    expect(await preparedOn(client)).toEqual([byId]);
  });

  it('what has no values is not prepared, and may be several statements', async () => {
    const db = prepared(client);
    await db.query('select 1; select 2');
    await db.query('select 3', []);
    expect(await preparedOn(client)).toEqual([]);
  });

  it('the names are bounded; what comes beyond runs without one', async () => {
    const db = prepared(client);
    for (let n = 0; n < 150; n += 1)
      expect((await db.query(`select $1::int + ${n} as sum`, [1])).rows).toEqual([{ sum: n + 1 }]);
    expect(await preparedOn(client)).toHaveLength(100);
  });

  it('two executors of one connection do not meet in a name', async () => {
    await prepared(client).query('select $1::int as a', [1]);
    const other = prepared(client);
    expect((await other.query('select $1::int as b', [2])).rows).toEqual([{ b: 2 }]);
  });

  it('a session plans each run for its values, also those of a pool', async () => {
    const pool = new Pool({ connectionString: database.url, max: 2 });
    for (const db of [prepared(client), prepared(pool)])
      expect((await db.query(`select current_setting($1) as mode`, ['plan_cache_mode'])).rows).toEqual([
        { mode: 'force_custom_plan' },
      ]);
    await pool.end();
  });

  it('an error keeps its SQLSTATE, and the statement its name', async () => {
    const db = prepared(client);
    const divide = 'select 1 / $1::int as quotient';
    await expect(db.query(divide, [0])).rejects.toMatchObject({ code: '22012' });
    expect((await db.query(divide, [1])).rows).toEqual([{ quotient: 1 }]);
    expect(await preparedOn(client)).toEqual([divide]);
  });
});

describe('P5: a migration or a reset behind the back of a session', () => {
  it('columns of another type: no caller notices, and the text is prepared again', async () => {
    const db = prepared(client);
    await db.query(byId, [1]);
    await database.pool.query('alter table thing alter label type text');
    expect((await db.query(byId, [1])).rows).toEqual([{ label: '10' }]);
    expect((await db.query(byId, [2])).rows).toEqual([{ label: '20' }]);
    expect(await preparedOn(client)).toEqual([byId, byId]);
  });

  it.each(['deallocate all', 'discard all'])('after %s no caller notices', async (reset) => {
    const db = prepared(client);
    await db.query(byId, [1]);
    await client.query(reset);
    expect((await db.query(byId, [1])).rows).toEqual([{ label: 10 }]);
    await db.query(byId, [2]);
    expect(await preparedOn(client)).toEqual([byId]);
  });

  it('on one connection of a pool, the others go on', async () => {
    const pool = new Pool({ connectionString: database.url, max: 2 });
    const db = prepared(pool);
    const both = () => Promise.all([db.query(byId, [1]), db.query(byId, [2])]);
    await both();
    await pool.query('deallocate all');
    for (let round = 0; round < 3; round += 1)
      expect((await both()).map(({ rows }) => rows[0])).toEqual([{ label: 10 }, { label: 20 }]);
    await pool.end();
  });

  it('over and over: the names end, not the answers', async () => {
    const db = prepared(client);
    for (let round = 0; round < 250; round += 1) {
      await client.query('deallocate all');
      expect((await db.query(byId, [1])).rows).toEqual([{ label: 10 }]);
    }
    await db.query(byId, [1]);
    expect(await preparedOn(client)).toEqual([]);
  });

  it('within a transaction it is told what happened, not that the transaction is over', async () => {
    const db = prepared(client);
    await db.query(byId, [1]);
    await database.pool.query('alter table thing alter label type text');
    await client.query('begin');
    await expect(db.query(byId, [1])).rejects.toMatchObject({ code: '0A000' });
    await client.query('rollback');
    expect((await db.query(byId, [1])).rows).toEqual([{ label: '10' }]);
  });
});

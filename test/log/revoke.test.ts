import { randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { readRevocations } from '../../src/log/read-revocations.ts';
import { revoke, type Revocation } from '../../src/log/revoke.ts';
import { createDatabase } from '../support/database.ts';
import { typesInLog } from '../support/transactions.ts';

const database = await createDatabase();
const client = await database.connect();

/** What instances act on, and what they know after a start, for one org. */
async function written(org: string) {
  const log = await database.pool.query<Record<string, unknown>>(
    `select position, committed_at::text as at, site_id, unit_id, data->>'user' as user_id from commitcast.log
     where org_id = $1 and control and type = 'commitcast.revoked' order by position`,
    [org],
  );
  const table = await database.pool.query<Record<string, unknown>>(
    `select position, at::text, site_id, unit_id, user_id from commitcast.revocation where org_id = $1 order by position`,
    [org],
  );
  return { log: log.rows, table: table.rows };
}

type Way = (revocation: Revocation, end: 'commit' | 'rollback') => Promise<string>;

const ways: Record<string, Way> = {
  'a drizzle transaction': async (revocation, end) => {
    let id = '';
    const work = drizzle(client).transaction(async (tx) => {
      id = await revoke(tx, revocation);
      if (end === 'rollback') tx.rollback();
    });
    await work.catch((error: unknown) => {
      if (end !== 'rollback') throw error;
    });
    return id;
  },
  'a pg client': async (revocation, end) => {
    await client.query('begin');
    const id = await revoke(client, revocation);
    await client.query(end);
    return id;
  },
  'plain SQL': async ({ org, user, site = null, unit = null }, end) => {
    await client.query('begin');
    const { rows } = await client.query<{ id: string }>(
      'select commitcast.revoke(org_id => $1, user_id => $2, site_id => $3, unit_id => $4) as id',
      [org, user, site, unit],
    );
    await client.query(end);
    return rows[0]?.id ?? '';
  },
};

it.each(Object.entries(ways))(
  'P1: through %s, a revocation that commits is in the log and in the table, with one position and one time',
  async (_, way) => {
    const org = randomUUID();
    const user = `kim's "own": ü 🚚 %`;
    const id = await way({ org, user }, 'commit');
    await way({ org, user, site: 's1' }, 'commit');
    await way({ org, user, unit: 'u1' }, 'commit');
    await way({ org, user, site: 's1', unit: 'u1' }, 'commit');
    const { log, table } = await written(org);
    expect(log).toEqual(table);
    expect(table.map(({ user_id, site_id, unit_id }) => [user_id, site_id, unit_id])).toEqual([
      [user, null, null],
      [user, 's1', null],
      [user, null, 'u1'],
      [user, 's1', 'u1'],
    ]);
    const { rows } = await database.pool.query('select id from commitcast.log where position = $1', [
      table[0]?.['position'],
    ]);
    expect(rows).toEqual([{ id }]);
  },
);

it.each(Object.entries(ways))('P1: through %s, a rollback revokes nothing', async (_, way) => {
  const org = randomUUID();
  await way({ org, user: 'kim' }, 'rollback');
  expect(await written(org)).toEqual({ log: [], table: [] });
});

it('P1: a savepoint that is rolled back takes its revocations with it, and no others', async () => {
  const org = randomUUID();
  await client.query('begin');
  await revoke(client, { org, user: 'before' });
  await client.query('savepoint s');
  await revoke(client, { org, user: 'within' });
  await client.query('rollback to s');
  await revoke(client, { org, user: 'after' });
  await client.query('savepoint s');
  await revoke(client, { org, user: 'released' });
  await client.query('release s; commit');
  const { log, table } = await written(org);
  expect(log).toEqual(table);
  expect(table.map(({ user_id }) => user_id)).toEqual(['before', 'after', 'released']);
});

it('P2: the place of a revocation among the events of its transaction is where it was called, whatever the constraints', async () => {
  for (const mode of ['deferred', 'immediate']) {
    const org = randomUUID();
    const note = (type: string) => append(client, { org, type, data: null });
    await client.query('begin');
    await client.query(`set constraints all ${mode}`);
    await note('first');
    await revoke(client, { org, user: 'kim' });
    await note('second');
    await revoke(client, { org, user: 'lee' });
    await client.query('commit');
    const { rows } = await database.pool.query<{ said: string }>(
      `select coalesce(data->>'user', type) as said from commitcast.log where org_id = $1 order by position`,
      [org],
    );
    expect(
      rows.map(({ said }) => said),
      mode,
    ).toEqual(['first', 'kim', 'second', 'lee']);
    const { log, table } = await written(org);
    expect(log, mode).toEqual(table);
  }
});

it('the time of a revocation is that of its commit: a token that was issued while the transaction worked is older', async () => {
  const org = randomUUID();
  await client.query('begin');
  await revoke(client, { org, user: 'kim' });
  const { rows } = await client.query<{ at: Date }>('select clock_timestamp() as at');
  await client.query('commit');
  const [revoked] = (await readRevocations(database.pool)).filter((one) => one.org === org);
  expect(revoked?.at).toBeGreaterThanOrEqual(rows[0]?.at.getTime() ?? Infinity);
});

it('a right that was revoked many times is read once, with the latest time', async () => {
  const org = randomUUID();
  await database.pool.query(
    `insert into commitcast.revocation (org_id, user_id, site_id, position, at)
     select $1, 'user-' || n % 2, case when n % 3 = 0 then 's1' end, n, to_timestamp(n)
     from generate_series(1, 10000) n`,
    [org],
  );
  const read = (await readRevocations(database.pool)).filter((one) => one.org === org);
  expect(read.map(({ user, site = 'all', at }) => `${user} ${site} ${at / 1_000}`).sort()).toEqual([
    'user-0 all 10000',
    'user-0 s1 9996',
    'user-1 all 9997',
    'user-1 s1 9999',
  ]);
});

it('P4: a writer may revoke; a reader, the relay, and a role without any may not', async () => {
  const org = randomUUID();
  const sql = 'select commitcast.revoke($1, $2) as id';
  for (const roles of [['commitcast_reader'], ['commitcast_relay'], []]) {
    const other = await database.connect(await database.urlAsMemberOf(...roles));
    await expect(other.query(sql, [org, 'kim']), String(roles)).rejects.toMatchObject({ code: '42501' });
  }
  expect(await written(org)).toEqual({ log: [], table: [] });
  const writer = await database.connect(await database.urlAsMemberOf('commitcast_writer'));
  await revoke(writer, { org, user: 'kim' });
  expect((await written(org)).table).toHaveLength(1);
});

it.each([
  `insert into commitcast.outbox (org_id, type, data, control) values ('o', 'commitcast.revoked', '{"user":"kim"}', true)`,
  `insert into commitcast.revocation (org_id, user_id, position) values ('o', 'kim', 1)`,
  `delete from commitcast.revocation`,
  `update commitcast.revocation set at = 'epoch'`,
  `select * from commitcast.revocation`,
  `delete from commitcast.membership`,
  `select commitcast.follow_membership()`,
])('P4: a writer can neither forge a control event nor undo one: %s', async (statement) => {
  const writer = await database.connect(await database.urlAsMemberOf('commitcast_writer'));
  await expect(writer.query(statement)).rejects.toMatchObject({ code: '42501' });
});

it('P4: a temporary table or another search path does not catch what is revoked', async () => {
  const org = randomUUID();
  const writer = await database.connect(await database.urlAsMemberOf('commitcast_writer'));
  await writer.query('create temp table outbox (org_id text, site_id text, unit_id text, type text)');
  await writer.query('create temp table revocation (org_id text, user_id text)');
  await writer.query('set search_path = pg_temp, pg_catalog');
  await revoke(writer, { org, user: 'kim' });
  const { log, table } = await written(org);
  expect(table).toHaveLength(1);
  expect(log).toEqual(table);
});

it.each([
  [`'commitcast.revoked', '{"user":"kim"}', false`, 'CC003'],
  [`'commitcast.future', '{}', false`, 'CC003'],
  [`'revoked', '{"user":"kim"}', true`, 'CC003'],
])('P4: types and the control flag go together, for the owner too: %s', async (values, code) => {
  const sql = `insert into commitcast.outbox (org_id, type, data, control) values ('acme', ${values})`;
  await expect(database.pool.query(sql)).rejects.toMatchObject({ code });
});

it.each(['{}', 'null', '"kim"', '["kim"]', '{"user": null}'])(
  'P5: a revocation without a user fails with its transaction, not in the instances: %s',
  async (data) => {
    const before = await typesInLog(database.pool);
    await client.query('begin');
    await append(client, { org: 'acme', type: 'in vain', data: null });
    await client.query(
      `insert into commitcast.outbox (org_id, type, data, control) values ('acme', 'commitcast.revoked', $1, true)`,
      [data],
    );
    await expect(client.query('commit')).rejects.toMatchObject({ code: '23502' });
    expect(await typesInLog(database.pool)).toEqual(before);
  },
);

it.each([
  `commitcast.revoke('a:b', 'kim')`,
  `commitcast.revoke('acme', null)`,
  `commitcast.revoke('acme', 'kim', 'a:b')`,
  `commitcast.revoke('acme', 'kim', null, '')`,
])('refuses what names nobody, or no scope: %s', async (call) => {
  await expect(database.pool.query(`select ${call}`)).rejects.toMatchObject({ code: 'CC001' });
});

it('a user of 1024 characters can lose what it has', async () => {
  const [org, user] = [randomUUID(), '🚚'.repeat(512)];
  await revoke(database.pool, { org, user });
  expect((await written(org)).table.map(({ user_id }) => user_id)).toEqual([user]);
});

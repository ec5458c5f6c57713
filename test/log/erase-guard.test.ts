import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { createDatabase } from '../support/database.ts';
import { publish, readAudit, readEvents, writeSome } from './erasures.ts';

// All of it as a superuser who owns the log, unless a test says otherwise.
const database = await createDatabase();
const { pool } = database;
const refused = { code: 'CC005' };

/** Runs the work in a transaction that is rolled back. */
async function inVain(work: (client: Client) => Promise<void>): Promise<void> {
  const client = await database.connect();
  await client.query('begin');
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** An erasure of `s1` that is at work again, in the transaction of its call. */
async function reopen(client: Client, org: string): Promise<string> {
  const id = await erase(client, { org, stream: 's1' });
  // Only an owner can open it again.
  await client.query('update commitcast.erasure set open_in = pg_current_xact_id() where id = $1', [id]);
  return id;
}

const partitions = async () => {
  const { rows } = await pool.query<{ name: string }>('select name from commitcast.partition');
  return ['log', ...rows.map(({ name }) => name)];
};

const forgedSettings = [
  `set local commitcast.erasing = 'on'`,
  `set local commitcast.events = '0'`,
  `set local session_replication_role = replica`,
  `set local search_path = pg_temp, commitcast`,
];

describe('the log stays closed to every update but that of an erasure:', () => {
  it.each(['', ...forgedSettings])('to the owner, %s', async (setting) => {
    for (const table of await partitions()) {
      for (const statement of [
        `update commitcast.${table} set data = '{"$erased": "${randomUUID()}"}', meta = null`,
        `delete from commitcast.${table}`,
        `truncate commitcast.${table}`,
      ]) {
        await inVain(async (client) => {
          await client.query(setting);
          await expect(client.query(statement), statement).rejects.toMatchObject(refused);
        });
      }
    }
  });

  it('also within the transaction of an erasure, before its call and after it', async () => {
    const org = randomUUID();
    await writeSome(pool, org);
    await inVain(async (client) => {
      await client.query('savepoint s');
      const update = `update commitcast.log set data = '{}' where org_id = '${org}'`;
      await expect(client.query(update)).rejects.toMatchObject(refused);
      await client.query('rollback to s');
      await erase(client, { org });
      await expect(client.query(update)).rejects.toMatchObject(refused);
    });
  });

  it('in partitions that are made later, too', async () => {
    const size = 131_072;
    const later = await createDatabase();
    await later.pool.query(`select setval('commitcast.position', ${2 * size + 5})`);
    await later.pool.query('select commitcast.make_partitions()');
    await append(later.pool, { org: 'acme', type: 'x', data: { name: 'Jane' } });
    const { rows } = await later.pool.query<{ guards: number }>(
      `select count(*)::int as guards from pg_trigger t join commitcast.partition p on t.tgrelid = ('commitcast.' || p.name)::regclass
       where tgname in ('append_only', 'only_erased') and tgenabled = 'A' group by p.name`,
    );
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.every(({ guards }) => guards === 2)).toBe(true);
    await erase(later.pool, { org: 'acme' });
    expect(await readEvents(later.pool, 'acme')).toMatchObject([
      { data: { $erased: expect.any(String) as string } },
    ]);
  });
});

describe('while an erasure is at work, it may write its tombstone, in its scope, and nothing else:', () => {
  const stone = `data = jsonb_build_object('$erased', $1::uuid), meta = null`;

  it.each([
    [`data = '{}', meta = null`, 's1'],
    [`data = data`, 's2'],
    [`data = jsonb_build_object('$erased', gen_random_uuid()), meta = null`, 's1'],
    [`data = jsonb_build_object('$erased', $1::uuid, 'name', 'Jane'), meta = null`, 's1'],
    [`data = jsonb_build_object('$erased', $1::uuid), meta = '{"by": "kim"}'`, 's1'],
    [`${stone}, type = 'other'`, 's1'],
    [`${stone}, org_id = 'other'`, 's1'],
    [`${stone}, unit_id = 'other'`, 's1'],
    [`${stone}, version = 99`, 's1'],
    [`${stone}, id = gen_random_uuid()`, 's1'],
    [`${stone}, position = position + 1000`, 's1'],
    [`${stone}, committed_at = now()`, 's1'],
    [`${stone}, log_oid = 1`, 's1'],
    [`${stone}, control = true`, 's1'],
    // Another stream than the one that it is of.
    [stone, 's2'],
  ])('set %s, of stream %s', async (assignments, stream) => {
    const org = randomUUID();
    await writeSome(pool, org);
    await inVain(async (client) => {
      const id = await reopen(client, org);
      const update = (what: string, name: string) =>
        client.query(
          `update commitcast.log set ${what} where org_id = $2 and stream = $3 and $1::uuid is not null`,
          [id, org, name],
        );
      // What it may write, it may: the refusal below is for what else is in it.
      expect((await update(stone, 's1')).rowCount).toBe(4);
      await expect(update(assignments, stream)).rejects.toMatchObject(refused);
    });
  });

  it.each(['another org', 'control events'])('not of %s', async (what) => {
    const [org, rival] = [randomUUID(), randomUUID()];
    await writeSome(pool, rival);
    await erase(pool, { org });
    await inVain(async (client) => {
      const id = await erase(client, { org });
      await client.query('update commitcast.erasure set open_in = pg_current_xact_id() where id = $1', [id]);
      const update = client.query(`update commitcast.log set ${stone} where org_id = $2`, [
        id,
        what === 'another org' ? rival : org,
      ]);
      await expect(update).rejects.toMatchObject(refused);
    });
  });
});

describe('the audit', () => {
  const row = `(id, org_id, requested_by, settled, open_in)
    values (gen_random_uuid(), 'acme', 'nobody', 0, pg_current_xact_id())`;

  it('has no erasure without its control event: not the forged one of an owner', async () => {
    await writeSome(pool, 'acme');
    const before = await readEvents(pool, 'acme');
    const client = await database.connect();
    await client.query(`begin; insert into commitcast.erasure ${row}`);
    await client.query(`update commitcast.log l set data = jsonb_build_object('$erased', e.id), meta = null
      from commitcast.erasure e where l.org_id = 'acme' and e.org_id = 'acme' and not l.control`);
    await expect(client.query('commit')).rejects.toMatchObject(refused);
    expect(await readEvents(pool, 'acme')).toEqual(before);
  });

  it('nor one whose control event was taken back before the commit', async () => {
    const client = await database.connect();
    await client.query('begin');
    await erase(client, { org: 'acme' });
    await client.query(`delete from commitcast.outbox where control`);
    await expect(client.query('commit')).rejects.toMatchObject(refused);
  });

  it.each([
    `delete from commitcast.erasure`,
    `truncate commitcast.erasure`,
    `update commitcast.erasure set requested_by = 'nobody'`,
    `update commitcast.erasure set reason = null`,
    `update commitcast.erasure set stream = 'other'`,
    `update commitcast.erasure set position = 1`,
    `update commitcast.erasure set swept_at = null`,
    `update commitcast.erasure set requested_at = now()`,
  ])('stays as it was written: %s', async (statement) => {
    await erase(pool, { org: 'kept', stream: 's', reason: 'asked' });
    await publish(pool);
    await pool.query('select commitcast.sweep_erasures()');
    const before = await readAudit(pool, 'kept');
    await expect(pool.query(statement)).rejects.toMatchObject(refused);
    expect(await readAudit(pool, 'kept')).toEqual(before);
  });
});

describe('rights: ', () => {
  it.each([['commitcast_writer'], ['commitcast_reader'], ['commitcast_relay'], []])(
    'nobody erases who was not granted it: %s',
    async (...roles) => {
      const client = await database.connect(await database.urlAsMemberOf(...roles));
      await expect(client.query(`select commitcast.erase('acme')`)).rejects.toMatchObject({ code: '42501' });
    },
  );

  it('who was granted it erases, under the name of its login, and can do nothing else to the log', async () => {
    const org = randomUUID();
    await writeSome(pool, org);
    const url = await database.urlAsMemberOf('commitcast_writer');
    const login = new URL(url).username;
    await pool.query(`grant execute on function commitcast.erase(text, text, text) to ${login}`);
    const client = await database.connect(url);
    await client.query(
      'create temp table erasure (id uuid); create temp table log (org_id text, data jsonb)',
    );
    await client.query('set search_path = pg_temp, pg_catalog');
    const id = await erase(client, { org });
    const events = await readEvents(pool, org);
    expect(events.map(({ data }) => data)).toEqual(events.map(() => ({ $erased: id })));
    expect(await readAudit(pool, org)).toMatchObject([{ id, requested_by: login }]);
    for (const statement of [
      `update commitcast.log set data = '{}'`,
      `insert into commitcast.erasure (id, org_id, requested_by, settled) values (gen_random_uuid(), 'o', 'x', 0)`,
      `select commitcast.sweep_erasures()`,
      `select * from commitcast.replace_data(null, 0, 1)`,
    ])
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
  });
});
